"""Two models of coverage against k: their fits against plain optimisers, their limits, and stopping by outcomes."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from contracts import require, require_data
from scipy import integrate, optimize, stats
from scipy.special import betaln
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from uq import Curve
from uq.datasets import make_counts
from uq.exceptions import (
    ExtrapolationWarning,
    InfiniteBoundWarning,
    InputError,
    NotIdentifiedError,
    SmallSampleWarning,
    UntestedAssumptionWarning,
)
from uq.sampling import CoverageCurve, pass_at_k
from uq.sampling._batched_newton import minimize
from uq.sampling._coverage_models import BetaBinomial, best_start


def counts(n=60, trials=40, rng=3, **law):
    made = make_counts(n, trials, rng=rng, **{"a": 0.5, "b": 2.0, **law})
    return made["n_correct"], made["n_trials"]


def curve(**options):
    return CoverageCurve(**{"n_resamples": 199, "random_state": 0, **options})


# ---- the models themselves


@pytest.mark.parametrize("theta", [(-2.0, 1.5), (0.3, -3.0), (1.0, 6.0), (-1.0, 0.5, -1.5), (0.5, 2.0, 1.0)])
def test_gradient_and_hessian_of_the_likelihood(theta):
    c, n = counts(12, np.resize([5, 9, 30], 12))
    c[:3] = 0
    model = BetaBinomial(n.astype(float), c.astype(float), len(theta) == 3)
    weights = np.random.default_rng(0).dirichlet(np.ones(12), 1)
    theta = np.array([theta])
    _, gradient, hessian = model.loss(theta, weights)
    h = 1e-5
    for i, step in enumerate(h * np.eye(theta.shape[1])):
        up, down = (model.loss(theta + sign * step, weights) for sign in (1, -1))
        assert gradient[0, i] == pytest.approx((up[0] - down[0])[0] / (2 * h), abs=1e-7)
        assert hessian[0, i] == pytest.approx((up[1] - down[1])[0] / (2 * h), abs=1e-7)


def test_the_likelihood_is_that_of_scipy():
    c, n = counts(10, 7)
    model = BetaBinomial(n.astype(float), c.astype(float), False)
    a, b = 0.7, 1.9
    theta = np.array([[np.log(a / b), np.log(a + b)]])
    constant = stats.binom.logpmf(c, n, 0.5) - n * np.log(0.5)
    want = stats.betabinom.logpmf(c, n, a, b) - constant
    assert -10 * model.loss(theta, np.full((1, 10), 0.1))[0][0] == pytest.approx(want.sum())


@pytest.mark.parametrize("law", [(0.3, 2.0), (2.0, 0.5), (1e-3, 1e-3), (5.0, 3e4)])
def test_coverage_is_the_mean_over_the_beta_law(law):
    a, b = law
    model = BetaBinomial(np.array([10.0]), np.array([1.0]), False)
    k = np.array([1.0, 7, 300])
    got = model.coverage(np.array([[np.log(a / b), np.log(a + b)]]), k)[0]
    want = [-np.expm1(sum(np.log1p(-a / (a + b + i)) for i in range(int(j)))) for j in k]
    assert got == pytest.approx(want, rel=1e-12)
    if min(law) > 0.1 and max(law) < 100:  # not too peaked for quadrature
        want = integrate.quad(lambda p: -np.expm1(7 * np.log1p(-p)) * stats.beta.pdf(p, a, b), 0, 1, limit=500)[0]
        assert got[1] == pytest.approx(want, rel=1e-6)


@pytest.mark.parametrize("zero_inflated", [False, True])
def test_maximum_likelihood_against_nelder_mead(zero_inflated):
    c, n = counts(80, np.resize([10, 40], 80), a=2.0, b=4.0)
    c = np.where(np.arange(80) < 25, 0, c)
    fitted = curve(zero_inflated=zero_inflated).fit(c, n)

    def loss(theta):
        log = stats.betabinom.logpmf(c, n, *np.exp(theta[:2]))
        if zero_inflated:
            share = 1 / (1 + np.exp(-theta[2]))
            log = np.logaddexp(np.log1p(-share) + log, np.where(c == 0, np.log(share), -np.inf))
        return -log.sum()

    start = [0.0, 0.0, -1.0][: 2 + zero_inflated]
    best = optimize.minimize(
        loss, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 9999}
    )
    assert [fitted.a_, fitted.b_] == pytest.approx(np.exp(best.x[:2]), rel=1e-5)
    assert fitted.zero_rate_ == pytest.approx(1 / (1 + np.exp(-best.x[2])) if zero_inflated else 0.0, rel=1e-5)
    assert fitted.predict(40) <= 1 - fitted.zero_rate_


def test_least_squares_against_curve_fit():
    c, n = counts(80, 60)
    fitted = curve(model="exp_power").fit(c, n)
    k = np.unique(np.rint(np.geomspace(1, 60, 40)))
    seen = pass_at_k(c, n, k.astype(int)).estimate
    best, _ = optimize.curve_fit(lambda k, a, b: np.exp(a * k**b), k, seen, p0=(-3, -0.3), xtol=1e-12, ftol=1e-12)
    assert [fitted.a_, fitted.b_] == pytest.approx(best, rel=1e-5)
    line = np.polyfit(np.log(k), np.log(-np.log(seen)), 1)
    fitted = curve(model="exp_power", loss="loglog").fit(c, n)
    assert [fitted.a_, fitted.b_] == pytest.approx([-np.exp(line[1]), line[0]], rel=1e-7)
    assert fitted.predict([1, 9]) == pytest.approx(np.exp(fitted.a_ * np.array([1.0, 9]) ** fitted.b_))


def test_resamples_are_fits_of_their_own():
    """Each of the batched fits is what fitting the drawn problems gives."""
    c, n = counts(25, 20)
    rng = np.random.default_rng(5)
    model = BetaBinomial(n.astype(float), c.astype(float), False)
    weights = rng.multinomial(25, np.full(25, 1 / 25), size=8) / 25
    start = np.tile(best_start(model, np.full(25, 1 / 25)), (8, 1))
    together = minimize(lambda t, r: model.loss(t, weights[r]), start, model.bounds, done=model.done)
    for row, got in zip(weights, together, strict=True):
        drawn = np.repeat(np.arange(25), np.rint(25 * row).astype(int))
        alone = _quietly(c[drawn], n[drawn])
        assert model.parameters(got)[:2] == pytest.approx((alone.a_, alone.b_), rel=1e-5)


def _quietly(c, n, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)
        return curve(**options).fit(c, n)


# ---- limits


def test_rates_that_do_not_differ_are_one_rate():
    n = np.full(200, 10)
    c = np.repeat([2, 3, 4], [60, 80, 60])  # less spread than chance alone would give
    fitted = curve().fit(c, n)
    assert fitted.a_ + fitted.b_ == pytest.approx(1e4)
    assert fitted.predict([1, 5]) == pytest.approx(1 - 0.7 ** np.array([1.0, 5]), rel=1e-3)


def test_problems_that_are_solved_always_or_never():
    fitted = curve().fit(np.repeat([0, 10], [20, 30]), 10)
    assert fitted.a_ + fitted.b_ < 1e-6
    assert fitted.predict([1, 10]) == pytest.approx([0.6, 0.6], abs=1e-6)
    lower, upper = fitted.predict_interval(10)
    assert 0.4 < lower < 0.6 < upper < 0.8


@pytest.mark.parametrize("model", ["beta_binomial", "exp_power"])
@pytest.mark.parametrize("value", [0, 10])
def test_nothing_and_everything_solved(model, value):
    with pytest.warns(SmallSampleWarning, match="all samples are wrong, or all are right") as caught:
        fitted = curve(model=model).fit(np.full(40, value), 10)
    assert [w.filename for w in caught] == [__file__]
    assert fitted.predict([1, 10]).tolist() == [value / 10] * 2
    with pytest.warns(InfiniteBoundWarning):
        assert tuple(fitted.predict_interval(5)) == (0.0, 1.0)
    assert np.isfinite([fitted.a_, fitted.b_]).all()


def test_one_problem_has_the_whole_interval():
    with pytest.warns(SmallSampleWarning, match="1 problem is too few"):
        fitted = curve().fit([3], 10)
    with pytest.warns(InfiniteBoundWarning):
        assert tuple(fitted.predict_interval(5)) == (0.0, 1.0)


def test_single_samples_identify_nothing():
    with pytest.raises(NotIdentifiedError, match="some problem"):
        curve().fit([0, 1, 1], 1)
    with pytest.raises(NotIdentifiedError, match="every problem"):
        curve(model="exp_power").fit([0, 1, 1], [1, 5, 5])


def test_more_than_the_resamples_can_tell():
    c, n = counts()
    with pytest.warns(InfiniteBoundWarning, match="0 or 1 because") as caught:
        interval = curve().fit(c, n).predict_interval(3, confidence_level=0.9999)
    assert caught[0].filename == __file__
    assert tuple(interval) == (0.0, 1.0)


# ---- stopping


def stopped(seed=0, n=3000, size=5, cap=200):
    """Sample in batches until one holds a success."""
    rng = np.random.default_rng(seed)
    rates = rng.beta(0.4, 6.0, n)
    c, trials = np.zeros(n, int), np.zeros(n, int)
    while (left := (c == 0) & (trials < cap)).any():
        trials[left] += size
        c[left] += rng.binomial(size, rates[left])
    return c, trials


def test_the_likelihood_does_not_mind_who_was_stopped():
    c, n = stopped()
    fitted = curve().fit(c, n, sampling="batch", batch_size=5, cap=200)
    assert (fitted.a_, fitted.b_) == pytest.approx((0.4, 6.0), rel=0.12)
    unnamed = curve().fit(c, n)  # no rule, no warning: the likelihood is the same
    assert (unnamed.a_, unnamed.b_) == (fitted.a_, fitted.b_)


def test_least_squares_needs_the_rule():
    c, n = stopped()
    k = np.array([1, 5])
    truth = -np.expm1(betaln(0.4, 6.0 + k) - betaln(0.4, 6.0))
    named = curve(model="exp_power").fit(c, n, sampling="batch", batch_size=5, cap=200)
    assert named.largest_k_ == 200
    assert named.predict(k) == pytest.approx(truth, abs=0.03)
    with pytest.warns(UntestedAssumptionWarning, match="CoverageCurve.fit: these counts") as caught:
        trapped = curve(model="exp_power").fit(c, n)
    assert caught[0].filename == __file__
    assert trapped.predict(5) - truth[1] > 0.08


# ---- what an estimator keeps


@pytest.mark.parametrize("model", ["beta_binomial", "exp_power"])
def test_the_curve_is_the_predictions_with_their_intervals(model):
    c, n = counts()
    fitted = curve(model=model).fit(c, n)
    shown = fitted.curve([1, 4, 16], confidence_level=0.8)
    assert isinstance(shown, Curve)
    interval = fitted.predict_interval([1, 4, 16], confidence_level=0.8)
    assert shown.y.tolist() == fitted.predict([1, 4, 16]).tolist()
    assert (shown.lower.tolist(), shown.upper.tolist()) == (interval.lower.tolist(), interval.upper.tolist())
    assert (shown.guarantee, interval.guarantee) == ("asymptotic", "asymptotic")
    assert fitted.predict(4) == shown.y[1]
    assert tuple(fitted.predict_interval(4, 0.8)) == (interval.lower[1], interval.upper[1])
    whole = fitted.curve()
    assert (whole.x[0], whole.x[-1]) == (1, 40)
    assert (np.diff(whole.y) > 0).all()
    assert ((whole.lower <= whole.y) & (whole.y <= whole.upper)).all()


def test_extrapolation_warns_and_promises_nothing():
    c, n = counts()
    fitted = curve().fit(c, n)
    for verb in (fitted.predict, fitted.predict_interval, fitted.curve):
        with pytest.warns(ExtrapolationWarning, match="k=41 lies beyond the 40 samples") as caught:
            answer = verb([1, 41])
        assert [w.filename for w in caught] == [__file__]
        assert getattr(answer, "guarantee", "none") == "none"


def test_clusters_are_drawn_whole():
    """Rows that repeat each other in clusters of four are worth a quarter of their number."""
    c, n = counts(60)
    groups = np.repeat(np.arange(60), 4)
    alone = curve(n_resamples=499).fit(c, n).predict_interval(5)
    many = curve(n_resamples=499).fit(np.repeat(c, 4), 40, groups).predict_interval(5)
    naive = curve(n_resamples=499).fit(np.repeat(c, 4), 40).predict_interval(5)
    assert many.width == pytest.approx(alone.width, rel=0.15)
    assert naive.width == pytest.approx(alone.width / 2, rel=0.15)
    with pytest.warns(SmallSampleWarning, match="15 clusters"):
        curve().fit(c, n, np.arange(60) // 4)


def test_the_estimator_contract():
    c, n = counts()
    estimator = curve()
    for verb in (estimator.predict, estimator.predict_interval):
        with pytest.raises(NotFittedError):
            verb(1)
    before = pickle.dumps(clone(estimator).get_params())
    fitted = estimator.fit(c, n)
    assert fitted is estimator
    assert pickle.dumps(clone(estimator).get_params()) == before
    again = curve().fit(c.tolist(), 40)
    for other in (again, copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted)), clone(fitted).fit(c, n)):
        assert other.predict_interval([1, 5]) == fitted.predict_interval([1, 5])
    state = pickle.dumps(fitted)
    fitted.curve([1, 2])
    assert pickle.dumps(fitted) == state


def test_problems_in_another_order_give_the_same_fit():
    c, n = counts(60, np.resize([10, 40], 60))
    order = np.random.default_rng(0).permutation(60)
    assert curve().fit(c[order], n[order]).a_ == pytest.approx(curve().fit(c, n).a_, rel=1e-9)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"model": "power"}, "model"),
        ({"zero_inflated": "no"}, "zero_inflated"),
        ({"loss": "log"}, "loss"),
        ({"confidence_level": 95}, "confidence_level"),
        ({"n_resamples": 0}, "n_resamples"),
        ({"random_state": -1}, "random_state"),
    ],
)
def test_bad_options_are_refused_before_any_work(options, match):
    estimator = curve(**options)
    with pytest.raises(InputError, match=match):
        estimator.fit([1, 2], 4)
    assert not hasattr(estimator, "a_")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"n_correct": [5, 1]}, "n_correct"),
        ({"groups": [0]}, "groups"),
        ({"sampling": "batch"}, "batch_size"),
        ({"cap": 4}, "takes no cap"),
        ({"n_trials": 2**40}, "n_trials must be at most 1e"),
    ],
)
def test_bad_rows_are_refused(arguments, match):
    with pytest.raises(InputError, match=match):
        curve().fit(**{"n_correct": [1, 2], "n_trials": 4, **arguments})


def test_bad_questions_are_refused():
    fitted = curve().fit(*counts())
    for k in (0, 1.5, "1", None, [], [[1, 2]], True):
        with pytest.raises(InputError, match="k must"):
            fitted.predict(k)
    with pytest.raises(InputError, match="confidence_level"):
        fitted.predict_interval(1, 2)


# ---- published numbers


PYTHIA = {  # (a, b) of exp(a k^b), (a, b) of the beta law
    "Pythia 12B": (-4.317, -0.379, 0.2955, 12.36),
    "Pythia 6.9B": (-4.513, -0.360, 0.2698, 14.16),
    "Pythia 2.8B": (-4.344, -0.347, 0.2460, 11.70),
    "Pythia 1B": (-5.609, -0.320, 0.2156, 25.49),
    "Pythia 410M": (-5.601, -0.290, 0.1804, 28.75),
    "Pythia 160M": (-6.361, -0.277, 0.1755, 65.57),
    "Pythia 70M": (-8.289, -0.199, 0.0650, 100.08),
}


@pytest.fixture(scope="module")
def monkeys():
    return require("pandas").read_csv(require_data("calibration/monkeys_math_counts.csv"))


def test_pythia_on_math_goes_from_a_quarter_percent_to_57(monkeys):
    rows = monkeys[monkeys.model == "Pythia 160M"]
    found = pass_at_k(rows.c, rows.n, [1, 10_000])
    assert found.estimate == pytest.approx([0.0027, 0.57], abs=5e-4)
    assert found.n == 128


@pytest.mark.parametrize("model", PYTHIA)
def test_fits_of_pythia_on_math(monkeys, model):
    rows = monkeys[monkeys.model == model]
    power = curve(model="exp_power").fit(rows.c, rows.n)
    beta = curve().fit(rows.c, rows.n)
    a, b, alpha, beta_b = PYTHIA[model]
    assert (power.a_, power.b_) == (pytest.approx(a, abs=1.5e-3), pytest.approx(b, abs=1e-3))
    assert (beta.a_, beta.b_) == (pytest.approx(alpha, abs=1e-4), pytest.approx(beta_b, abs=1e-2))


def test_the_trap_in_jailbreaking_counts():
    """Every n is a multiple of 60 and whoever has fewer than the most has a success: sampling stopped at one."""
    table = require("pandas").read_csv(require_data("calibration/bon_jailbreaking_counts.csv"))
    gaps = {}
    for model, rows in table.groupby("model"):
        cap = rows.n.max()
        rule = {"sampling": "batch", "batch_size": 60, "cap": int(cap)}
        kept = rows.c <= 60
        assert kept.all()
        with pytest.warns(UntestedAssumptionWarning):
            wrong = pass_at_k(rows.c, rows.n, 60).estimate
        right = pass_at_k(rows.c, rows.n, 60, **rule).estimate
        assert right == pytest.approx((rows.n == 60).mean())  # those who succeeded in their first batch
        model_based = curve().fit(rows.c, rows.n).predict(60)
        gaps[model] = (wrong - right, model_based - right)
    wrong, modelled = np.array(list(gaps.values())).T
    assert (wrong > 0.02).all()
    assert (np.abs(modelled) < wrong).all()


def test_as_many_samples_as_are_taken_give_the_fit_of_rates():
    rates = np.random.default_rng(0).beta(0.5, 2.0, 200)
    fitted = curve(n_resamples=2).fit(np.rint(rates * 1e9), 10**9)
    # rounding to zero successes is rare: the law of the counts is that of the rates
    a, b, *_ = stats.beta.fit(rates, floc=0, fscale=1)
    assert (fitted.a_, fitted.b_) == pytest.approx((a, b), rel=1e-4)
