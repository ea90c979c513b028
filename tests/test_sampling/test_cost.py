"""Cost of a pass: small tables by hand, the frontier, honest choices, families, and what is never solved."""

import warnings

import numpy as np
import pytest

from uq import Estimate
from uq.exceptions import InfiniteBoundWarning, InputError, SmallSampleWarning
from uq.sampling import cost_of_pass, essentialness, frontier_cost_of_pass
from uq.sampling._two_levels import resample_items_and_runs

QUICK = {"n_resamples": 199, "rng": 0}
COSTS = {"small": [[0.1, 0.3], [0.1, 0.1], [0.2, 0.2]], "large": [[1, 1], [1, 3], [2, 2]]}
SUCCESSES = {"small": [[1, 1], [0, 0], [1, 0]], "large": [[1, 1], [1, 0], [0, 0]]}


def prices(model):
    costs, successes = np.array(COSTS[model], float), np.array(SUCCESSES[model], float)
    with np.errstate(divide="ignore"):
        return costs.mean(axis=1) / successes.mean(axis=1)


def test_items_are_mean_cost_over_success_rate():
    for model in COSTS:
        found = cost_of_pass(COSTS[model], SUCCESSES[model], average=None)
        assert np.allclose(found, prices(model))
    assert cost_of_pass([2.0, 1.0], [1, 0], average=None).tolist() == [2.0, np.inf]
    assert cost_of_pass([0.0, 0.0], [1, 0], average=None).tolist() == [0.0, np.inf]


def test_an_item_that_is_never_solved_makes_the_average_infinite_and_says_so():
    with pytest.warns(InfiniteBoundWarning, match="never solved"):
        result = cost_of_pass(COSTS["small"], SUCCESSES["small"], **QUICK)
    assert result.estimate == np.inf
    assert result.std_error == np.inf
    with pytest.warns(InfiniteBoundWarning):
        interval = result.conf_int()
    assert interval.upper == np.inf
    assert 0.2 - 1e-12 <= interval.lower < 1


def test_frontier_is_the_cheapest_of_all_models_and_the_baseline():
    found = frontier_cost_of_pass(COSTS, SUCCESSES, baseline=5, average=None)
    assert np.allclose(found, np.minimum(np.minimum(prices("small"), prices("large")), 5))
    assert np.allclose(found, [0.2, 4.0, 0.4])
    each = frontier_cost_of_pass(COSTS, SUCCESSES, baseline=[0.1, 3, 9], average=None)
    assert np.allclose(each, [0.1, 3.0, 0.4])
    arrays = [np.stack([np.array(t[m], float) for m in t]) for t in (COSTS, SUCCESSES)]
    assert np.array_equal(frontier_cost_of_pass(*arrays, baseline=5, average=None), found)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")
def test_the_mean_over_items_and_its_interval():
    result = frontier_cost_of_pass(COSTS, SUCCESSES, baseline=5, **QUICK)
    assert isinstance(result, Estimate)
    assert result.estimate == pytest.approx(4.6 / 3)
    lower, upper = result.conf_int()
    assert 0 <= lower < result.estimate < upper <= 5 + 1e-12
    assert 0 <= result.pvalue(1.0) <= 1
    assert result == frontier_cost_of_pass(COSTS, SUCCESSES, baseline=5, n_jobs=2, **QUICK)


def crossfit_by_hand(costs, successes, baseline):
    """Choose on the even runs, pay on the odd ones, and the other way round; one item after the other."""
    out = []
    for i in range(len(baseline)):
        both = []
        for seen, fresh in ((0, 1), (1, 0)):
            at = [
                [c[i, f::2].sum() / s[i, f::2].sum() if s[i, f::2].any() else np.inf for f in (seen, fresh)]
                for c, s in zip(costs, successes, strict=True)
            ]
            best = min(range(len(at)), key=lambda m: at[m][0])
            both.append(min(at[best][1], baseline[i]) if at[best][0] < baseline[i] else baseline[i])
        out.append(np.mean(both))
    return out


def test_crossfit_pays_what_other_runs_say():
    rng = np.random.default_rng(1)
    costs, successes = rng.random((3, 20, 6)), (rng.random((3, 20, 6)) < 0.4).astype(float)
    baseline = rng.random(20) * 3
    found = frontier_cost_of_pass(costs, successes, baseline=baseline, selection="crossfit", average=None)
    assert np.allclose(found, crossfit_by_hand(costs, successes, baseline))
    odd = [np.concatenate([x, np.ones((3, 20, 1))], axis=2) for x in (costs, successes)]
    again = frontier_cost_of_pass(*odd, baseline=baseline, selection="crossfit", average=None)
    assert np.array_equal(found, again)


def test_the_smallest_of_noisy_prices_is_too_small_and_crossfit_is_not():
    """Ten models alike, whose rates are high: the choice is worth nothing, and only crossfit says so."""
    rng = np.random.default_rng(0)
    costs = rng.gamma(2, 0.5, (10, 400, 8))
    successes = np.ones((10, 400, 8))
    plug_in = frontier_cost_of_pass(costs, successes, average=None).mean()
    honest = frontier_cost_of_pass(costs, successes, selection="crossfit", average=None)
    assert plug_in < 0.75
    assert abs(honest.mean() - 1) < 4 * honest.std() / 20


@pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")
def test_essentialness_is_the_share_that_the_frontier_loses():
    result = essentialness(COSTS, SUCCESSES, baseline=5, **QUICK)
    everyone = 4.6 / 3
    without = {"small": (1 + 4 + 5) / 3, "large": (0.2 + 5 + 0.4) / 3}
    assert result.names == ("small", "large")
    assert np.allclose(result.estimate, [(v - everyone) / v for v in without.values()])
    interval = result.conf_int()
    assert (interval.lower >= 0).all()
    assert (interval.upper <= 1).all()
    together = essentialness(COSTS, SUCCESSES, baseline=5, families={"small": "us", "large": "us"}, **QUICK)
    assert together.names == ("us",)
    assert together.estimate == pytest.approx([(5 - everyone) / 5])


@pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")
def test_a_model_that_is_never_the_cheapest_and_prices_of_zero():
    idle = {"good": [[1, 1], [1, 1]], "dear": [[2, 2], [2, 2]]}
    ones = {m: [[1, 1], [1, 1]] for m in idle}
    result = essentialness(idle, ones, baseline=9, **QUICK)
    assert result.estimate[1] == 0
    interval = result.conf_int()
    assert (interval.lower[1], interval.upper[1]) == (0, 1)
    free = essentialness({"free": [[0, 0]]}, {"free": [[1, 1]]}, baseline=0, **QUICK)
    assert free.estimate.tolist() == [0]


def test_few_items_warn():
    with pytest.warns(SmallSampleWarning, match="fewer than 5 successes"):
        thin = frontier_cost_of_pass(COSTS, SUCCESSES, baseline=5, **QUICK)
    assert thin.guarantee == "none"
    with pytest.warns(SmallSampleWarning, match="3 items are few"):
        cost_of_pass(np.ones((3, 6)), np.ones((3, 6)), **QUICK)
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cost_of_pass(rng.random((40, 6)), np.ones((40, 6)), **QUICK).guarantee == "asymptotic"


def test_resamples_have_the_moments_of_two_levels():
    """Items alone: the variance over items. Items and runs: the mean variance within items comes on top."""
    rng = np.random.default_rng(0)
    costs = rng.normal(size=(1, 12, 5)) + rng.normal(size=(1, 12, 1))
    within = costs[0].var(axis=1).mean() / 5
    between = costs[0].mean(axis=1).var()

    def mean(costs, successes, baseline):
        return costs[:, 0].mean(axis=1, keepdims=True) / 5

    for made, expected in ((None, between / 12), (np.full((1, 12), 5), (between + within) / 12)):
        draws = resample_items_and_runs(
            mean, costs, costs, np.zeros(12), n_resamples=20_000, rng=np.random.default_rng(1), n_jobs=None, made=made
        )
        assert draws.shape == (20_000, 1)
        assert draws.var() == pytest.approx(expected, rel=0.05)
        assert draws.mean() == pytest.approx(costs.mean(), abs=5 * np.sqrt(expected / 20_000))


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (cost_of_pass, ([[1.0, 2.0]], [[1, 2]])),
        (cost_of_pass, ([[1.0, -2.0]], [[1, 1]])),
        (cost_of_pass, ([[1.0, 2.0]], [[1]])),
        (cost_of_pass, ([], [])),
        (cost_of_pass, ([[np.nan]], [[1]])),
        (frontier_cost_of_pass, (COSTS, {"small": SUCCESSES["small"]})),
        (frontier_cost_of_pass, (COSTS, [[[1]]])),
        (frontier_cost_of_pass, ({}, {})),
        (frontier_cost_of_pass, ({"a": [[1, 1]], "b": [[1]]}, {"a": [[1, 1]], "b": [[1]]})),
        (frontier_cost_of_pass, (np.ones(3), np.ones(3))),
    ],
    ids=lambda x: x.__name__ if callable(x) else "",
)
def test_bad_tables_are_refused(function, arguments):
    with pytest.raises(InputError, match=f"{function.__name__}: "):
        function(*arguments)


@pytest.mark.parametrize(
    "options",
    [
        {"baseline": -1},
        {"baseline": [1, 2]},
        {"baseline": None},
        {"baseline": 5, "families": {"small": "a"}},
        {"baseline": 5, "families": ["a", "b"]},
        {"baseline": 5, "n_resamples": 0},
    ],
    ids=str,
)
def test_bad_options_are_refused(options):
    with pytest.raises(InputError, match="essentialness: "):
        essentialness(COSTS, SUCCESSES, **options)


@pytest.mark.parametrize(
    ("costs", "families"),
    [
        ({1: [[1, 1]], "1": [[2, 2]]}, None),
        ({"a": [[1, 1]], "b": [[2, 2]]}, {"a": 1, "b": "1"}),
        ({"a": [[1, 1]], "b": [[2, 2]]}, {"a": None, "b": "None"}),
        ({1: [[1, 1]], 2: [[2, 2]]}, {1: "us", 2: "us", "1": "them"}),
    ],
    ids=str,
)
def test_two_of_one_name_are_refused(costs, families):
    ones = {m: [[1, 1]] for m in costs}
    with pytest.raises(InputError, match=r"essentialness: .*told apart by their names"):
        essentialness(costs, ones, baseline=9, families=families, **QUICK)


@pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")
def test_names_that_are_numbers_are_written_as_texts():
    costs = {1: [[1, 1]], 2: [[2, 2]]}
    ones = {m: [[1, 1]] for m in costs}
    assert essentialness(costs, ones, baseline=9, **QUICK).names == ("1", "2")
    assert essentialness(costs, ones, baseline=9, families={"1": 7, "2": 7}, **QUICK).names == ("7",)


def test_crossfit_needs_two_runs():
    with pytest.raises(InputError, match="at least 2 runs"):
        frontier_cost_of_pass({"a": [1.0]}, {"a": [1]}, selection="crossfit")
    with pytest.raises(InputError, match="selection must be one of"):
        frontier_cost_of_pass(COSTS, SUCCESSES, selection="best")
