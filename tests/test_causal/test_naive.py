"""What one would have done: textbook answers on predictions, or on truth alone."""

import numpy as np
import pandas as pd
import pytest
from contracts import OutputEstimatorContract, require
from scipy import stats

from causal import Classical, Naive
from uq.exceptions import InfiniteBoundWarning, InputError, SmallSampleWarning


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    arm = np.arange(60) % 2
    y = rng.exponential(size=60) + arm
    return 0.5 * y + 0.3 * rng.normal(size=60), y, arm


class TestNaiveContract(OutputEstimatorContract):
    changes_under_weights = False

    @pytest.fixture
    def estimator(self):
        return Naive()


class TestClassicalContract(OutputEstimatorContract):
    @pytest.fixture
    def estimator(self):
        return Classical()

    def ask(self, fitted, outputs):
        """Weights are of sampling, not of counts: a row of weight 2 is not two rows for an error."""
        return {"mean": fitted.mean(outputs).estimate}

    def bad_outputs(self, outputs):
        """Nothing at all is fine: they are not used."""
        bad = super().bad_outputs(outputs)
        del bad["None"]
        return bad


def test_naive_is_welch_on_predictions(rows):
    z, y, arm = rows
    estimate = Naive().fit(z, y).ate(z, arm)
    low, high = stats.ttest_ind(z[arm == 1], z[arm == 0], equal_var=False).confidence_interval()
    assert list(estimate.conf_int()) == pytest.approx([low, high], rel=1e-12)
    assert estimate.guarantee == "none"
    assert estimate.influence.fit.shape == (60, 1)
    assert not estimate.influence.fit.any()


def test_classical_is_welch_on_truth(rows):
    z, y, arm = rows
    fitted = Classical().fit(z, y, treatment=arm)
    low, high = stats.ttest_ind(y[arm == 1], y[arm == 0], equal_var=False).confidence_interval()
    for estimate in (fitted.ate(), fitted.ate(np.zeros(5), [1, 1, 0, 0, 0])):
        assert list(estimate.conf_int()) == pytest.approx([low, high], rel=1e-12)
    mean = fitted.mean(z[:4])
    assert list(mean.conf_int()) == pytest.approx(stats.ttest_1samp(y, 0).confidence_interval(), rel=1e-12)
    assert mean.influence.apply.shape == (0, 1)


@pytest.mark.filterwarnings("ignore:.*labelled clusters are few:uq.exceptions.SmallSampleWarning")
def test_classical_least_squares_is_that_of_statsmodels(rows):
    sm = require("statsmodels.api")
    z, y, arm = rows
    X = pd.DataFrame({"one": 1.0, "arm": arm, "x": np.sin(np.arange(60))})
    groups = np.arange(60) // 4
    for theirs, ours in (
        (sm.OLS(y, X).fit(cov_type="HC1"), Classical().fit(z, y, X=X).ols()),
        (
            sm.OLS(y, X).fit(cov_type="cluster", cov_kwds={"groups": groups}),
            Classical().fit(z, y, X=X, groups=groups).ols(z, X),
        ),
    ):
        assert np.allclose(ours.estimate, theirs.params, rtol=1e-10)
        assert np.allclose(ours.cov, theirs.cov_params(), rtol=1e-9)
        assert ours.names == ("one", "arm", "x")
    weights = np.where(np.arange(60) < 40, 1.0, 0.0)
    some = Classical().fit(z, y, X=X, sample_weight=weights, groups=groups).ols()
    assert some.n == 40
    assert list(some.influence.fit_ids) == list(range(10))
    few = sm.OLS(y[:40], X[:40]).fit(cov_type="cluster", cov_kwds={"groups": groups[:40]})
    assert np.allclose(some.cov, few.cov_params(), rtol=1e-9)


def test_what_the_caller_writes_later_changes_nothing(rows):
    z, y, arm = rows
    given = {
        "X": np.column_stack([np.ones(60), np.sin(np.arange(60))]), "treatment": arm * 1.0,
        "propensity": np.full(60, 0.5), "sample_weight": np.linspace(1, 2, 60), "groups": np.arange(60) // 2,
    }  # fmt: skip
    z, y = z.copy(), y.copy()
    fitted = Classical().fit(z, y, **given)
    before = fitted.mean(), fitted.ols(), fitted.ate()
    for array in (z, y, *given.values()):
        array[...] = array[::-1].copy()
        array[:3] += 1
    assert (fitted.mean(), fitted.ols(), fitted.ate()) == before


def test_rows_that_count_as_fewer_are_said_to(rows):
    z, y, _ = rows
    Classical().fit(z, y, groups=np.arange(60) // 3).mean()
    with pytest.warns(SmallSampleWarning, match="12 labelled clusters differ.*count as 2.4"):
        answer = Classical().fit(z, y, groups=np.minimum(np.arange(60) // 2, 11)).mean()
    assert answer.law.df == pytest.approx(3600 / (11 * 4 + 38**2) - 1)
    with pytest.warns(SmallSampleWarning, match="60 labelled rows differ.*count as 4.1"):
        Classical().fit(z, y, sample_weight=np.where(np.arange(60) < 4, 1.0, 1e-3)).mean()
    with pytest.warns(SmallSampleWarning, match="60 labelled rows differ.*count as 4.6"):
        Classical().fit(z, y, treatment=np.arange(60) < 4).ate()


def test_labels_of_rows_travel_with_the_estimate(rows):
    z, y, arm = rows
    frame = pd.Series(z, index=pd.RangeIndex(5, 65))
    estimate = Classical().fit(frame, y, treatment=arm, sample_weight=arm + np.r_[np.ones(50), np.zeros(10)]).ate()
    assert len(estimate.influence.fit) == len(estimate.influence.fit_ids) == 55
    assert Naive().fit(frame, y).mean(frame).influence.apply_ids.equals(frame.index)


def test_a_propensity_may_be_one_number(rows):
    z, y, arm = rows
    one = Classical().fit(z, y, treatment=arm, propensity=0.3).ate()
    assert one.estimate == pytest.approx(y[arm == 1].mean() - y[arm == 0].mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("verb", "fit", "match"),
    [
        ("ate", {}, "treatment must be given to fit"),
        ("ols", {}, "X must be given to fit"),
        (None, {"propensity": 0.5}, "must come with treatment"),
        (None, {"treatment": np.zeros(60)}, "both arms"),
        (None, {"X": np.ones((59, 1))}, "as many rows"),
    ],
)
def test_classical_refuses(rows, verb, fit, match):
    with pytest.raises(InputError, match=match):
        getattr(Classical().fit(rows[0], rows[1], **fit), verb or "mean")()


def test_constant_truth_says_nothing_of_its_error():
    estimate = Classical().fit(np.arange(4.0), np.full(4, 0.1)).mean()
    assert estimate.estimate == pytest.approx(0.1)
    assert estimate.std_error == np.inf
    with pytest.warns(InfiniteBoundWarning):
        estimate.conf_int()
