"""PredictionPowered: means and effects against formulas written out, parts against the whole, what is refused."""

import pickle
import warnings

import numpy as np
import pytest
from contracts import IntervalContract, OutputEstimatorContract, PValueContract, require, require_data
from contracts.outputs import _assert_same
from oracles import shared_covariance
from scipy import stats
from sklearn.base import clone

from causal import Classical, PredictionPowered
from uq.exceptions import InfiniteBoundWarning, InputError, SmallSampleWarning

ALPHA = stats.norm.isf(0.025)


def world(n=80, extra=300, seed=0, bias=0.5):
    """Return (labelled predictions, truth, unlabelled predictions)."""
    rng = np.random.default_rng(seed)
    y = rng.gamma(2.0, size=n + extra)
    f = bias + 0.7 * y + 0.6 * rng.normal(size=n + extra)
    return f[:n], y[:n], f[n:]


# ---- the mean, written out


def brute_mean(f, y, fu, power=None):
    """Return (estimate, standard error, lambda) as the papers have them, with unbiased variances."""
    n, many = len(f), len(fu)
    if power is None:
        pooled = np.concatenate([f, fu]).var(ddof=1)
        power = min(max(np.cov(y, f, ddof=0)[0, 1] / ((1 + n / many) * pooled), 0.0), 1.0)
    estimate = power * fu.mean() + (y - power * f).mean()
    variance = power**2 * fu.var(ddof=1) / many + (y - power * f).var(ddof=1) / n
    return estimate, np.sqrt(variance), power


@pytest.mark.parametrize("power", [None, 0, 0.3, 1])
@pytest.mark.parametrize("sizes", [(60, 500), (500, 60), (51, 51)])
def test_mean_is_the_formula(power, sizes):
    f, y, fu = world(*sizes)
    answer = PredictionPowered("auto" if power is None else power).fit(f, y).mean(fu)
    estimate, error, lam = brute_mean(f, y, fu, power)
    assert answer.estimate == pytest.approx(estimate, rel=1e-12)
    assert answer.std_error == pytest.approx(error, rel=1e-12)
    assert answer.power == pytest.approx(lam, rel=1e-12)
    assert answer.n == sum(sizes)
    assert answer.guarantee == "asymptotic"


def test_degrees_of_freedom_are_those_of_welch():
    f, y, fu = world(30, 40)
    answer = PredictionPowered(1).fit(f, y).mean(fu)
    welch = stats.ttest_ind(y - f, -fu, equal_var=False)
    assert answer.law.df == pytest.approx(welch.df, rel=1e-10)
    assert answer.pvalue(0) == pytest.approx(welch.pvalue, rel=1e-8)


def test_tuned_power_gives_the_least_variance_up_to_pooling():
    f, y, fu = world(400, 4000)
    answer = PredictionPowered().fit(f, y).mean(fu)
    errors = [PredictionPowered(lam).fit(f, y).mean(fu).std_error for lam in np.linspace(0, 1, 201)]
    assert answer.std_error < min(errors) * 1.02  # whose variance of the predictions is that of few labels


def test_power_is_clipped_and_ignores_predictions_that_point_the_wrong_way():
    f, y, fu = world(200, 1000)
    assert PredictionPowered().fit(-f, y).mean(-fu).power == 0
    constant = PredictionPowered().fit(np.full(200, 3.0), y).mean(np.full(1000, 3.0))
    classical = Classical().fit(f, y).mean()
    assert constant.power == 0
    assert constant.estimate == pytest.approx(classical.estimate, rel=1e-14)
    assert constant.std_error == pytest.approx(classical.std_error, rel=1e-12)


def test_below_fifty_labels_nothing_is_tuned():
    f, y, fu = world(49, 300)
    assert PredictionPowered().fit(f, y).mean(fu).power == 1
    groups = np.arange(80) // 2
    f, y, fu = world(80, 300)
    assert PredictionPowered().fit(f, y, groups=groups).mean(fu, groups=100 + np.arange(300)).power == 1
    assert PredictionPowered().fit(f, y).mean(fu).power < 1


def test_small_samples_are_said_to_be_small():
    f, y, fu = world(19, 300)
    with pytest.warns(SmallSampleWarning, match="19 labelled rows"):
        PredictionPowered().fit(f, y).mean(fu)


# ---- effects


def trial(n=120, extra=600, seed=1):
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, 2, n + extra)
    y = arm + rng.exponential(size=n + extra)
    f = 0.2 + 0.5 * y + 0.5 * rng.normal(size=n + extra)
    return (f[:n], y[:n], arm[:n]), (f[n:], arm[n:])


def test_effect_is_the_difference_of_the_arms():
    (f, y, a), (fu, au) = trial()
    answer = PredictionPowered(0.6).fit(f, y, treatment=a).ate(fu, au)
    arms = [brute_mean(f[a == k], y[a == k], fu[au == k], 0.6) for k in (0, 1)]
    assert answer.estimate == pytest.approx(arms[1][0] - arms[0][0], rel=1e-12)
    assert answer.std_error == pytest.approx(np.hypot(arms[0][1], arms[1][1]), rel=1e-12)


def test_weights_divided_by_propensities_are_hajek_weights():
    (f, y, a), (fu, au) = trial()
    p, pu = np.linspace(0.3, 0.6, len(a)), np.linspace(0.6, 0.3, len(au))
    one = PredictionPowered(1).fit(f, y, treatment=a, propensity=p).ate(fu, au, propensity=pu)
    w, wu = 1 / np.where(a == 1, p, 1 - p), 1 / np.where(au == 1, pu, 1 - pu)
    two = PredictionPowered(1).fit(f, y, treatment=a, sample_weight=w).ate(fu, au, sample_weight=wu)
    assert one.estimate == pytest.approx(two.estimate, rel=1e-12)
    assert one.std_error == pytest.approx(two.std_error, rel=1e-12)
    constant = PredictionPowered(1).fit(f, y, treatment=a, propensity=0.5).ate(fu, au, propensity=0.5)
    assert constant.estimate == pytest.approx(PredictionPowered(1).fit(f, y, treatment=a).ate(fu, au).estimate)


def test_a_single_treated_label_has_no_error():
    (f, y, a), (fu, au) = trial()
    a = (np.arange(len(a)) == 5).astype(int)
    with pytest.warns(SmallSampleWarning, match="count as 1.0"):
        answer = PredictionPowered().fit(f, y, treatment=a).ate(fu, au)
    assert answer.std_error == np.inf
    assert answer.influence is None
    with pytest.warns(InfiniteBoundWarning):
        assert answer.conf_int().lower == -np.inf


# ---- weights, clusters, folds


def test_weights_of_zero_are_rows_that_are_not_there():
    f, y, fu = world(90, 200)
    w, wu = (np.arange(90) % 3 > 0).astype(float), (np.arange(200) % 4 > 0).astype(float)
    one = PredictionPowered().fit(f, y, sample_weight=w).mean(fu, sample_weight=wu)
    two = PredictionPowered().fit(f[w > 0], y[w > 0], sample_weight=np.ones(60)).mean(fu[wu > 0], np.ones(150))
    assert (one.estimate, one.std_error, one.n) == (two.estimate, two.std_error, two.n)


def test_the_scale_of_weights_does_not_matter():
    f, y, fu = world()
    w, wu = 0.1 + np.random.default_rng(0).random(80), 0.1 + np.random.default_rng(1).random(300)
    one, two = (PredictionPowered().fit(f, y, sample_weight=w * s).mean(fu, wu / s) for s in (1, 1e-3))
    assert one.estimate == pytest.approx(two.estimate, rel=1e-13)
    assert one.std_error == pytest.approx(two.std_error, rel=1e-13)


def test_clusters_of_one_row_are_rows():
    f, y, fu = world()
    one = PredictionPowered(1).fit(f, y, groups=np.arange(80)).mean(fu, groups=1000 + np.arange(300))
    two = PredictionPowered(1).fit(f, y).mean(fu)
    assert one.std_error == pytest.approx(two.std_error, rel=1e-12)
    assert one.n_groups == 380


def test_rows_repeated_within_clusters_bring_nothing():
    f, y, fu = world()
    once = PredictionPowered(1).fit(f, y).mean(fu)
    three = PredictionPowered(1).fit(
        np.repeat(f, 3), np.repeat(y, 3), groups=np.repeat(np.arange(80), 3)
    ).mean(np.repeat(fu, 3), groups=np.repeat(np.arange(300), 3) + 1000)  # fmt: skip
    assert three.estimate == pytest.approx(once.estimate, rel=1e-12)
    assert three.std_error == pytest.approx(once.std_error, rel=1e-12)


def test_one_cluster_says_nothing():
    f, y, fu = world()
    with pytest.warns(SmallSampleWarning, match="1 labelled clusters"):
        answer = PredictionPowered().fit(f, y, groups=np.zeros(80)).mean(fu, groups=1 + np.arange(300))
    assert answer.std_error == np.inf


def test_a_cluster_on_both_sides_is_one_cluster():
    rng = np.random.default_rng(5)
    shock = rng.normal(size=60)
    g, gu = np.repeat(np.arange(60), 2), np.repeat(np.arange(60), 5)
    y, f = shock[g] + 0.3 * rng.normal(size=120), shock[g] + 0.3 * rng.normal(size=120)
    fu = shock[gu] + 0.3 * rng.normal(size=300)
    answer = PredictionPowered(0.8).fit(f, y, groups=g).mean(fu, groups=gu)
    # brute force: the sums of all that belongs to a cluster
    residual, other = y - 0.8 * f, 0.8 * fu
    sums = np.array([
        (residual - residual.mean())[g == k].sum() / 120 + (other - other.mean())[gu == k].sum() / 300
        for k in range(60)
    ])  # fmt: skip
    sums *= np.sqrt(60 / 59)
    assert answer.std_error == pytest.approx(np.sqrt((sums**2).sum()), rel=1e-10)
    assert answer.n_groups == 60
    assert np.allclose(answer.influence.cov, answer.std_error**2)
    apart = PredictionPowered(0.8).fit(f, y, groups=g).mean(fu, groups=gu + 1000)
    assert apart.std_error != pytest.approx(answer.std_error, rel=1e-3)


ASKED = {
    "mean": {},
    "ols": {"X": np.ones((600, 1))},
    "ate": {"treatment": trial()[1][1]},
    "quantile": {},
    "logistic": {"X": np.ones((600, 1))},
}


@pytest.mark.parametrize("verb", ASKED)
def test_groups_on_one_side_only_are_refused(verb):
    (f, y, a), (fu, _) = trial()
    f, y, fu = f / 10, np.minimum(y / 10, 1), np.clip(fu / 10, 0, 1)
    f = np.clip(f, 0, 1)
    g, gu = np.arange(120) // 3, 40 + np.arange(600) // 5
    plain = PredictionPowered().fit(f, y, np.ones((120, 1)), a)
    grouped = PredictionPowered().fit(f, y, np.ones((120, 1)), a, groups=g)
    asked = {"y_pred": fu, **ASKED[verb]}
    refused("alike.*the labelled ones only.*label of their own", lambda: getattr(grouped, verb)(**asked))
    refused("alike.*the unlabelled ones only", lambda: getattr(plain, verb)(**asked, groups=gu))
    assert getattr(grouped, verb)(**asked, groups=gu).n_groups == 160


def test_moments_know_no_clusters():
    f, y, fu = world()
    grouped = PredictionPowered().fit(f, y, groups=np.arange(80) // 2)
    before = pickle.dumps(grouped)
    refused("the labelled ones only. Moments", lambda: grouped.partial_estimate(fu))
    assert pickle.dumps(grouped) == before
    parts = PredictionPowered().partial_fit(f, y)
    refused("the unlabelled ones only. Moments", lambda: parts.mean(fu, groups=np.arange(300) // 3))


def test_predictions_of_several_folds_are_averaged():
    f, y, fu = world()
    folds = fu[:, None] + np.array([-0.3, 0.1, 0.2])
    one, two = (PredictionPowered().fit(f, y).mean(x) for x in (folds, folds.mean(axis=1)))
    assert one.estimate == two.estimate
    assert one.std_error == two.std_error


# ---- influence


def test_influence_values_sum_to_the_variance_and_know_their_rows():
    pd = require("pandas")
    f, y, fu = world()
    series = pd.Series(f, index=[f"a{i}" for i in range(80)]), pd.Series(fu, index=[f"b{i}" for i in range(300)])
    answer = PredictionPowered().fit(series[0], y).mean(series[1])
    influence = answer.influence
    assert influence.cov[0, 0] == pytest.approx(answer.std_error**2, rel=1e-12)
    assert list(influence.fit_ids[:2]) == ["a0", "a1"]
    ids = (influence.fit_ids, influence.apply_ids)
    assert shared_covariance(influence, influence, ids, ids)[0, 0] == pytest.approx(answer.std_error**2, rel=1e-12)
    classical = Classical().fit(series[0], y).mean().influence
    shared = shared_covariance(influence, classical, ids, (influence.fit_ids, []))
    lam, n = answer.power, 80
    assert shared[0, 0] == pytest.approx(np.cov(y - lam * f, y)[0, 1] / n, rel=1e-10)


# ---- parts


def split(arrays, cuts):
    return list(zip(*(np.split(a, cuts) for a in arrays), strict=True))


def same(one, two, rtol=1e-12):
    for name in ("estimate", "std_error", "power"):
        assert np.allclose(getattr(one, name), getattr(two, name), rtol=rtol, atol=0), name
    assert np.allclose(one.law.df, two.law.df, rtol=10 * rtol)
    assert one.n == two.n


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("power", ["auto", 1])
@pytest.mark.parametrize("far", [0, 1e4])
def test_parts_equal_the_whole(weighted, power, far):
    (f, y, a), (fu, au) = trial()
    f, y, fu = f + far, y + far, fu + far
    rng = np.random.default_rng(2)
    X, Xu = (np.column_stack([np.ones(len(v)), rng.normal(size=(len(v), 2)) + far]) for v in (f, fu))
    y = y + X[:, 1]
    w, wu = (0.2 + rng.random(len(v)) if weighted else None for v in (f, fu))
    p, pu = (0.2 + 0.6 * rng.random(len(v)) for v in (f, fu))
    whole = PredictionPowered(power).fit(f, y, X, a, w, propensity=p)
    parts = [PredictionPowered(power) for _ in range(3)]
    for rows, part in zip(np.array_split(np.arange(len(f)), 3), parts, strict=True):
        part.partial_fit(f[rows], y[rows], X[rows], a[rows], None if w is None else w[rows], p[rows])
    for k, rows in enumerate(np.array_split(np.arange(len(fu)), 7)):
        parts[k % 3].partial_estimate(fu[rows], Xu[rows], au[rows], None if wu is None else wu[rows], pu[rows])
    merged = parts[2].merge(parts[0]).merge(parts[1])
    rtol = 1e-12 if not far else 1e-7  # beside a column of ones values of 1e4 leave the rows so many digits
    same(merged.mean(), whole.mean(fu, wu), rtol)
    same(merged.ols(), whole.ols(fu, Xu, wu), rtol)
    same(merged.ate(), whole.ate(fu, au, wu, propensity=pu), rtol)
    assert merged.n_labelled_, merged.n_unlabelled_ == (len(f), len(fu))
    # rows on one side, moments on the other
    same(whole.partial_estimate(fu, Xu, au, wu, pu).ols(), merged.ols(), rtol)
    same(merged.ate(fu, au, wu, propensity=pu), merged.ate(), rtol)


def test_moments_keep_the_digits_of_rows_far_from_0():
    answers = []
    for far in (0.0, 1e4):
        rng = np.random.default_rng(3)
        x, noise, model = rng.normal(size=(3, 400))
        X = np.column_stack([np.ones(400), x + far])
        y, f = far + x + noise, far + x + 0.5 * model
        parts = PredictionPowered(1).partial_fit(f[:100], y[:100], X[:100]).partial_estimate(f[100:], X[100:])
        answers.append(parts.ols())
    assert answers[1].estimate[1] == pytest.approx(answers[0].estimate[1], rel=1e-10)
    assert answers[1].std_error[1] == pytest.approx(answers[0].std_error[1], rel=1e-9)


def test_parts_of_one_row_are_enough():
    f, y, fu = world(60, 30)
    parts = PredictionPowered()
    for i in range(60):
        parts.partial_fit(f[i : i + 1], y[i : i + 1])
    for i in range(30):
        parts.partial_estimate(fu[i : i + 1])
    same(parts.mean(), PredictionPowered().fit(f, y).mean(fu))


def test_labels_that_equal_their_predictions_have_no_error_in_parts_either():
    f, _, fu = world()
    for fitted in (PredictionPowered(1).fit(f, f), PredictionPowered(1).partial_fit(f, f)):
        assert fitted.partial_estimate(fu).mean().std_error == np.inf


def test_merging_leaves_both_as_they_are_and_an_empty_one_changes_nothing():
    f, y, fu = world()
    one = PredictionPowered().fit(f, y)
    two = PredictionPowered().partial_estimate(fu)
    before = pickle.dumps((one, two))
    merged = one.merge(two)
    assert pickle.dumps((one, two)) == before
    same(merged.mean(), one.mean(fu))
    same(PredictionPowered().merge(merged).mean(), merged.mean())
    assert not hasattr(PredictionPowered().merge(PredictionPowered()), "n_labelled_")


def test_a_dask_cluster_reduces_parts():
    distributed = require("dask.distributed")
    f, y, fu = world(60, 4000)
    fitted = PredictionPowered().fit(f, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        parts = client.map(lambda part: PredictionPowered().partial_estimate(part), np.split(fu, 8))
        merged = fitted
        for part in client.gather(parts):
            merged = merged.merge(part)
    same(merged.mean(), fitted.mean(fu))


def test_a_refused_part_changes_nothing():
    f, y, fu = world()
    fitted = PredictionPowered().partial_fit(f, y).partial_estimate(fu)
    before = pickle.dumps(fitted)
    for bad in (
        lambda: fitted.partial_fit(f, y, X=np.ones((80, 1))),
        lambda: fitted.partial_fit(f, y[:-1]),
        lambda: fitted.partial_estimate(fu, treatment=np.arange(300) % 2),
        lambda: fitted.partial_estimate(np.full(300, np.nan)),
    ):
        with pytest.raises(InputError):
            bad()
        assert pickle.dumps(fitted) == before


# ---- what is refused


def refused(words, call):
    with pytest.raises(InputError, match=words):
        call()


def test_errors_say_what_is_missing():
    (f, y, a), (fu, au) = trial()
    X, Xu = np.ones((120, 1)), np.ones((600, 1))
    plain = PredictionPowered().fit(f, y)
    refused("X must be given to fit", lambda: plain.ols(fu, Xu))
    refused("treatment must be given to fit", lambda: plain.ate(fu, au))
    refused("y_pred must hold the predictions of the unlabelled rows", lambda: plain.mean())
    full = PredictionPowered().fit(f, y, X, a)
    refused("X must be given, one row", lambda: full.ols(fu))
    refused("treatment must be given, one row", lambda: full.ate(fu))
    refused("columns of the labelled rows", lambda: full.ols(fu, np.column_stack([Xu, fu])))
    refused("propensity must be given for labelled and unlabelled", lambda: full.ate(fu, au, propensity=0.5))
    refused("propensity must come with treatment", lambda: PredictionPowered().fit(f, y, propensity=0.5))
    refused("both arms", lambda: PredictionPowered().fit(f, y, treatment=np.ones(120)))
    refused("power_tuning", lambda: PredictionPowered(1.5).fit(f, y))
    refused("y must hold", lambda: PredictionPowered().fit(f, None))
    refused("within", lambda: full.logistic(fu, Xu))
    parts = PredictionPowered().partial_fit(f, y, X)
    refused("labelled rows themselves", lambda: parts.logistic(fu, Xu))
    refused("labelled rows themselves", lambda: parts.quantile(fu))
    refused("must be the same for both", lambda: parts.merge(PredictionPowered(1)))
    refused("must be a PredictionPowered", lambda: parts.merge(3))
    refused("count twice", lambda: parts.merge(parts))
    refused("cannot keep apart", lambda: PredictionPowered().fit(f, y, groups=np.arange(120) // 2).partial_fit(f, y))
    one_arm = PredictionPowered().partial_fit(f, y, treatment=np.ones(120)).partial_estimate(fu, treatment=au)
    refused("both arms", lambda: one_arm.ate())


def test_names_of_columns_must_agree():
    pd = require("pandas")
    (f, y, _), (fu, _) = trial()
    frame = pd.DataFrame({"one": np.ones(120), "x": f})
    other = pd.DataFrame({"x": fu, "one": np.ones(600)})
    fitted = PredictionPowered().fit(f, y, frame)
    refused("in this order", lambda: fitted.ols(fu, other))
    answer = fitted.ols(fu, other[["one", "x"]])
    assert answer.names == ("one", "x")
    assert answer.to_frame()["name"].tolist() == ["one", "x"]
    assert "power" in answer.to_frame()


# ---- real data; agreement with ppi_py itself is checked where it is installed, by bench_ppi


@pytest.mark.parametrize("name", ["galaxies", "forest"])
def test_real_predictions_help_and_the_truth_is_covered(name):
    data = np.load(require_data(f"causal/ppi_{name}.npz"))
    y, f = data["Y"], data["Yhat"]
    order = np.random.default_rng(0).permutation(len(y))
    here, there = order[:500], order[500:]
    answer = PredictionPowered().fit(f[here], y[here]).mean(f[there])
    estimate, error, power = brute_mean(f[here], y[here], f[there])
    assert answer.estimate == pytest.approx(estimate, abs=1e-12)
    assert answer.std_error == pytest.approx(error, abs=1e-12)
    assert answer.power == pytest.approx(power, abs=1e-12)
    assert answer.std_error < 0.9 * Classical().fit(f[here], y[here]).mean().std_error
    assert answer.conf_int(0.999).contains(y.mean())


# ---- contracts


class TestMeanContract(OutputEstimatorContract):
    same_shape = ()

    @pytest.fixture
    def estimator(self):
        return PredictionPowered(power_tuning=0.5)

    def test_weight_2_is_the_row_twice(self, estimator, data):
        """In the estimate; in the error a weight is one row that stands for two, not two rows that were seen."""
        outputs, y, new = data
        weights = np.where(np.arange(len(y)) % 3 == 0, 2, 1)
        twice = np.repeat(np.arange(len(y)), weights)
        weighted = self.ask(self.fit(clone(estimator), outputs, y, sample_weight=weights), new)
        repeated = self.ask(self.fit(clone(estimator), outputs[twice], y[twice]), new)
        estimates = ({verb: answer.estimate for verb, answer in each.items()} for each in (weighted, repeated))
        _assert_same(*estimates, self.rtol)
        assert weighted["mean"].std_error > repeated["mean"].std_error


class TestTunedContract(TestMeanContract):
    verbs = ("mean", "quantile")

    @pytest.fixture
    def estimator(self):
        return PredictionPowered()

    def test_weight_2_is_the_row_twice(self, estimator, data):
        """Tuning sees how many rows there are, so only the fixed one keeps this."""


def answers():
    f, y, fu = world(60, 200)
    fitted = PredictionPowered().fit(f, y)
    (g, z, a), (gu, au) = trial()
    yield fitted.mean(fu)
    yield PredictionPowered().fit(g, z, treatment=a).ate(gu, au)
    X, Xu = np.column_stack([np.ones(60), f]), np.column_stack([np.ones(200), fu])
    yield PredictionPowered().fit(f, y, X).ols(fu, Xu)
    yield fitted.quantile(fu, 0.4)
    yield fitted.quantile(np.round(fu), 0.9)


class TestIntervals(IntervalContract, PValueContract):
    @pytest.fixture(params=list(answers()), ids=lambda answer: answer.method)
    def result(self, request):
        return request.param
