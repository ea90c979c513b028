"""The same model in PyMC, and its draws in ArviZ; the only module that imports either."""

import importlib.util
import inspect
import logging
import sys
import warnings

import numpy as np
from joblib import effective_n_jobs

from uq._base.exceptions import MissingExtraError

from ._replay import replay
from ._tempering import design_effects, first_fit

__all__ = ["inference_data", "sample_nuts"]

TARGET_ACCEPT = 0.9


def sample_nuts(problem, *, draws, tune, chains, random_state, progress=True, n_jobs=None):
    """Return draws of the posterior of `problem` by NUTS, from nutpie where it is installed.

    Parameters
    ----------
    problem : Problem
        The joint likelihood, or the marginal one: its counts of un-anchored votes are divided by the design effect of
        their cell, those of anchored items are used jointly.
    draws, tune, chains : int
    random_state : int
    progress : bool
        Whether to show a bar where standard error is a terminal.
    n_jobs : int, optional
        Processes for the chains.

    Returns
    -------
    dict
        "pi" (chain, draw, C, M), "theta" (chain, draw, J, M, M), "n_divergent"; for the joint likelihood "sample" and
        "agreement" as `sample_gibbs` returns them, for the marginal one "design_effect" (C,).

    Raises
    ------
    MissingExtraError
        Where PyMC is not installed.

    Notes
    -----
    NUTS starts near the prior mean and does not jump between labellings of the true scores, as Gibbs does; where more
    than one has weight, chains may disagree, which R-hat shows.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        out = _sample(_pymc(), problem, draws, tune, chains, random_state, progress, n_jobs)
    for w in caught:
        if "could not link to a BLAS" not in str(w.message):  # there are no matrix products here
            warnings.warn_explicit(w.message, w.category, w.filename, w.lineno)
    return out


def _sample(pm, problem, draws, tune, chains, random_state, progress, n_jobs):
    marginal = problem.likelihood == "marginal"
    effect = design_effects(problem, *first_fit(problem)) if marginal else None
    model = _model(pm, problem, effect)
    logger = logging.getLogger("pymc")
    level = logger.level
    logger.setLevel(logging.ERROR)  # what it would say stands in the diagnostics
    try:
        found = pm.sample(
            draws=draws,
            tune=tune,
            chains=chains,
            cores=min(chains, effective_n_jobs(n_jobs)),
            random_seed=int(random_state),
            progressbar=progress and getattr(sys.stderr, "isatty", lambda: False)(),
            nuts_sampler="pymc" if importlib.util.find_spec("nutpie") is None else "nutpie",
            target_accept=TARGET_ACCEPT,
            compute_convergence_checks=False,
            model=model,
        )
    finally:
        logger.setLevel(level)
    drawn = {name: np.asarray(found.posterior[name].values) for name in ("pi", "phi", "psi", "own") if name in model}
    out = {
        "pi": drawn["pi"],
        "theta": _theta(problem, drawn),
        "n_divergent": int(found.sample_stats["diverging"].values.sum()),
    }
    if marginal:
        return out | {"design_effect": effect}
    return out | replay(problem, drawn, np.random.default_rng(random_state))


def _pymc():
    try:
        import pymc
    except ImportError as error:
        raise MissingExtraError(
            "SimplexRanker: NUTS needs PyMC: pip install 'errorbars[bayes]'. The joint likelihood does without "
            "(sampler='gibbs'), the marginal one has no other sampler."
        ) from error
    return pymc


def _model(pm, problem, effect):
    """Return the PyMC model of pi (C, M), phi (F, M, V), psi (`shared_judges`, U, V), own (pairs (f, c), M, V)."""
    from ._graph import Likelihood

    own = np.isfinite(problem.constancy)
    shared = problem.shared_judges
    with pm.Model() as model:
        pi = pm.Dirichlet("pi", a=np.full((problem.n_cells, problem.n_levels), float(problem.alpha)))
        phi = pm.Dirichlet("phi", a=np.broadcast_to(problem.prior, (problem.n_families, *problem.prior.shape)))
        parts, psi = [phi], None
        if len(shared):
            psi = pm.Dirichlet("psi", a=np.broadcast_to(problem.copy_prior, (len(shared), *problem.copy_prior.shape)))
        if own.any():
            strength = problem.constancy[own][:, None, None]
            parts.append(pm.Dirichlet("own", a=strength * phi[np.nonzero(own)[0]]))
        graph = Likelihood(problem, pi, parts, psi)
        if effect is None:
            pm.Potential("votes", graph.joint(np.arange(len(problem.cell))))
        else:
            pm.Potential("votes", graph.marginal(effect))
            anchored = np.flatnonzero(problem.truth >= 0)
            if len(anchored):
                pm.Potential("anchors", graph.joint(anchored))
    return model


def _theta(problem, drawn):
    """Return P(vote | true score) of each judge, (chain, draw, J, M, V)."""
    theta = drawn["phi"][:, :, problem.family]
    if "psi" in drawn:
        shared = problem.shared_judges
        theta[:, :, shared] = theta[:, :, shared] @ drawn["psi"]
    return theta


def inference_data(posterior, dims, coords):
    """Return draws as ArviZ holds them: an InferenceData before ArviZ 1, a DataTree since.

    Parameters
    ----------
    posterior : dict of ndarray of shape (n_chains, n_draws, ...)
    dims : dict of list of str
        Names of the axes after the first two, by variable.
    coords : dict of sequence
        Names along these axes.
    """
    try:
        import arviz
    except ImportError as error:
        raise MissingExtraError(
            "SimplexRanker.to_inference_data needs ArviZ: pip install 'errorbars[bayes]'."
        ) from error
    if "posterior" in inspect.signature(arviz.from_dict).parameters:
        return arviz.from_dict(posterior=posterior, dims=dims, coords=coords)
    return arviz.from_dict({"posterior": posterior}, dims=dims, coords=coords)
