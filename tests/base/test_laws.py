"""Every law is the dual of itself, and agrees with SciPy or with brute force where there is one to ask."""

import pickle
import warnings

import numpy as np
import oracles
import pytest
from contracts import IntervalContract, PValueContract, SuperUniformContract
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from uq import Estimate
from uq._base.draws_law import DrawsLaw
from uq._base.laws import BetaLaw, BinomialLaw, FiellerLaw, NormalLaw, TLaw
from uq.exceptions import InfiniteBoundWarning

LEVELS = (1e-6, 0.05, 0.5, 0.8, 0.9, 0.95, 0.99, 1 - 1e-6)
ALTERNATIVES = ("two-sided", "less", "greater")


def wrap(estimate, law, **fields):
    fields = {"std_error": np.ones_like(estimate)[()], "n": 10, "method": "law", "guarantee": "asymptotic", **fields}
    return Estimate(estimate=estimate, law=law, **fields)


def ask(law, level, alternative="two-sided"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfiniteBoundWarning)
        return tuple(wrap(0.0, law).conf_int(level, alternative))


SMOOTH = {
    "normal": wrap(1.25, NormalLaw(estimate=1.25, std_error=0.5)),
    "normal far from 0": wrap(1e6, NormalLaw(estimate=1e6, std_error=1e-2)),
    "t, 1 df": wrap(-3.0, TLaw(estimate=-3.0, std_error=2.0, df=1)),
    "t, 7.5 df": wrap(0.0, TLaw(estimate=0.0, std_error=2.0, df=7.5)),
    "t, tiny": wrap(1e-12, TLaw(estimate=1e-12, std_error=1e-12, df=30)),
    "normal vector": wrap(
        np.array([1.0, -2.0, 0.0]),
        NormalLaw(estimate=np.array([1.0, -2.0, 0.0]), std_error=np.array([1.0, 0.1, 3.0])),
        names=("a", "b", "c"),
    ),
    "t vector": wrap(
        np.array([1.0, -2.0]),
        TLaw(estimate=np.array([1.0, -2.0]), std_error=np.array([1.0, 0.1]), df=np.array([3.0, 50.0])),
    ),
    "clopper 3/10": wrap(0.3, BinomialLaw(n_success=3, n=10)),
    "clopper 1/1000": wrap(0.001, BinomialLaw(n_success=1, n=1000)),
    "clopper 0/10": wrap(0.0, BinomialLaw(n_success=0, n=10)),
    "clopper 10/10": wrap(1.0, BinomialLaw(n_success=10, n=10)),
    "wilson 3/10": wrap(0.3, BinomialLaw(n_success=3, n=10, kind="wilson")),
    "wilson 999/1000": wrap(0.999, BinomialLaw(n_success=999, n=1000, kind="wilson")),
    "wilson 0/10": wrap(0.0, BinomialLaw(n_success=0, n=10, kind="wilson")),
    "wilson 10/10": wrap(1.0, BinomialLaw(n_success=10, n=10, kind="wilson")),
    "beta 3, 9": wrap(0.25, BetaLaw(a=3.0, b=9.0)),
    "beta 200, 1": wrap(0.997, BetaLaw(a=200.0, b=1.0)),
    "beta 1/2, 1/2": wrap(0.5, BetaLaw(a=0.5, b=0.5)),
    "fieller": wrap(0.5, FiellerLaw(numerator=5.0, denominator=10.0, var_numerator=1.0, var_denominator=0.5, cov=0.3)),
    "fieller, negative": wrap(
        -0.5, FiellerLaw(numerator=5.0, denominator=-10.0, var_numerator=1.0, var_denominator=0.5, cov=0.3, df=12)
    ),
    "no error at all": wrap(1.0, NormalLaw(estimate=1.0, std_error=0.0)),
    "one row": wrap(1.0, TLaw(estimate=1.0, std_error=np.inf, df=1)),
}


def draws(size, seed=0, decimals=None, **kind):
    values = np.random.default_rng(seed).gumbel(size=size)
    values = values if decimals is None else np.round(values, decimals)
    return wrap(np.median(values, axis=0), DrawsLaw(draws=values, **kind))


STEPS = {
    "draws": draws(999),
    "draws, 39": draws(39),
    "draws with ties": draws(999, decimals=1),
    "draws with many ties": draws(999, decimals=0),
    "draws, vector": draws((499, 3)),
    "bca": draws(999, kind="bca", z0=0.15, acceleration=-0.05),
    "bca with ties": draws(999, decimals=1, kind="bca", z0=-0.2, acceleration=0.1),
    "bca, vector": draws((499, 2), kind="bca", z0=np.array([0.1, -0.1]), acceleration=np.array([0.0, 0.05])),
    "posterior": draws(4000, kind="posterior"),
    "draws with holes": wrap(0.0, DrawsLaw(draws=np.r_[np.linspace(-1, 2, 970), np.full(29, np.nan)])),
}


@pytest.fixture
def result(request):
    return request.param


@pytest.mark.parametrize("result", SMOOTH.values(), ids=SMOOTH.keys(), indirect=True)
class TestSmoothLaws(IntervalContract, PValueContract):
    pass


@pytest.mark.parametrize("result", STEPS.values(), ids=STEPS.keys(), indirect=True)
class TestLawsOfDraws(IntervalContract, PValueContract):
    slack = 2e-3  # p moves by 1 / (B + 1) between neighbouring draws, steeply where they lie close

    def test_contains_its_own_estimate(self, result):
        # the median of the draws, where nothing shifts the levels
        for level in (0.5, 0.9):
            if result.law.kind != "bca":
                assert np.all(self.quiet(result, level).contains(result.estimate))
            else:
                low, high = self.quiet(result, level)
                assert np.all(low < high)


@pytest.mark.parametrize("name", [*SMOOTH, *STEPS])
def test_laws_pickle_compare_and_are_frozen(name):
    law = {**SMOOTH, **STEPS}[name].law
    twin = pickle.loads(pickle.dumps(law))
    assert twin == law
    assert type(twin) is type(law)
    assert law != SMOOTH["t, 1 df" if name != "t, 1 df" else "normal"].law
    first = type(law).__dataclass_fields__.__iter__().__next__()
    with pytest.raises(AttributeError):
        setattr(law, first, 0.0)
    for field in law.__dataclass_fields__:
        value = getattr(twin, field)
        if isinstance(value, np.ndarray):
            assert not value.flags.writeable


# ---- against SciPy


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("level", LEVELS)
def test_t_is_scipys_one_sample_test(level, alternative):
    x = np.array([0.2, 1.7, -0.4, 3.1, 0.9, 0.3])
    law = TLaw(estimate=x.mean(), std_error=x.std(ddof=1) / np.sqrt(x.size), df=x.size - 1)
    # SciPy's "less" is the same as ours: the alternative that the mean is less, hence an upper bound
    theirs = stats.ttest_1samp(x, 0.3, alternative=alternative)
    assert np.isclose(wrap(0.0, law).pvalue(0.3, alternative), theirs.pvalue, rtol=1e-12)
    assert np.allclose(ask(law, level, alternative), theirs.confidence_interval(level), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (1, 1000), (500, 1000)])
def test_clopper_pearson_is_scipys(k, n, level, alternative):
    law = BinomialLaw(n_success=k, n=n)
    theirs = stats.binomtest(k, n, 0.37, alternative=alternative)
    # SciPy searches for the root with a coarse tolerance; the quantiles of the beta law are the same limits in full
    assert np.allclose(ask(law, level, alternative), theirs.proportion_ci(level, "exact"), rtol=1e-5, atol=1e-11)
    error = (1 - level) / 2 if alternative == "two-sided" else 1 - level
    low, high = ask(law, level, alternative)
    if k > 0 and alternative != "less":
        assert np.isclose(low, stats.beta(k, n - k + 1).ppf(error), rtol=1e-10)
    if k < n and alternative != "greater":
        assert np.isclose(high, stats.beta(k + 1, n - k).isf(error), rtol=1e-10)
    if alternative != "two-sided":  # SciPy's two-sided test orders by probability, ours doubles the smaller tail
        assert np.isclose(wrap(0.0, law).pvalue(0.37, alternative), theirs.pvalue, rtol=1e-10)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("level", LEVELS[2:])  # SciPy's one-sided Wilson limits are not meant for levels below 1/2
@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (1, 1000), (500, 1000)])
def test_wilson_is_scipys(k, n, level, alternative):
    law = BinomialLaw(n_success=k, n=n, kind="wilson")
    theirs = stats.binomtest(k, n, alternative=alternative).proportion_ci(level, "wilson")
    assert np.allclose(ask(law, level, alternative), theirs, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("a", "b"), [(1, 1), (0.5, 0.5), (46, 6), (1, 1000), (1e5, 3e5)])
def test_beta_is_its_quantiles(a, b, level):
    law = BetaLaw(a=a, b=b)
    theirs = stats.beta(a, b).interval(level)
    assert np.allclose(ask(law, level), theirs, rtol=1e-8, atol=1e-14)
    for null in (-1.0, 0.0, 0.2, 0.9, 1.0, 2.0):
        assert np.isclose(wrap(0.0, law).pvalue(null, "greater"), stats.beta(a, b).cdf(null), rtol=1e-10, atol=1e-300)
        assert np.isclose(wrap(0.0, law).pvalue(null, "less"), stats.beta(a, b).sf(null), rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize("acceleration", [-0.1, 0.0, 0.1])
def test_bca_at_a_level_that_rounding_makes_certain(acceleration):
    """Half of the error of 1 - 2^-53 is lost in 1 minus itself."""
    law = draws(99, kind="bca", z0=0.1, acceleration=acceleration).law
    lower, upper = ask(law, 1 - 2**-53)
    inner = ask(law, 0.9)
    assert lower <= inner[0] <= inner[1] <= upper


@pytest.mark.parametrize("kind", ["percentile", "bca"])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_draws_follow_scipys_bootstrap(kind, level, alternative):
    x = np.random.default_rng(4).exponential(size=40)
    theirs = stats.bootstrap(
        (x,), np.mean, method="BCa" if kind == "bca" else kind, confidence_level=level,
        alternative=alternative, n_resamples=9999, rng=np.random.default_rng(8),
    )  # fmt: skip
    b = theirs.bootstrap_distribution
    z0 = stats.norm.ppf(((b < x.mean()).mean() + (b <= x.mean()).mean()) / 2)
    left_out = (x.sum() - x) / (x.size - 1)
    u = left_out.mean() - left_out
    acceleration = (u**3).sum() / (6 * (u**2).sum() ** 1.5)
    law = DrawsLaw(draws=b, kind=kind, z0=z0, acceleration=acceleration) if kind == "bca" else DrawsLaw(draws=b)
    # SciPy interpolates between B points at (i - 1) / (B - 1), we at i / (B + 1): less than one draw apart
    ours = np.array(ask(law, level, alternative))
    sorted_b = np.sort(b)
    for end, other in zip(ours, theirs.confidence_interval, strict=True):
        if np.isinf(other):
            assert end == other
        else:
            ranks = np.searchsorted(sorted_b, [end, other])
            assert abs(int(ranks[0]) - int(ranks[1])) <= 2


# ---- draws


def test_the_quantile_at_i_over_b_plus_1_is_the_ith_draw():
    law = DrawsLaw(draws=np.arange(1.0, 40.0))
    assert ask(law, 0.95) == (1.0, 39.0)
    assert ask(law, 0.9) == pytest.approx((2.0, 38.0))
    assert ask(law, 0.95, "less") == pytest.approx((-np.inf, 38.0))


def test_too_few_draws_give_infinite_ends_and_one_warning():
    estimate = wrap(0.0, DrawsLaw(draws=np.arange(38.0)))
    with pytest.warns(InfiniteBoundWarning, match="n_resamples") as caught:
        assert tuple(estimate.conf_int(0.95)) == (-np.inf, np.inf)
    assert len(caught) == 1


@pytest.mark.parametrize("values", [np.full(999, 3.0), np.full(999, np.nan), np.r_[3.0, np.full(998, np.nan)]])
def test_draws_that_say_nothing_bound_nothing(values):
    estimate = wrap(3.0, DrawsLaw(draws=values))
    with pytest.warns(InfiniteBoundWarning):
        assert tuple(estimate.conf_int(0.9)) == (-np.inf, np.inf)
    for null in (-5.0, 3.0, 5.0):
        for alternative in ALTERNATIVES:
            assert estimate.pvalue(null, alternative) == 1.0


@given(st.integers(0, 60), st.sampled_from([0.5, 0.8, 0.9]), st.integers(0, 1000))
def test_undefined_draws_never_narrow_the_interval(n_nan, level, seed):
    values = np.random.default_rng(seed).normal(size=199)
    holes = values.copy()
    holes[:n_nan] = np.nan
    low, high = ask(DrawsLaw(draws=holes), level)
    # the worst that the undefined ones could have been, on either side
    worst_low, _ = ask(DrawsLaw(draws=np.where(np.isnan(holes), -1e6, holes)), level)
    _, worst_high = ask(DrawsLaw(draws=np.where(np.isnan(holes), 1e6, holes)), level)
    assert low <= worst_low
    assert high >= worst_high
    assert low == worst_low or n_nan > 0


@given(
    st.lists(st.integers(-4, 4).map(float), min_size=2, max_size=30).filter(lambda d: len(set(d)) > 1),
    st.integers(-5, 5),
)
def test_pvalues_of_draws_count_ties_against_rejection(values, null):
    law = DrawsLaw(draws=np.array(values))
    b = len(values)
    at_most = sum(v <= null for v in values)
    at_least = sum(v >= null for v in values)
    p_greater, p_less = law.p_greater(float(null)), law.p_less(float(null))
    # never below the share of draws on the other side, and never 0: (k + 1) / (B + 1) or more where none is there
    assert at_most / (b + 1) - 1e-12 <= p_greater <= max(1.0 if at_most == b else 0.0, (at_most + 1) / (b + 1)) + 1e-12
    assert at_least / (b + 1) - 1e-12 <= p_less <= max(1.0 if at_least == b else 0.0, (at_least + 1) / (b + 1)) + 1e-12
    assert p_greater > 0
    assert p_less > 0


# ---- Fieller


@given(
    numerator=st.floats(-5, 5),
    denominator=st.floats(0.5, 5) | st.floats(-5, -0.5),
    sd=st.tuples(st.floats(0.05, 2), st.floats(0.05, 2)),
    rho=st.floats(-0.95, 0.95),
    df=st.sampled_from([3.0, 20.0, np.inf]),
    level=st.sampled_from([0.5, 0.8, 0.95, 0.99]),
)
def test_fieller_is_the_set_of_ratios_that_are_not_rejected(numerator, denominator, sd, rho, df, level):
    law = FiellerLaw(
        numerator=numerator, denominator=denominator, var_numerator=sd[0] ** 2, var_denominator=sd[1] ** 2,
        cov=rho * sd[0] * sd[1], df=df,
    )  # fmt: skip
    low, high = ask(law, level)
    grid, kept = oracles.fieller_kept(numerator, denominator, sd, rho, df, level)
    if np.isfinite(low):
        scale = 1e-6 * (1 + np.abs(grid))
        assert kept[(grid > low + scale) & (grid < high - scale)].all()
        assert not kept[(grid < low - scale) | (grid > high + scale)].any()
        assert low <= numerator / denominator <= high
    else:
        assert (low, high) == (-np.inf, np.inf)
        assert kept[0] or kept[-1], "the set is bounded, so the interval must be"


@pytest.mark.parametrize("shift", [0.0, 3.0, -1e8, 1e10])
def test_a_shift_moves_the_fieller_set_and_nothing_else(shift):
    terms = {"numerator": 5.0, "denominator": 10.0, "var_numerator": 1.0, "var_denominator": 0.5, "cov": 0.3, "df": 12}
    plain, moved = FiellerLaw(**terms), FiellerLaw(**terms, shift=shift)
    eps = 4 * np.spacing(max(1.0, abs(shift)))
    for level in LEVELS:
        for alternative in ALTERNATIVES:
            low, high = ask(plain, level, alternative)
            assert ask(moved, level, alternative) == pytest.approx((low + shift, high + shift), abs=eps)
    for null in (0.2, 0.5, 0.9):
        slack = 1e-9 + 10 * eps
        assert moved.p_greater(null + shift) == pytest.approx(plain.p_greater(null), abs=slack)
        assert moved.p_less(null + shift) == pytest.approx(plain.p_less(null), abs=slack)


def test_a_fieller_set_that_is_narrow_beside_its_place_keeps_its_width():
    """Squares of numerator and denominator cancel to the last digit, and the width must not come from them."""
    law = FiellerLaw(numerator=1e8, denominator=1.0, var_numerator=1.0, var_denominator=0.0, df=30)
    low, high = ask(law, 0.95)
    assert (high - low) / 2 == pytest.approx(stats.t.isf(0.025, 30), rel=1e-6)
    both = FiellerLaw(numerator=1e9, denominator=1.0, var_numerator=1.0, var_denominator=1e-20, df=30)
    low, high = ask(both, 0.95)
    assert (high - low) / 2 == pytest.approx(stats.t.isf(0.025, 30) * np.sqrt(1.01), rel=1e-5)


def test_an_unbounded_fieller_set_is_the_whole_line_with_one_warning():
    law = FiellerLaw(numerator=5.0, denominator=1.0, var_numerator=1.0, var_denominator=1.0)
    with pytest.warns(InfiniteBoundWarning, match="denominator") as caught:
        assert tuple(wrap(5.0, law).conf_int(0.95)) == (-np.inf, np.inf)
    assert len(caught) == 1
    assert np.isfinite(ask(law, 0.5)).all()


def test_fieller_without_error_in_the_denominator_is_the_t_interval():
    law = FiellerLaw(numerator=5.0, denominator=2.0, var_numerator=0.36, var_denominator=0.0, df=9)
    same = TLaw(estimate=2.5, std_error=0.3, df=9)
    for level in LEVELS:
        for alternative in ALTERNATIVES:
            assert np.allclose(ask(law, level, alternative), ask(same, level, alternative), rtol=1e-9)
            assert np.isclose(wrap(0.0, law).pvalue(2.1, alternative), wrap(0.0, same).pvalue(2.1, alternative))


# ---- simulation


class TestTIsUniform(SuperUniformContract):
    uniform = True
    n_simulations = 3000

    def simulate(self, rng):
        x = rng.normal(size=6)
        return wrap(0.0, TLaw(estimate=x.mean(), std_error=x.std(ddof=1) / 6**0.5, df=5)).pvalue(0.0)


class TestClopperPearsonIsSuperUniform(SuperUniformContract):
    n_simulations = 3000

    def simulate(self, rng):
        return wrap(0.0, BinomialLaw(n_success=int(rng.binomial(12, 0.2)), n=12)).pvalue(0.2)


@pytest.mark.parametrize("p", [0.02, 0.1, 0.37, 0.5, 0.9])
@pytest.mark.parametrize("n", [1, 5, 20])
@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_clopper_pearson_covers_by_exact_enumeration(n, p, alternative):
    inside = [ask(BinomialLaw(n_success=k, n=n), 0.9, alternative) for k in range(n + 1)]
    covered = sum(stats.binom.pmf(k, n, p) for k, (low, high) in enumerate(inside) if low <= p <= high)
    assert covered >= 0.9


@pytest.mark.parametrize("p", [0.02, 0.3, 0.5])
@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_exact_pvalue_is_super_uniform_by_enumeration(p, alternative):
    n = 25
    pvalues = np.array([wrap(0.0, BinomialLaw(n_success=k, n=n)).pvalue(p, alternative) for k in range(n + 1)])
    mass = stats.binom.pmf(np.arange(n + 1), n, p)
    for u in pvalues:
        assert mass[pvalues <= u].sum() <= u + 1e-12


def test_a_half_width_beyond_the_floats_is_infinite():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert NormalLaw(estimate=0.0, std_error=1e308).interval(0.99, "two-sided") == (-np.inf, np.inf)
