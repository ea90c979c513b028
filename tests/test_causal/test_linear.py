"""The linear correction: its formulas, its errors by brute force, its laws, and where nothing can be said."""

import numpy as np
import pandas as pd
import pytest
from contracts import OutputEstimatorContract
from scipy import stats

from causal import LinearDebiaser
from uq._base.draws_law import DrawsLaw
from uq._base.laws import FiellerLaw, TLaw
from uq.exceptions import InfiniteBoundWarning, InputError, SmallSampleWarning, UntestedAssumptionWarning


def world(n, slope, rng, shift=0.0):
    """Return predictions E[y | x] of slope `slope` on a standard normal outcome, and the outcome."""
    y = rng.normal(size=n) + shift
    return slope * y + np.sqrt(slope * (1 - slope)) * rng.normal(size=n), y


def debiaser(**parameters):
    return LinearDebiaser(nondifferential=True, **parameters)


@pytest.fixture
def calibration():
    return world(80, 0.6, np.random.default_rng(3))


@pytest.fixture
def trial():
    rng = np.random.default_rng(4)
    arm = np.arange(50) % 2
    z, _ = world(50, 0.6, rng, shift=arm)
    return z, arm


class TestContract(OutputEstimatorContract):
    verbs = ("transform", "mean")

    @pytest.fixture
    def estimator(self):
        return debiaser(n_resamples=49, random_state=0)

    def ask(self, fitted, outputs):
        """Weights are of sampling, not of counts: a row of weight 2 is not two rows for an error."""
        estimate = fitted.mean(outputs)
        return {"transform": fitted.transform(outputs), "mean": estimate.estimate}

    def test_errors_do_not_depend_on_dress(self, estimator, data):
        outputs, y, new = data
        plain = estimator.fit(outputs, y).mean(new)
        frame = estimator.fit(pd.Series(outputs, dtype="float32"), list(y)).mean(pd.Series(new))
        assert frame.std_error == pytest.approx(plain.std_error, rel=1e-12)


def test_the_line_is_that_of_predictions_on_truth(calibration):
    z, y = calibration
    fitted = debiaser().fit(z, y)
    line = stats.linregress(y, z)
    assert fitted.slope_ == pytest.approx(line.slope, rel=1e-12)
    assert fitted.intercept_ == pytest.approx(line.intercept, rel=1e-10)
    assert np.allclose(fitted.transform(z), (z - line.intercept) / line.slope, rtol=1e-12)
    X = np.column_stack([np.ones(80), y])
    bread = np.linalg.inv(X.T @ X)
    u = z - X @ [line.intercept, line.slope]
    assert np.allclose(fitted.vcov_, bread @ (X.T * u**2) @ X @ bread * 80 / 78, rtol=1e-9)


def test_the_effect_has_the_formula_of_the_ratio(calibration, trial):
    """Var = (Var D + theta^2 Var k) / k^2, HC1 below the bar and Welch above it."""
    fitted = debiaser().fit(*calibration)
    z, arm = trial
    effect = fitted.ate(z, arm)
    above = z[arm == 1].mean() - z[arm == 0].mean()
    var = z[arm == 1].var(ddof=1) / 25 + z[arm == 0].var(ddof=1) / 25
    k, var_k = fitted.slope_, fitted.vcov_[1, 1]
    assert effect.estimate == pytest.approx(above / k, rel=1e-12)
    assert effect.std_error == pytest.approx(np.sqrt(var + (above / k) ** 2 * var_k) / k, rel=1e-10)
    assert isinstance(effect.law, TLaw)
    assert effect.guarantee == "asymptotic"
    fieller = fitted.ate(z, arm, method="fieller")
    assert fieller.estimate == pytest.approx(effect.estimate, rel=1e-12)
    law = fieller.law
    assert law.var_numerator / law.numerator**2 == pytest.approx(var / above**2, rel=1e-10)
    assert law.var_denominator / law.denominator**2 == pytest.approx(var_k / k**2, rel=1e-10)
    assert law.cov == pytest.approx(0, abs=1e-15)


def test_fieller_for_a_level_is_the_set_of_the_spec(calibration, trial):
    fitted = debiaser().fit(*calibration)
    z, _ = trial
    estimate = fitted.mean(z, method="fieller")
    q = stats.t.isf(0.025, estimate.law.df)
    (v_mm, v_mk), (_, v_kk) = fitted.vcov_
    t = np.linspace(-2, 3, 500_001)
    variance = z.var(ddof=1) / 50 + v_mm + 2 * t * v_mk + t * t * v_kk
    kept = t[(z.mean() - fitted.intercept_ - t * fitted.slope_) ** 2 <= q * q * variance]
    low, high = estimate.conf_int()
    assert (low, high) == pytest.approx((kept.min(), kept.max()), abs=2e-5)


@pytest.mark.parametrize("offset", [1e3, 1e6, 1e8, 1e10, -1e10])
@pytest.mark.parametrize("verb", ["mean", "ate"])
def test_fieller_does_not_know_where_zero_is(calibration, trial, offset, verb):
    """An outcome in other units, or counted from another origin, has the same interval there."""
    z, arm = trial
    more = {"ate": (arm,), "mean": ()}[verb]
    shift = offset if verb == "mean" else 0.0
    plain = getattr(debiaser().fit(*calibration), verb)(z, *more, method="fieller")
    there = debiaser().fit(calibration[0], calibration[1] + offset)
    moved = getattr(there, verb)(z, *more, method="fieller")
    width = plain.conf_int().width
    slack = 20 * np.spacing(abs(offset)) + 1e-9
    for level in (0.5, 0.95):
        ends = np.array(tuple(moved.conf_int(level))) - shift
        assert ends == pytest.approx(tuple(plain.conf_int(level)), abs=slack)
    assert moved.conf_int().width == pytest.approx(width, abs=2 * slack)
    null = plain.estimate + 0.2
    assert moved.pvalue(null + shift) == pytest.approx(plain.pvalue(null), abs=30 * slack)


def numeric_spread(estimator, z, y, weights, z_new, coefficients, eps=1e-5):
    """Return what each calibration row contributes to a functional, by changing its weight a little."""

    def value(w):
        return coefficients @ estimator.fit(z, y, sample_weight=w)._transform(z_new)

    columns = []
    for i in range(len(z)):
        up, down = weights.copy(), weights.copy()
        up[i] += eps
        down[i] -= eps
        # a weight's derivative is the influence per unit of weight
        columns.append((value(up) - value(down)) / (2 * eps) * weights[i])
    return np.array(columns)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_spread_is_the_derivative_by_the_weights(calibration, trial, weighted):
    z, y = calibration
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.5, 1, 80) if weighted else np.full(80, 0.7)
    coefficients = rng.normal(size=(3, 50))
    expected = numeric_spread(debiaser(), z, y, weights, trial[0], coefficients)
    fitted = debiaser().fit(z, y, sample_weight=weights)
    assert np.allclose(fitted._spread(trial[0], coefficients), expected * np.sqrt(80 / 78), rtol=1e-5, atol=1e-8)
    groups = np.arange(80) // 8
    clustered = debiaser().fit(z, y, sample_weight=weights, groups=groups)
    sums = np.add.reduceat(expected, np.arange(0, 80, 8))
    factor = np.sqrt(10 / 9 * 79 / 78)
    assert np.allclose(clustered._spread(trial[0], coefficients), sums * factor, rtol=1e-5, atol=1e-7)


def test_influence_values_make_the_variance(calibration, trial):
    z, arm = trial
    frame = pd.Series(z, index=[f"row {i}" for i in range(50)])
    fitted = debiaser().fit(pd.Series(calibration[0], index=range(100, 180)), calibration[1])
    X = pd.DataFrame({"one": 1.0, "arm": arm})
    for estimate in (fitted.mean(frame), fitted.ate(frame, arm), fitted.ols(frame, X)):
        total = np.sqrt(np.diag(estimate.influence.cov))
        assert np.allclose(total, np.atleast_1d(estimate.std_error), rtol=1e-12)
        assert list(estimate.influence.apply_ids) == list(frame.index)
        assert list(estimate.influence.fit_ids) == list(range(100, 180))
    assert estimate.names == ("one", "arm")
    assert estimate.cov.shape == (2, 2)


def test_least_squares_on_the_arms_is_the_effect(calibration, trial):
    fitted = debiaser().fit(*calibration)
    z, arm = trial
    ols = fitted.ols(z, np.column_stack([np.ones(50), arm]))
    assert ols.estimate[1] == pytest.approx(fitted.ate(z, arm).estimate, rel=1e-12)
    assert ols.estimate[0] == pytest.approx(fitted.mean(z[arm == 0]).estimate, rel=1e-12)
    one = fitted.ols(z, np.ones((50, 1)))
    assert one.estimate.shape == (1,)
    assert one.std_error[0] == pytest.approx(fitted.mean(z).std_error, rel=1e-12)


def test_no_intercept_is_added(calibration, trial):
    z, arm = trial
    fitted = debiaser().fit(*calibration)
    x = arm + 1.0
    f = fitted.transform(z)
    assert fitted.ols(z, x[:, None]).estimate[0] == pytest.approx((x @ f) / (x @ x), rel=1e-12)


def test_rows_of_weight_0_are_not_there(calibration, trial):
    z, y = calibration
    new, arm = trial
    weights, few = np.where(np.arange(80) < 60, 1.0, 0.0), np.where(np.arange(50) < 40, 2.0, 0.0)
    here = debiaser().fit(z, y, sample_weight=weights).ate(new, arm, sample_weight=few)
    there = debiaser().fit(z[:60], y[:60]).ate(new[:40], arm[:40])
    assert here.estimate == pytest.approx(there.estimate, rel=1e-12)
    assert here.std_error == pytest.approx(there.std_error, rel=1e-12)
    assert here.n == 40
    groups = np.arange(50) // 5
    with pytest.warns(SmallSampleWarning, match="8 clusters are few"):
        here = debiaser().fit(z, y, sample_weight=weights).mean(new, sample_weight=few, groups=groups)
    assert here.n_groups == 8
    assert list(here.influence.apply_ids) == list(range(8))


def test_clusters_that_count_as_fewer_are_said_to(calibration, trial):
    z, y = calibration
    groups = np.minimum(np.arange(80) // 2, 19)  # nineteen of 2 rows, one of 42
    with pytest.warns(SmallSampleWarning, match="20 calibration clusters differ.*count as 3.5"):
        answer = debiaser().fit(z, y, groups=groups).mean(trial[0])
    plain = debiaser().fit(z, y, groups=np.arange(80) // 2).mean(trial[0])
    assert answer.influence.fit.shape == (20, 1)
    share = (answer.influence.fit**2).sum() / answer.std_error**2
    number = 80**2 / (19 * 2**2 + 42**2)
    assert answer.law.df == pytest.approx(1 / (share**2 / (number - 2) + (1 - share) ** 2 / 49))
    assert plain.std_error < np.inf


@pytest.mark.parametrize("far", [0.0, 1e6])
def test_a_trial_without_variation_has_no_error(calibration, far):
    z, y = calibration
    fitted = debiaser().fit(z + far, y)
    arm = np.repeat([0.0, 1.0], 10)
    flat = far + np.repeat([0.1, 0.7], 10)
    for answer in (
        fitted.mean(far + np.full(12, 0.3)),
        fitted.ate(flat, arm),
        fitted.mean(far + np.full(12, 0.3), method="fieller"),
        fitted.mean(far + np.full(12, 0.3), method="bootstrap"),
    ):
        assert answer.std_error == np.inf
        assert answer.influence is None
    with pytest.warns(InfiniteBoundWarning):
        assert fitted.mean(far + np.full(12, 0.3)).conf_int().upper == np.inf
    perfect = debiaser().fit(2 * y + 1, y)
    assert perfect.mean(np.ones(20)).std_error == np.inf
    assert 0 < perfect.mean(2 * y + 1).std_error < np.inf
    # one arm that varies is enough, and little variation is some
    assert fitted.ate(flat + arm * np.sin(np.arange(20)), arm).std_error < np.inf
    assert fitted.mean(far + 1e-6 * z).std_error < np.inf


def test_reversed_predictions_are_said_to_be_reversed(calibration, trial):
    z, y = calibration
    fitted = debiaser().fit(-z, y)
    with pytest.warns(SmallSampleWarning, match="reversed.*fall where the truth rises"):
        answer = fitted.mean(-trial[0])
    assert answer.estimate == pytest.approx(debiaser().fit(z, y).mean(trial[0]).estimate)


def test_the_bootstrap_agrees_with_the_first_order(calibration, trial):
    z, arm = trial
    fitted = debiaser(n_resamples=1999, random_state=0).fit(*calibration)
    for verb in (lambda m: fitted.ate(z, arm, method=m), lambda m: fitted.mean(z, method=m)):
        first, drawn = verb("delta"), verb("bootstrap")
        assert drawn.estimate == first.estimate
        assert drawn.std_error == pytest.approx(first.std_error, rel=0.1)
        assert isinstance(drawn.law, DrawsLaw)
        assert drawn.influence is None
        assert verb("bootstrap") == drawn
    ols = fitted.ols(z, np.column_stack([np.ones(50), arm]), method="bootstrap")
    assert ols.std_error == pytest.approx(fitted.ols(z, np.column_stack([np.ones(50), arm])).std_error, rel=0.12)
    assert ols.cov.shape == (2, 2)


# ---- the guard


def test_fit_warns_that_nothing_tested_the_world(calibration):
    z, y = calibration
    with pytest.warns(UntestedAssumptionWarning, match="shrinkage_diagnostic"):
        LinearDebiaser().fit(z, y)
    LinearDebiaser().fit(z, y, groups=np.arange(80) // 8)
    LinearDebiaser(nondifferential=True).fit(z, y)


# ---- what cannot be said


def test_a_weak_slope_is_named_and_fieller_says_it(trial):
    rng = np.random.default_rng(5)
    y = rng.normal(size=60)
    z, arm = trial
    fitted = debiaser().fit(0.05 * y + rng.normal(size=60), y)
    with pytest.warns(SmallSampleWarning, match="fieller"):
        fitted.ate(z, arm)
    estimate = fitted.ate(z, arm, method="fieller")
    assert isinstance(estimate.law, FiellerLaw)
    with pytest.warns(InfiniteBoundWarning, match="denominator"):
        assert list(estimate.conf_int()) == [-np.inf, np.inf]


@pytest.mark.parametrize(
    ("arm", "groups"), [([1, 0, 0, 0, 0], None), ([1, 1, 0, 0, 0], [0, 0, 1, 2, 3]), ([1, 0, 1, 0, 1], [7] * 5)]
)
@pytest.mark.parametrize("method", ["delta", "fieller", "bootstrap"])
def test_what_is_alone_has_an_infinite_error(calibration, arm, groups, method):
    estimate = debiaser().fit(*calibration).ate([0.1, 0.5, 0.2, 0.9, 0.4], arm, groups=groups, method=method)
    assert np.isfinite(estimate.estimate)
    assert estimate.std_error == np.inf
    assert estimate.influence is None
    with pytest.warns(InfiniteBoundWarning):
        assert estimate.conf_int().width == np.inf
    assert estimate.pvalue() == 1


def test_two_calibration_rows_have_no_error(trial):
    z, arm = trial
    estimate = debiaser().fit([0.0, 1.0], [0.0, 2.0]).ate(z, arm, method="fieller")
    assert estimate.std_error == np.inf
    clusters = debiaser().fit([0.0, 1.0, 2.0], [0.0, 2.0, 3.0], groups=[1, 1, 1])
    assert clusters.ate(z, arm, method="fieller").std_error == np.inf


def test_a_perfect_model_leaves_the_error_of_the_trial(trial):
    z, arm = trial
    y = np.arange(10.0)
    estimate = debiaser().fit(2 * y, y).ate(2 * z, arm)
    welch = stats.ttest_ind(z[arm == 1], z[arm == 0], equal_var=False)
    assert estimate.std_error == pytest.approx(estimate.estimate / welch.statistic)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"z": np.ones(80)}, "y_pred must vary"),
        ({"y": np.ones(80)}, "y must vary"),
        ({"z": np.r_[np.ones(40), -np.ones(40)], "y": np.r_[np.tile([1.0, -1.0], 40)]}, "must move with y"),
        ({"y": np.ones(79)}, "y must have as many rows"),
        ({"y": None}, "y must hold what turned out"),
    ],
)
def test_bad_calibration_rows_are_refused(calibration, change, match):
    z, y = calibration
    given = {"z": z, "y": y, **change}
    with pytest.raises(InputError, match=rf"LinearDebiaser\.fit: .*{match}"):
        debiaser().fit(given["z"], given["y"])


@pytest.mark.parametrize(
    ("verb", "given", "match"),
    [
        ("ate", {"treatment": np.zeros(50)}, "both arms"),
        ("ate", {"treatment": np.arange(50)}, "only 0 and 1"),
        ("ate", {"treatment": None}, "got None"),
        ("ate", {"treatment": np.arange(49) % 2}, "as many rows as y_pred"),
        ("ate", {"treatment": np.arange(50) % 2, "propensity": 1.0}, "inside"),
        ("ate", {"treatment": np.arange(50) % 2, "propensity": np.full(49, 0.5)}, "as many rows"),
        ("ate", {"treatment": np.arange(50) % 2, "method": "jackknife"}, "must be one of"),
        ("ols", {"X": np.ones((50, 2))}, "combination"),
        ("ols", {"X": np.zeros((50, 1))}, "zeros"),
        ("ols", {"X": np.ones(50)}, "shape"),
        ("ols", {"X": np.ones((50, 51))}, "columns"),
        ("ols", {"X": np.ones((50, 1)), "method": "fieller"}, "one ratio"),
    ],
)
def test_bad_trials_are_refused(calibration, trial, verb, given, match):
    fitted = debiaser().fit(*calibration)
    with pytest.raises(InputError, match=rf"LinearDebiaser\.{verb}: .*{match}"):
        getattr(fitted, verb)(trial[0], **given)
