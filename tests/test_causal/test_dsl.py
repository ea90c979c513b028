"""dsl: the pseudo-outcome and its sandwiches written out, what it shares with PredictionPowered, what is refused."""

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require_data
from oracles import shared_covariance

from causal import PredictionPowered, dsl
from uq.exceptions import InputError, SmallSampleWarning


def world(n=200, seed=0):
    rng = np.random.default_rng(seed)
    f = np.round(rng.normal(size=n) * 16) / 16
    y = np.round((f + rng.normal(size=n)) * 16) / 16
    p = np.where(f > 0, 0.5, 0.25)
    labeled = rng.random(n) < p
    return {"y_pred": f, "y": np.where(labeled, y, np.nan), "labeled": labeled, "sampling_probability": p}


def pseudo(given):
    y = np.nan_to_num(given["y"])
    return given["y_pred"] + given["labeled"] / given["sampling_probability"] * (y - given["y_pred"])


def sandwich(X, outcome, groups=None):
    n, k = X.shape
    theta = np.linalg.lstsq(X, outcome, rcond=None)[0]
    scores = X * (outcome - X @ theta)[:, None]
    factor = n / (n - k)
    if groups is not None:
        scores = np.array([scores[groups == g].sum(axis=0) for g in np.unique(groups)])
        factor = len(scores) / (len(scores) - 1) * (n - 1) / (n - k)
    bread = np.linalg.inv(X.T @ X)
    return theta, factor * bread @ scores.T @ scores @ bread


@pytest.mark.parametrize("grouped", [False, True])
def test_coefficients_are_least_squares_of_the_pseudo_outcome(grouped):
    given = world()
    X = np.column_stack([np.ones(200), given["y_pred"], np.arange(200) / 100])
    groups = np.arange(200) // 4 if grouped else None
    answer = dsl(**given, X=X, groups=groups)
    theta, cov = sandwich(X, pseudo(given), groups)
    assert np.allclose(answer.estimate, theta, rtol=1e-10)
    assert np.allclose(answer.cov, cov, rtol=1e-9)
    assert np.allclose(answer.influence.cov, cov, rtol=1e-9)


def test_the_mean_is_the_regression_on_ones():
    given = world()
    one, two = dsl(**given), dsl(**given, X=np.ones((200, 1)))
    assert one.estimate == pytest.approx(two.estimate[0])
    assert one.std_error == pytest.approx(two.std_error[0])
    assert one.estimate == pytest.approx(pseudo(given).mean())
    weights = 1 / given["sampling_probability"][given["labeled"]]
    assert one.law.df == pytest.approx(weights.sum() ** 2 / (weights**2).sum() - 1)


@pytest.mark.parametrize("sizes", [(60, 200), (150, 30)])
def test_one_probability_is_prediction_powered_inference(sizes):
    """Its power is N / (n + N), since the predictions are averaged over all rows; for the error too, if n was fixed."""
    n, many = sizes
    rng = np.random.default_rng(1)
    f = rng.normal(size=n + many)
    y = 2 + f + rng.normal(size=n + many)
    labeled = np.arange(n + many) < n
    given = {"y_pred": f, "y": y, "labeled": labeled, "sampling_probability": n / (n + many)}
    powered = PredictionPowered(many / (n + many)).fit(f[:n], y[:n]).mean(f[n:])
    answer, free = dsl(**given, strata=np.zeros(n + many)), dsl(**given)
    assert answer.estimate == pytest.approx(powered.estimate, rel=1e-12)
    assert answer.std_error == pytest.approx(powered.std_error, rel=0.02)
    assert free.std_error > 1.1 * powered.std_error  # the predictions are off by 2


def test_strata_written_out():
    given = world(40, 3)
    strata = (given["y_pred"] > 0).astype(int)
    labeled = np.zeros(40, bool)
    p = np.zeros(40)
    for k in (0, 1):
        members = np.flatnonzero(strata == k)
        labeled[members[: len(members) // 2]] = True
        p[members] = (len(members) // 2) / len(members)
    rng = np.random.default_rng(0)
    f = given["y_pred"]
    y = f + 1 + rng.normal(size=40)
    answer = dsl(y_pred=f, y=y, labeled=labeled, sampling_probability=p, strata=strata)
    apart = y - f
    values = np.zeros(40)
    for i in range(40):
        known = labeled & (strata == strata[i])
        shift, m = apart[known].mean(), known.sum()
        values[i] = f[i] + shift - answer.estimate
        values[i] += labeled[i] / p[i] * (apart[i] - shift) * np.sqrt(m / (m - 1))
    assert answer.std_error == pytest.approx(np.sqrt(40 / 39 * (values**2).sum()) / 40, rel=1e-10)


def test_all_rows_labelled_are_an_ordinary_mean():
    y = np.random.default_rng(0).normal(size=30)
    for strata in (None, np.zeros(30)):
        answer = dsl(y_pred=y * 0, y=y, labeled=np.ones(30), sampling_probability=1, strata=strata)
        assert answer.estimate == pytest.approx(y.mean())
        assert answer.std_error == pytest.approx(y.std(ddof=1) / np.sqrt(30))


def test_labels_that_equal_their_predictions_say_nothing():
    given = world()
    answer = dsl(**{**given, "y": given["y_pred"]})
    assert answer.std_error == np.inf
    assert answer.influence is None


def test_a_stratum_of_one_label_has_no_error():
    f = np.arange(10.0)
    with pytest.warns(SmallSampleWarning, match="1 labeled rows"):
        answer = dsl(y_pred=f, y=f + 1, labeled=np.arange(10) == 3, sampling_probability=0.1, strata=np.zeros(10))
    assert answer.std_error == np.inf


@pytest.mark.parametrize("grouped", [False, True])
def test_one_label_or_one_labelled_cluster_has_no_error(grouped):
    f = np.arange(40.0)
    labeled = np.arange(40) < (10 if grouped else 1)
    with pytest.warns(SmallSampleWarning, match=f"1 labeled {'clusters' if grouped else 'rows'}"):
        answer = dsl(
            y_pred=f, y=f + np.sin(f), labeled=labeled, sampling_probability=0.25,
            groups=np.arange(40) // 10 if grouped else None,
        )  # fmt: skip
    assert answer.std_error == np.inf
    assert answer.influence is None


def test_few_labels_warn():
    f = np.arange(200.0)
    given = {"y_pred": f, "y": f + np.sin(f), "sampling_probability": 0.1}
    with pytest.warns(SmallSampleWarning, match="19 labeled rows are few"):
        dsl(**given, labeled=np.arange(200) < 19)
    dsl(**given, labeled=np.arange(200) < 20)
    rare = np.where(np.arange(200) == 0, 0.001, 0.2)  # one label counts as two hundred others
    with pytest.warns(SmallSampleWarning, match="50 labeled rows differ so much.*count as 2.0"):
        dsl(**{**given, "sampling_probability": rare}, labeled=np.arange(200) < 50)


@pytest.mark.parametrize("design", ["mean", "slope"])
@pytest.mark.parametrize(("strata", "each"), [(12, 2), (20, 2), (7, 3)])
def test_equal_strata_of_few_labels_are_no_reason_to_warn(strata, each, design):
    """Variances of two labels differ by chance: the degrees of freedom know, and no warning says that labels do."""
    codes = np.repeat(np.arange(strata), 40)
    for seed in range(30):
        rng = np.random.default_rng(seed)
        labeled = np.argsort(rng.random((strata, 40)), axis=1).ravel() < each
        f = rng.normal(size=len(codes))
        y = f + rng.normal(size=len(codes))
        X = None if design == "mean" else np.column_stack([np.ones(len(codes)), (-1.0) ** np.arange(len(codes))])
        answer = dsl(y_pred=f, y=y, labeled=labeled, sampling_probability=each / 40, X=X, strata=codes)
        assert np.all(answer.law.df < strata * each)
    used = codes < 18 // each
    with pytest.warns(SmallSampleWarning, match="18 labeled rows are few"):
        dsl(y_pred=f[used], y=y[used], labeled=labeled[used], sampling_probability=each / 40, strata=codes[used])


def test_degrees_of_freedom_are_those_of_the_noisy_stratum():
    """Twelve strata of two labels, one of which has all the variance, leave one degree of freedom."""
    strata = np.repeat(np.arange(12), 100)
    labeled = np.arange(1200) % 100 < 2
    noise = np.where(strata == 0, 1000.0, 1.0) * np.random.default_rng(0).normal(size=1200)
    with pytest.warns(SmallSampleWarning, match="24 labeled rows differ.*count as 2.0"):
        answer = dsl(
            y_pred=np.zeros(1200), y=noise, labeled=labeled, sampling_probability=0.02, strata=strata
        )  # fmt: skip
    assert answer.law.df == pytest.approx(1, abs=1e-3)
    even = np.where(np.arange(1200) % 2, 1.0, -1.0)
    answer = dsl(y_pred=np.zeros(1200), y=even, labeled=labeled, sampling_probability=0.02, strata=strata)
    assert answer.law.df == pytest.approx(12)


def test_what_stands_where_nothing_was_labelled_is_ignored():
    given = world()
    other = {**given, "y": np.where(given["labeled"], given["y"], 1e9)}
    assert dsl(**given) == dsl(**other)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_containers(kind):
    given = world()
    given["y"] = np.nan_to_num(given["y"])
    put = {name: in_container(kind, value) for name, value in given.items()}
    copies = {name: np.array(value) for name, value in given.items()}
    answer = dsl(**put)
    assert answer.estimate == pytest.approx(dsl(**given).estimate, rel=1e-12)
    assert all(np.array_equal(given[name], copies[name], equal_nan=True) for name in given)


def test_influence_covers_another_estimate_of_the_same_rows():
    pd = pytest.importorskip("pandas")
    given = world()
    given["y_pred"] = pd.Series(given["y_pred"], index=[f"row {i}" for i in range(200)])
    influence = dsl(**given).influence
    ids = influence.fit_ids, influence.apply_ids
    assert shared_covariance(influence, influence, ids, ids)[0, 0] == pytest.approx(influence.cov[0, 0])
    assert len(influence.fit_ids) == given["labeled"].sum()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labeled": np.zeros(200)}, "at least one row"),
        ({"labeled": np.full(200, 0.5)}, "only 0 and 1"),
        ({"sampling_probability": 0}, "must lie in"),
        ({"sampling_probability": 1.2}, "must lie in"),
        ({"sampling_probability": 1}, "below 1 where a row is not labeled"),
        ({"sampling_probability": np.full(199, 0.5)}, "as many rows"),
        ({"y": np.full(200, np.nan)}, "y of the labeled rows must be finite"),
        ({"y": np.zeros(199)}, "as many rows"),
        ({"strata": np.zeros(200)}, "labeled share"),
        ({"X": np.zeros((200, 1))}, "column of zeros"),
        ({"X": np.ones((199, 1))}, "as many rows"),
        ({"y_pred": np.full(200, np.inf)}, "must be finite"),
        ({"groups": np.zeros(199)}, "one label per row"),
    ],
)
def test_errors_name_the_remedy(change, words):
    with pytest.raises(InputError, match=words):
        dsl(**{**world(), **change})


def test_expert_labels_of_the_letters_study():
    """Pan and Chen (2018): 500 of 1,412 letters were read by experts, the rest by a classifier."""
    pd = pytest.importorskip("pandas")
    data = pd.read_csv(require_data("causal/panchen.csv")).dropna(subset=["pred_countyWrong"])
    labeled = data["countyWrong"].notna()
    answer = dsl(
        y_pred=data["pred_countyWrong"],
        y=data["countyWrong"],
        labeled=labeled,
        sampling_probability=labeled.mean(),
        strata=np.zeros(len(data)),
    )
    experts = data["countyWrong"][labeled]
    assert abs(answer.estimate - experts.mean()) < 2 * answer.std_error
    # the classifier is so weak that predictions at full weight cost more than they bring; tuned ones do not
    alone = experts.std() / np.sqrt(labeled.sum())
    f = data["pred_countyWrong"].to_numpy(dtype=float)
    tuned = PredictionPowered().fit(f[labeled], experts).mean(f[~labeled])
    assert tuned.std_error < alone < answer.std_error < 1.1 * alone
