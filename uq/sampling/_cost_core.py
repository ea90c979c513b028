"""What runs cost per correct answer, computed: prices of items from sums over runs, and the Estimate of their mean."""

import warnings

import numpy as np

from uq._base.exceptions import InfiniteBoundWarning, SmallSampleWarning
from uq._base.resampling import acceleration
from uq._base.results import Estimate
from uq._evaluation._bca import bca_law
from uq._evaluation._warn import few

from ._bounded import BoundedDrawsLaw, BracketLaw
from ._two_levels import resample_items_and_runs

__all__ = ["crossfit_prices", "estimate_mean_price", "frontier_prices", "halves", "item_prices"]

FEW_ITEMS = 30
FEW_SUCCESSES = 5


def item_prices(costs, successes):
    """Return sums of costs over sums of successes, inf where there is none."""
    return np.divide(costs, successes, out=np.full(costs.shape, np.inf), where=successes > 0)


def frontier_prices(costs, successes, baseline):
    """Return the price of each item under its cheapest model, at most the baseline."""
    return np.minimum(item_prices(costs, successes).min(axis=1), baseline)


def halves(runs, made):
    """Return the even and the odd runs as models of their own, (2 n_models, n_items, n_runs // 2); 0 where none is."""
    paired = np.where(np.arange(runs.shape[2]) < (made // 2 * 2)[..., None], runs, 0.0)
    pairs = paired[:, :, : runs.shape[2] // 2 * 2]
    return np.concatenate([pairs[:, :, ::2], pairs[:, :, 1::2]])


def crossfit_prices(costs, successes, baseline):
    """Return frontier prices whose model is chosen on one half of the runs and priced on the other."""
    prices = item_prices(costs, successes)
    half = prices.shape[1] // 2
    one, two = prices[:, :half], prices[:, half:]
    return (_routed(one, two, baseline) + _routed(two, one, baseline)) / 2


def _routed(seen, fresh, baseline):
    """Return the fresh price of the model that is cheapest by the prices seen, at most the baseline."""
    best = seen.argmin(axis=1)[:, None]
    chosen, price = (np.take_along_axis(x, best, axis=1)[:, 0] for x in (seen, fresh))
    return np.where(chosen < baseline, np.minimum(price, baseline), baseline)


def _shrunk(costs, successes, made):
    """Return sums, as of one run, with (c + 1) / (n + 1) in place of c / n, whose inverse has a mean below 1 / p."""
    return costs.sum(axis=2, keepdims=True) * (1 + 1 / made[..., None]), successes.sum(axis=2, keepdims=True) + 1


def estimate_mean_price(statistic, costs, successes, baseline, names, options, *, bracket=True):
    """Return the Estimate of a mean over items, or of shares, with resampled items and runs."""
    n = costs.shape[1]

    def averaged(costs, successes, baseline):
        values = statistic(costs, successes, baseline)
        return values if names is not None else values.mean(axis=1, keepdims=True)

    data = costs, successes, baseline
    value, law, error = _resampled(averaged, *data, names, **options)
    if bracket and names is None:
        spent, won = _shrunk(costs, successes, options["made"])
        below = _resampled(averaged, spent, won, baseline, names, **{**options, "made": None})[1]
        law = BracketLaw(below=below, above=law, support=law.support)
    thin = bool((successes.sum(axis=2) < FEW_SUCCESSES).any())
    _warn(value, n, thin)
    return Estimate(
        estimate=value if names else float(value[0]),
        std_error=error if names else float(error[0]),
        n=n,
        method="bootstrap",
        guarantee="none" if thin else "asymptotic",
        law=law,
        names=names,
    )


def _resampled(averaged, costs, successes, baseline, names, **options):
    """Return the values, their law and their errors from resamples."""
    sums = costs.sum(axis=2)[None], successes.sum(axis=2)[None], baseline[None]
    value = averaged(*sums)[0]
    draws = resample_items_and_runs(averaged, costs, successes, baseline, **options)
    with np.errstate(invalid="ignore"):
        error = np.where(np.isfinite(draws).all(axis=0), draws.std(axis=0), np.inf)
    support = (0.0, np.inf) if names is None else (0.0, 1.0)
    kept = slice(None) if names else 0
    if not (np.isfinite(draws).all() and np.isfinite(value).all()):
        # infinite draws are larger than others, not undefined
        return value, BoundedDrawsLaw(draws=draws[:, kept], support=support), error
    left_out = _leave_one_out(averaged, *sums) if costs.shape[1] > 1 else np.empty((0, len(value)))
    laws = [bca_law(draws[:, j], v, acceleration(left_out[:, j])) for j, v in enumerate(value)]
    law = BoundedDrawsLaw(
        draws=np.column_stack([each.draws for each in laws])[:, kept],
        kind="bca",
        z0=np.array([each.z0 for each in laws], dtype=float)[kept],
        acceleration=np.array([each.acceleration for each in laws], dtype=float)[kept],
        support=support,
    )
    return value, law, error


def _warn(value, n, thin):
    if np.isinf(value).any():
        warnings.warn(
            "an item was never solved, so that its cost is infinite; more runs of it, or a baseline "
            "(frontier_cost_of_pass), would make the average finite.",
            InfiniteBoundWarning,
            stacklevel=4,
        )
    elif thin or n < FEW_ITEMS:
        what = f"some items have fewer than {FEW_SUCCESSES} successes under a model" if thin else few(n, "items")
        more = f"{FEW_SUCCESSES} successes of each item" if thin else f"{FEW_ITEMS} items"
        warnings.warn(
            f"{what} for an interval from the bootstrap, which may be too short or in the wrong place; collect at "
            f"least {more}.",
            SmallSampleWarning,
            stacklevel=4,
        )


def _leave_one_out(averaged, costs, successes, baseline, most=500):
    """Return the statistic without each item, or without each of `most` blocks of items."""
    n = costs.shape[2]
    units = np.arange(n) if n <= most else np.random.default_rng(0).permutation(n) % most
    kept = [units != u for u in range(min(n, most))]
    return np.concatenate([averaged(costs[:, :, k], successes[:, :, k], baseline[:, k]) for k in kept])
