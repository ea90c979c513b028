"""What a correct answer costs: per model, at the frontier of several models, and how much one family saves."""

import numpy as np

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.random import check_rng
from uq._base.results import Estimate
from uq._base.validation import check_count, check_jobs, check_option

from ._cost_core import crossfit_prices, estimate_mean_price, frontier_prices, halves, item_prices
from ._cost_input import check_baseline, check_families, check_models, check_runs

__all__ = ["cost_of_pass", "essentialness", "frontier_cost_of_pass"]

SELECTIONS = ("plug-in", "crossfit")


@cites("erol2025", "efron1987")
def cost_of_pass(costs, successes, *, average="items", n_resamples=9999, rng=None, n_jobs=None):
    """Return what one model's correct answer costs: mean cost over success rate of each item, and its average.

    Parameters
    ----------
    costs : array-like of shape (n_items, n_runs) or (n_items,)
        What each run cost, in any unit; not negative. NaN, in `successes` as well, is a run that was not made: items
        may have different numbers of runs, at least one.
    successes : array-like of the same shape
        1 where the run was correct, else 0.
    average : {"items"} or None, default "items"
        None returns the costs of the items.
    n_resamples : int, default 9999
    rng : None, int or numpy.random.Generator, optional
    n_jobs : int, optional
        The draws do not depend on it.

    Returns
    -------
    Estimate or ndarray of shape (n_items,)
        Infinite for an item that no run solved, and so is the average over items that hold one.

    Raises
    ------
    InputError
        For shapes that differ, negative costs, successes other than 0 and 1, NaN in one of the two alone, or an item
        without a run.

    Warns
    -----
    InfiniteBoundWarning
        Where an item was never solved.
    SmallSampleWarning
        Below 30 items, or 5 successes of an item under a model.

    Notes
    -----
    **Guarantee.** Asymptotic in the number of items *and* of runs per item, and "none" where an item has fewer than 5
    successes: a ratio with few successes below it is too large on average, and the average over items inherits this,
    however many there are. The upper limit draws items and, within each, runs (bias-corrected and accelerated). So does
    the lower one, unless (c + 1) / (n + 1) in place of c / n, whose prices are too small on average if cost does not
    depend on success, gives a smaller one. A run that was not made is neither free nor a failure: each item's
    rate is that of its own runs. Nothing is promised where the number of runs was chosen by their outcomes.

    References
    ----------
    Erol, El, Suzgun, Yuksekgonul and Zou (2025), Cost-of-pass: an economic framework for evaluating language models,
    arXiv:2504.13359.
    Efron (1987), Better bootstrap confidence intervals, doi:10.1080/01621459.1987.10478410.

    Examples
    --------
    >>> from uq.sampling import cost_of_pass
    >>> costs = [[.2, .4], [.3, .3], [.1, .1]]
    >>> cost_of_pass(costs, [[1, 1], [1, 0], [0, 0]], average=None)
    array([0.3, 0.6, inf])
    """
    owner = "cost_of_pass"
    if average is not None:
        check_option(average, ("items",), owner, "average")
    options = _options(owner, n_resamples, rng, n_jobs)
    costs, successes, made = check_runs(costs, successes, owner)
    if average is None:
        return item_prices(costs.sum(axis=2), successes.sum(axis=2))[0]
    baseline = np.full(costs.shape[1], np.inf)
    return estimate_mean_price(frontier_prices, costs, successes, baseline, None, {**options, "made": made})


@cites("erol2025", "efron1987")
def frontier_cost_of_pass(
    costs,
    successes,
    *,
    baseline=None,
    selection="plug-in",
    average="items",
    n_resamples=9999,
    rng=None,
    n_jobs=None,
):
    """Return what a correct answer costs if each item goes to whoever is cheapest for it, a model or the baseline.

    Parameters
    ----------
    costs, successes : dict of str to array-like of shape (n_items, n_runs), or array-like (n_models, n_items, n_runs)
        As in `cost_of_pass`, one table per model; row i of each is the same item.
    baseline : float or array-like of shape (n_items,), optional
        What a correct answer costs elsewhere, as from a person; no such offer where None.
    selection : {"plug-in", "crossfit"}, default "plug-in"
        "plug-in" takes the smallest of the estimated costs. "crossfit" chooses the model on one half of the runs and
        takes its price from the other half, at most the baseline, both ways: what sending items to models chosen by so
        few runs costs. The last of an odd number of runs is left out.
    average : {"items"} or None, default "items"
        None returns the costs of the items.
    n_resamples : int, default 9999
    rng : None, int or numpy.random.Generator, optional
    n_jobs : int, optional

    Returns
    -------
    Estimate or ndarray of shape (n_items,)
        Infinite where nobody solves an item and there is no baseline.

    Raises
    ------
    InputError
        As in `cost_of_pass`; for models whose tables differ in shape, a negative baseline, or "crossfit" with one run.

    Warns
    -----
    InfiniteBoundWarning
        Where an item has no finite price.
    SmallSampleWarning
        Below 30 items, or 5 successes of an item under a model.

    Notes
    -----
    Of two errors of the plug-in, one makes it too large (ratios with few successes below them), the other too small
    (the smallest of several noisy prices); which of them is larger depends on the baseline and the rates.

    **Guarantee.** Asymptotic in the number of items *and* of runs per item, as in `cost_of_pass`. "crossfit" is
    asymptotic in the number of items alone, for what such a choice by half of the runs reports on average (nominal 95 %
    covered 92 to 97 % at 20 and 50 items); its prices are ratios still, too large where successes are few. Nothing
    covers models or prices that change.

    References
    ----------
    Erol, El, Suzgun, Yuksekgonul and Zou (2025), Cost-of-pass: an economic framework for evaluating language models,
    arXiv:2504.13359.

    Examples
    --------
    >>> from uq.sampling import frontier_cost_of_pass
    >>> costs = {"small": [[.1, .1], [.1, .1]], "large": [[1, 1], [1, 1]]}
    >>> successes = {"small": [[1, 0], [0, 0]], "large": [[1, 1], [1, 0]]}
    >>> frontier_cost_of_pass(costs, successes, baseline=5, average=None)
    array([0.2, 2. ])
    """
    owner = "frontier_cost_of_pass"
    check_option(selection, SELECTIONS, owner, "selection")
    if average is not None:
        check_option(average, ("items",), owner, "average")
    options = _options(owner, n_resamples, rng, n_jobs)
    _, costs, successes, made = check_models(costs, successes, owner)
    baseline = check_baseline(baseline, owner, costs.shape[1])
    statistic = frontier_prices
    if selection == "crossfit":
        if made.min() < 2:
            raise InputError(f"{owner}: selection='crossfit' needs at least 2 runs of each item; got 1.")
        costs, successes = halves(costs, made), halves(successes, made)
        statistic = crossfit_prices
    if average is None:
        return statistic(costs.sum(axis=2)[None], successes.sum(axis=2)[None], baseline[None])[0]
    # the prices of the halves are what is estimated: drawing runs again would make another, coarser choice
    options["made"] = made if selection == "plug-in" else None
    return estimate_mean_price(statistic, costs, successes, baseline, None, options, bracket=selection == "plug-in")


@cites("erol2025", "efron1987")
def essentialness(costs, successes, *, baseline, families=None, n_resamples=9999, rng=None, n_jobs=None) -> Estimate:
    """Return how much dearer a correct answer would be without each model, or family of models, as a share.

    Parameters
    ----------
    costs, successes : dict of str to array-like of shape (n_items, n_runs), or array-like (n_models, n_items, n_runs)
        As in `frontier_cost_of_pass`.
    baseline : float or array-like of shape (n_items,)
        What a correct answer costs elsewhere.
    families : dict of str to str, optional
        Model -> family; each model is its own where None. Models of arrays are called "model 0", "model 1" and so on.
    n_resamples : int, default 9999
    rng : None, int or numpy.random.Generator, optional
    n_jobs : int, optional

    Returns
    -------
    Estimate
        One coefficient per family, in [0, 1]: (V without it - V) / V without it, where V is `frontier_cost_of_pass`; 0
        where V is 0 without it.

    Raises
    ------
    InputError
        As in `frontier_cost_of_pass`; for families that leave out a model or name another.

    Warns
    -----
    SmallSampleWarning
        Below 30 items, or 5 successes of an item under a model.

    Notes
    -----
    Two families of which each could stand in for the other are both unessential, though one of them may be needed.

    **Guarantee.** Asymptotic in the number of items *and* of runs per item, for one family at a time, and "none"
    where an item has fewer than 5 successes: shares are then too small or too large on average, and nominal 95 %
    intervals of hard items with 8 runs covered 53 to 74 % (simulated). A family that is
    the cheapest for no item has share 0 in all resamples, and an interval that holds all of [0, 1].

    References
    ----------
    Erol, El, Suzgun, Yuksekgonul and Zou (2025), Cost-of-pass: an economic framework for evaluating language models,
    arXiv:2504.13359.

    Examples
    --------
    >>> import numpy as np
    >>> from uq.sampling import essentialness
    >>> rng = np.random.default_rng(0)
    >>> successes = {"small": rng.random((40, 30)) < .5, "large": rng.random((40, 30)) < .9}
    >>> costs = {"small": np.full((40, 30), .1), "large": np.full((40, 30), .2)}
    >>> share = essentialness(costs, successes, baseline=10, n_resamples=999, rng=0)
    >>> share.names, share.estimate.round(2)
    (('small', 'large'), array([0.1 , 0.06]))
    """
    owner = "essentialness"
    options = _options(owner, n_resamples, rng, n_jobs)
    names, costs, successes, made = check_models(costs, successes, owner)
    families, place = check_families(families, owner, names)
    baseline = check_baseline(baseline, owner, costs.shape[1], required=True)

    def shares(costs, successes, baseline):
        prices = item_prices(costs, successes)
        everyone = np.minimum(prices.min(axis=1), baseline).mean(axis=1)
        out = np.zeros((len(prices), len(families)))
        for g in range(len(families)):
            rest = prices[:, place != g].min(axis=1, initial=np.inf)
            without = np.minimum(rest, baseline).mean(axis=1)
            np.divide(without - everyone, without, out=out[:, g], where=without > everyone)
        return out

    return estimate_mean_price(shares, costs, successes, baseline, families, {**options, "made": made})


def _options(owner, n_resamples, rng, n_jobs):
    return {
        "n_resamples": check_count(n_resamples, owner, "n_resamples"),
        "rng": check_rng(rng, owner),
        "n_jobs": check_jobs(n_jobs, owner),
    }
