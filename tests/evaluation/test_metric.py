"""estimate_metric: scikit-learn's metrics, weights, clusters, undefined resamples, and bad input."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_absolute_error, roc_auc_score

from uq import estimate_mean, estimate_metric
from uq.exceptions import InputError

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 2, 120)
PROB = 1 / (1 + np.exp(-(2 * Y - 1 + RNG.normal(0, 1.5, 120))))


def share_equal(y_true, y_pred):
    """Return what `accuracy_score` does, within a hundredth of its time."""
    return float(np.mean(y_true == y_pred))


def test_a_mean_by_metric_is_the_bootstrap_of_that_mean():
    correct = ((PROB > 0.5) == Y).astype(float)
    by_metric = estimate_metric(share_equal, Y, PROB > 0.5, n_resamples=4000, rng=0)
    few, same = (estimate_metric(m, Y, PROB > 0.5, n_resamples=99, rng=0) for m in (share_equal, accuracy_score))
    assert few == same
    by_mean = estimate_mean(correct, method="bootstrap", n_resamples=4000, rng=1)
    assert by_metric.estimate == by_mean.estimate
    assert by_metric.std_error == pytest.approx(by_mean.std_error, rel=0.05)
    np.testing.assert_allclose(list(by_metric.conf_int()), list(by_mean.conf_int()), atol=0.02)


@pytest.mark.slow
def test_interval_of_an_auc_is_scipys_bca():
    ours = estimate_metric(roc_auc_score, Y, PROB, n_resamples=3000, rng=0).conf_int()
    theirs = stats.bootstrap(
        (Y, PROB), roc_auc_score, paired=True, vectorized=False, n_resamples=3000, rng=1
    ).confidence_interval
    np.testing.assert_allclose(list(ours), list(theirs), atol=0.015)


@pytest.mark.slow
@pytest.mark.parametrize("metric", [f1_score, mean_absolute_error])
def test_scikit_learns_metrics_fit_as_they_are(metric):
    ours = estimate_metric(metric, Y, (PROB > 0.5).astype(int), n_resamples=199, rng=0)
    assert ours.estimate == pytest.approx(metric(Y, (PROB > 0.5).astype(int)))
    assert ours.conf_int().contains(ours.estimate)


def test_probability_columns_and_string_labels():
    columns = np.column_stack([1 - PROB, PROB])
    names = np.array(["cat", "dog"])[Y]
    ours = estimate_metric(log_loss, names, columns, n_resamples=99, rng=0)
    assert ours.estimate == pytest.approx(log_loss(Y, columns))


def test_weights_go_with_their_rows():
    weights = RNG.integers(1, 4, 120)
    ours = estimate_metric(accuracy_score, Y, PROB > 0.5, sample_weight=weights, n_resamples=499, rng=0)
    assert ours.estimate == pytest.approx(np.average((PROB > 0.5) == Y, weights=weights))


def test_clusters_widen_the_interval_of_copied_rows():
    copies = np.repeat(np.arange(40), 3)
    rows = estimate_metric(share_equal, Y[copies], PROB[copies] > 0.5, n_resamples=999, rng=0)
    clusters = estimate_metric(share_equal, Y[copies], PROB[copies] > 0.5, groups=copies, n_resamples=999, rng=0)
    assert clusters.std_error == pytest.approx(np.sqrt(3) * rows.std_error, rel=0.1)
    assert clusters.n_groups == 40


@pytest.mark.slow
def test_n_jobs_does_not_change_the_draws():
    one, two = (estimate_metric(f1_score, Y, PROB > 0.5, n_resamples=64, rng=4, n_jobs=jobs) for jobs in (1, 2))
    assert one == two


def test_undefined_resamples_count_against_both_ends():
    y = np.array([1] + [0] * 39)
    scores = np.linspace(1, 0, 40)
    with pytest.warns(UserWarning, match="undefined on") as caught:
        estimate = estimate_metric(roc_auc_score, y, scores, n_resamples=400, rng=0)
    assert "resamples" in str(caught[-1].message)
    with pytest.warns(UserWarning, match="infinite bound"):
        interval = estimate.conf_int()
    # about 36 % of the resamples hold no positive row: nothing can be said at 95 %
    assert list(interval) == [-np.inf, np.inf]


def no_rows(y_true, y_pred):
    return np.nan


def vector(y_true, y_pred):
    return np.array([1.0, 2.0])


def broken(y_true, y_pred):
    raise KeyError("nothing")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": "accuracy"}, "callable"),
        ({"metric": no_rows}, "one finite number"),
        ({"metric": vector}, "one finite number"),
        ({"metric": broken}, "KeyError"),
        ({"metric": Y}, r"got ndarray of shape \(120,\)\. The metric comes first: estimate_metric\(metric, y_true"),
        ({"metric": Y.tolist()}, r"got \[[01, ]{55,59}\.\.\.\. The metric comes first"),
        ({"y_true": Y[:5]}, "as many rows"),
        ({"y_pred": np.full(120, np.nan)}, r"finite; .* in row 0 \(counting from 0\)"),
        ({"y_true": []}, "at least one row"),
        ({"groups": np.zeros(120)}, "at least 2 different labels"),
        ({"groups": [1, 2]}, "one label per row"),
        ({"sample_weight": -np.ones(120)}, "non-negative"),
        ({"sample_weight": np.ones(3)}, "one weight per row"),
        ({"n_resamples": 0}, "n_resamples"),
        ({"rng": -1}, "rng"),
    ],
)
def test_bad_input(arguments, message):
    given = {"metric": accuracy_score, "y_true": Y, "y_pred": Y, **arguments}
    with pytest.raises(InputError, match=message):
        estimate_metric(given.pop("metric"), given.pop("y_true"), given.pop("y_pred"), **given)


def test_the_metric_is_called_as_often_as_is_documented():
    calls = []

    def counted(y_true, y_pred):
        calls.append(len(y_true))
        return float(np.mean(y_true == y_pred))

    estimate_metric(counted, Y, PROB > 0.5, n_resamples=50, rng=0)
    assert len(calls) == 1 + 50 + 120
    calls.clear()
    estimate_metric(counted, Y, PROB > 0.5, groups=np.arange(120) // 4, n_resamples=50, rng=0)
    assert len(calls) == 1 + 50 + 30


def first_positive(y_true, y_pred):
    return float(y_true[np.flatnonzero(y_pred == 1)[0]])


def rate_by_class(y_true, y_pred):
    return {label: np.mean(y_pred[y_true == label]) for label in set(y_true.tolist())}[1]


def loud_ratio(y_true, y_pred):
    with np.errstate(all="raise"):
        return np.float64(np.sum(y_true)) / np.sum(y_pred)


@pytest.mark.parametrize("metric", [first_positive, rate_by_class, loud_ratio])
@pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")
def test_whatever_a_metric_raises_for_want_of_rows_is_undefined(metric):
    with pytest.warns(UserWarning, match="undefined on"):
        estimate = estimate_metric(metric, [0, 0, 1], [0, 0, 1], n_resamples=200, rng=0)
    assert 20 < np.isnan(estimate.law.draws).sum() < 120


@pytest.mark.parametrize(("offset", "scale"), [(1e11, 1.0), (2.0**44, 1.0), (0.0, 1e250), (0.0, 1e-250)])
def test_a_metric_of_huge_or_tiny_values_keeps_its_interval(offset, scale):
    z = np.random.default_rng(0).exponential(size=150)
    plain, moved = (
        estimate_metric(lambda a, b: np.mean(a), x, z, n_resamples=999, rng=0) for x in (z, offset + scale * z)
    )
    # a mean of numbers near 2**44 is off by some of their last digits
    atol = 8 * np.spacing(offset) + 1e-9
    np.testing.assert_allclose(
        (moved.conf_int().to_numpy() - offset) / scale, list(plain.conf_int()), atol=max(atol, 2e-3 * plain.std_error)
    )
    assert moved.std_error / scale == pytest.approx(plain.std_error, rel=0.05)
