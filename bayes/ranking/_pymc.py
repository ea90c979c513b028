"""The same model in PyMC."""

from uq._base.exceptions import MissingExtraError

__all__ = ["sample_nuts"]


def sample_nuts(problem, *, draws, tune, chains, random_state, progress=True):
    """Return draws of the posterior of `problem`, as the Gibbs sampler does: {"pi": ..., "theta": ...}."""
    raise MissingExtraError("SimplexRanker: NUTS needs PyMC: pip install 'errorbars[bayes]'.")
