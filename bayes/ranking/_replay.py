"""What the state of the Gibbs sampler tells beside its draws, for those of another sampler: true scores, agreement."""

import numpy as np

from ._gibbs import Gibbs
from ._predictive import AgreementCheck

__all__ = ["replay"]

REPLICATES = 200  # of the agreement of judges
LEAST = 1e-300


def replay(problem, drawn, rng):
    """Return "sample" (chain, draw, C) and "agreement", given draws of pi, phi, psi and own as `_pymc` names them.

    The true scores are drawn from their law given the parameters of the same draw, so both are from the posterior.
    """
    n_chains, n_draws = drawn["pi"].shape[:2]
    state = Gibbs(problem, rng, n_chains)
    check = AgreementCheck(problem) if AgreementCheck.worthwhile(problem) else None
    every = min(n_draws, max(1, n_draws * n_chains // REPLICATES))
    if problem.is_constant:
        pattern = np.unique(problem.votes, axis=0, return_inverse=True)[1].reshape(-1)
    else:
        pattern = np.arange(len(problem.votes))
    known = np.flatnonzero(problem.truth >= 0)
    sample, replicates = np.empty((n_chains, n_draws, problem.n_cells)), []
    for step in range(n_draws):
        _place(state, {name: np.log(np.maximum(value[:, step], LEAST)) for name, value in drawn.items()})
        log = state.log_weights()[pattern] + state.log_pi[problem.cell]  # (R, S, M)
        share = np.exp(log - log.max(axis=2, keepdims=True))
        share[known] = np.eye(problem.n_levels)[problem.truth[known]][:, None]
        state.z = rng.multinomial(problem.count[:, None], share / share.sum(axis=2, keepdims=True))
        sample[:, step] = state.sample_means()
        if check is not None and (step + 1) % every == 0:
            replicates.append(check.replicate(state))
    return {"sample": sample, "agreement": np.concatenate(replicates) if replicates else None}


def _place(state, log):
    """Set the parameters of the chains, given logarithms of one draw each."""
    problem = state.problem
    state.log_pi = log["pi"].transpose(1, 0, 2)
    state.log_phi = log["phi"].transpose(1, 3, 0, 2)  # (F, V, S, M)
    state.log_cell = state.log_phi[None]
    if "own" in log:
        own = np.isfinite(problem.constancy)
        state.log_cell = np.repeat(state.log_cell, problem.n_cells, axis=0)
        family, cell = np.nonzero(own)
        state.log_cell[cell, family] = log["own"].transpose(1, 3, 0, 2)
    start = 0
    for family in state.families:
        stop = start + len(family.judges)
        family.log_psi = log["psi"][:, start:stop].transpose(1, 3, 0, 2)  # (judge, V, S, U)
        start = stop
