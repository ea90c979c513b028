"""Runs of the Gibbs sampler: warm-up, kept draws, chains side by side or on several workers.

Five levels and a thousand items give posteriors with several modes (which level is unused, which one is split in two),
and in long runs chains moved towards one of them. They leave the others after hundreds or thousands of sweeps, and only
then does the height of a start tell what its mode is worth. So where chains disagree they are drawn anew with a longer
warm-up.
"""

import numpy as np
from joblib import Parallel, delayed

from uq._base.diagnostics import rhat
from uq._base.progress import progress
from uq._base.random import spawn_seeds

from ._diagnosis import MOST_RHAT
from ._gibbs import FEW, Gibbs
from ._predictive import AgreementCheck
from ._utility import utilities

__all__ = ["sample_gibbs"]

RIVALS_FEW, RIVALS = 8, 2  # starts per chain, for few patterns and for many
AGAIN_MOST, AGAIN_LEAST = 20_000, 100  # numbers (rows times levels), and warm-up draws, for which to try again
LONGER = 4  # times the warm-up and the sweeps per kept draw, the second time
REPLICATES = 200  # of the agreement of judges
LARGE_ROWS, LARGE_VOTES = 30_000, 200_000  # from here on a chain is work enough for one worker


def sample_gibbs(problem, *, draws, tune, chains, rng, n_jobs=None, target="population"):
    """Return posterior draws of the joint model with finite or infinite constancy.

    Parameters
    ----------
    problem : Problem
    draws, tune, chains : int
    rng : numpy.random.Generator
    n_jobs : int or None
        Workers for the chains of large problems; the draws do not depend on it.
    target : {"population", "sample"}
        Whose utilities the chains must agree on.

    Returns
    -------
    dict
        "pi" (chain, draw, C, M), "theta" (chain, draw, J, M, M), "sample" (chain, draw, C), and "agreement" (n, pairs),
        replicates of the pairs of `AgreementCheck`, or None.

    Notes
    -----
    Where the chains of a problem that is not large disagree, all are drawn once more, with LONGER times the sweeps
    and more starts; the second answer stands, agree or not.
    """
    found = _all_chains(problem, draws, tune, chains, rng, n_jobs)
    size = len(problem.cell) * problem.n_levels
    if chains > 1 and tune >= AGAIN_LEAST and size <= AGAIN_MOST and _disagree(target, problem, found):
        found = _all_chains(problem, draws, LONGER * tune, chains, rng, n_jobs, RIVALS_FEW, LONGER)
    return found


def _disagree(target, problem, found):
    """Tell whether chains have not met, at least in a utility; too few draws to tell count as agreement."""
    return bool(np.max(rhat(utilities(target, problem, found))) > MOST_RHAT)


def _all_chains(problem, draws, tune, chains, rng, n_jobs, rivals=None, thin=1):
    large = len(problem.cell) * problem.n_levels >= LARGE_ROWS
    if not problem.is_constant:
        large = large or ((problem.votes >= 0).sum(axis=1) @ problem.count) >= LARGE_VOTES
    blocks = [1] * chains if large else [chains]
    every = min(draws, max(1, draws * chains // REPLICATES))
    seeds = spawn_seeds(rng, len(blocks))
    work = [
        delayed(_run)(problem, draws, tune, n, every, seed, i, rivals, thin)
        for i, (n, seed) in enumerate(zip(blocks, seeds, strict=True))
    ]
    found = [run for run in Parallel(n_jobs=n_jobs if large else 1)(work)]
    joined = {name: np.concatenate([run[name] for run in found]) for name in ("pi", "theta", "sample")}
    replicates = [run["agreement"] for run in found if run["agreement"] is not None]
    return joined | {"agreement": np.concatenate(replicates) if replicates else None}


def _run(problem, draws, tune, chains, every, seed, number, rivals=None, thin=1):
    few = len(problem.cell) * problem.n_levels <= FEW
    rivals = rivals or min(RIVALS_FEW if few else RIVALS, max(1, tune // 40))
    sampler = Gibbs(problem, np.random.default_rng(seed), chains * rivals)
    rounds, heights = {tune // 4, tune // 2} if rivals > 1 else set(), []
    check = AgreementCheck(problem) if AgreementCheck.worthwhile(problem) else None
    c, j, m = problem.n_cells, problem.n_judges, problem.n_levels
    pi, sample = np.empty((chains, draws, c, m)), np.empty((chains, draws, c))
    theta = np.empty((chains, draws, j, m, m))
    replicates = []
    for step in progress(range(-tune, draws * thin), "sampling" if chains > 1 else f"sampling, chain {number + 1}"):
        sampler.sweep(learn=step < 0)
        if step < 0:
            if rounds and max(rounds) >= step + tune + 1:
                if step % 4 == 0 or step + tune + 1 in rounds:
                    heights.append(sampler.height())
                if step + tune + 1 in rounds:
                    recent = heights[-(len(heights) + 1) // 2 :]
                    _compete(sampler, np.mean(recent, axis=0), chains, step + tune + 1 == max(rounds))
                    heights = []
            continue
        if (step + 1) % thin:
            continue
        step //= thin
        pi[:, step], theta[:, step], sample[:, step] = sampler.pi(), sampler.theta(), sampler.sample_means()
        if check is not None and (step + 1) % every == 0:
            replicates.append(check.replicate(sampler))
    agreement = np.concatenate(replicates) if replicates else None
    return {"pi": pi, "theta": theta, "sample": sample, "agreement": agreement}


def _compete(sampler, height, chains, last):
    """Draw starts anew, within those of one chain, in proportion to their posterior; keep one per chain if `last`.

    The posterior of many levels has many modes, most of which hold next to nothing. Starts of different chains never
    mix, so that chains which disagree still tell of modes.
    """
    rivals = sampler.n_chains // chains
    weight = height.reshape(chains, rivals)
    weight = np.exp(weight - weight.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    kept = [c * rivals + sampler.rng.choice(rivals, 1 if last else rivals, p=weight[c]) for c in range(chains)]
    sampler.keep(np.concatenate(kept))
