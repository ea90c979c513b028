"""Cost of a pass with other numbers of runs from item to item: NaN is a run that was not made."""

import numpy as np
import pytest

from uq.exceptions import InputError
from uq.sampling import cost_of_pass, essentialness, frontier_cost_of_pass
from uq.sampling._two_levels import resample_items_and_runs

QUICK = {"n_resamples": 199, "rng": 0}
pytestmark = pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")


def ragged(seed, n_models=2, n_items=15, most=7, rate=0.6):
    """Costs and successes with 2 to `most` runs of each item under each model, at any place in the row."""
    rng = np.random.default_rng(seed)
    shape = n_models, n_items, most
    costs, successes = rng.gamma(2, 0.5, shape), (rng.random(shape) < rate).astype(float)
    absent = rng.permuted(np.arange(most) >= rng.integers(2, most + 1, shape[:2])[..., None], axis=2)
    return np.where(absent, np.nan, costs), np.where(absent, np.nan, successes)


def prices(costs, successes):
    """One item after the other: mean cost over success rate of the runs that were made."""
    out = []
    for spent, won in zip(costs, successes, strict=True):
        kept = [(c, s) for c, s in zip(spent, won, strict=True) if c == c]
        rate = sum(s for _, s in kept) / len(kept)
        out.append(sum(c for c, _ in kept) / len(kept) / rate if rate else np.inf)
    return np.array(out)


def test_each_item_has_the_price_of_its_own_runs():
    costs, successes = ragged(0)
    each = np.array([prices(c, s) for c, s in zip(costs, successes, strict=True)])
    assert cost_of_pass(costs[0], successes[0], average=None) == pytest.approx(each[0])
    found = frontier_cost_of_pass(costs, successes, baseline=2, average=None)
    assert found == pytest.approx(np.minimum(each.min(axis=0), 2))
    mean = frontier_cost_of_pass(costs, successes, baseline=2, **QUICK)
    assert mean.estimate == pytest.approx(found.mean())
    lower, upper = mean.conf_int()
    assert lower < mean.estimate < upper
    assert mean == frontier_cost_of_pass(costs, successes, baseline=2, n_jobs=2, **QUICK)
    without = [np.minimum(each[1 - m], 2).mean() for m in range(2)]
    shares = essentialness(costs, successes, baseline=2, **QUICK).estimate
    assert shares == pytest.approx([(w - found.mean()) / w for w in without])


def test_columns_and_places_that_hold_no_run_change_nothing():
    rng = np.random.default_rng(2)
    costs, successes = rng.random((12, 4)), np.ones((12, 4))
    plain = cost_of_pass(costs, successes, **QUICK)
    gaps = [np.insert(x, [0, 2, 4], np.nan, axis=1) for x in (costs, successes)]
    assert cost_of_pass(*gaps, **QUICK) == plain
    ragged_runs = [x[0] for x in ragged(3)]
    moved = [np.array([np.r_[row[np.isnan(row)], row[~np.isnan(row)]] for row in x]) for x in ragged_runs]
    assert cost_of_pass(*ragged_runs, average=None) == pytest.approx(cost_of_pass(*moved, average=None))


def test_resamples_draw_as_many_runs_as_were_made_and_no_other():
    """Sums of ones count the runs; costs that are the number of the item tell which one was drawn."""
    made = np.array([[1, 3, 5, 2], [4, 5, 1, 1]])
    ones = (np.arange(5) < made[..., None]).astype(float)
    costs = ones * np.arange(1.0, 5)[None, :, None]

    def counted(costs, successes, baseline):
        item = np.rint(costs / successes).astype(int) - 1
        assert (item[:, 0] == item[:, 1]).all()
        assert (successes == made[np.arange(2)[:, None], item]).all()
        assert (baseline == item[:, 0]).all()
        return np.ones((len(costs), 1))

    options = {"n_resamples": 500, "rng": np.random.default_rng(0), "n_jobs": None}
    resample_items_and_runs(counted, costs, ones, np.arange(4.0), made=made, **options)


def test_resamples_of_unequal_runs_have_the_moments_of_two_levels():
    """Mean over items of the means over runs: the variance over items, and within each over its own number of runs."""
    rng = np.random.default_rng(0)
    made = rng.integers(1, 7, (1, 12))
    used = np.arange(6) < made[..., None]
    costs = (rng.normal(size=(1, 12, 6)) + rng.normal(size=(1, 12, 1))) * used
    rows = [row[:m] for row, m in zip(costs[0], made[0], strict=True)]
    variance = np.var([row.mean() for row in rows]) / 12 + np.mean([row.var() / len(row) for row in rows]) / 12

    def mean(costs, successes, baseline):
        return (costs[:, 0] / successes[:, 0]).mean(axis=1, keepdims=True)

    draws = resample_items_and_runs(
        mean, costs, used * 1.0, np.zeros(12), n_resamples=20_000, rng=np.random.default_rng(1), n_jobs=None, made=made
    )
    assert draws.var() == pytest.approx(variance, rel=0.05)
    assert draws.mean() == pytest.approx(np.mean([row.mean() for row in rows]), abs=5 * np.sqrt(variance / 20_000))


def test_crossfit_halves_the_runs_of_each_item():
    costs, successes = ragged(1, n_models=3, most=6, rate=0.5)
    baseline = np.linspace(0.2, 4, 15)
    expected = []
    for i in range(15):
        halves = []
        for c, s in zip(costs[:, i], successes[:, i], strict=True):
            c, s = c[~np.isnan(c)], s[~np.isnan(s)]
            pairs = len(c) // 2
            halves.append([(c[f : 2 * pairs : 2], s[f : 2 * pairs : 2]) for f in (0, 1)])
        price = [[c.sum() / s.sum() if s.any() else np.inf for c, s in both] for both in halves]
        paid = []
        for seen, fresh in ((0, 1), (1, 0)):
            best = min(range(3), key=lambda m: price[m][seen])
            paid.append(min(price[best][fresh], baseline[i]) if price[best][seen] < baseline[i] else baseline[i])
        expected.append(np.mean(paid))
    options = {"baseline": baseline, "selection": "crossfit"}
    assert frontier_cost_of_pass(costs, successes, average=None, **options) == pytest.approx(expected)
    assert frontier_cost_of_pass(costs, successes, **options, **QUICK).estimate == pytest.approx(np.mean(expected))
    lone = [[1.0, np.nan], [1.0, 1.0]]
    with pytest.raises(InputError, match="at least 2 runs"):
        frontier_cost_of_pass({"a": lone}, {"a": lone}, selection="crossfit")


NAN = np.nan


@pytest.mark.parametrize(
    ("costs", "successes", "match"),
    [
        ([[1, NAN], [1, 1]], [[1, 0], [1, 1]], "NaN together.*run 1 of item 0 "),
        ([[1, 1], [1, 1]], [[1, 0], [NAN, 1]], "NaN together.*run 0 of item 1 "),
        ([[1, 1], [NAN, NAN]], [[1, 0], [NAN, NAN]], "at least 1 run; got none of item 1 "),
        ([[NAN, NAN]], [[NAN, NAN]], "at least 1 run"),
        ([[1, 1], [1]], [[1, 0], [1]], "rows of 1 to 2. Fill them up with NaN"),
        ([1, NAN], [1, NAN], "finite"),
        ([[1, NAN, -1]], [[1, NAN, 1]], "not be negative"),
        ([[1, NAN, 1]], [[1, NAN, 2]], "only 0 and 1"),
        ([[1, NAN, np.inf]], [[1, NAN, 1]], "finite"),
    ],
)
def test_runs_that_were_half_made_are_refused(costs, successes, match):
    with pytest.raises(InputError, match=f"cost_of_pass: .*{match}"):
        cost_of_pass(costs, successes)


def test_a_model_with_fewer_runs_is_filled_up():
    tables = {"a": [[1, 1], [1, 1]], "b": [[1], [1]]}
    with pytest.raises(InputError, match="fill up with NaN"):
        frontier_cost_of_pass(tables, tables)
    tables["b"] = [[1, NAN], [1, NAN]]
    assert frontier_cost_of_pass(tables, tables, average=None).tolist() == [1.0, 1.0]
    tables["b"][1] = [NAN, NAN]
    with pytest.raises(InputError, match="none of item 1 under model 1"):
        frontier_cost_of_pass(tables, tables)
