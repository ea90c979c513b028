"""One door to both samplers."""

from uq._base.random import spawn_seeds

from ._sampling import sample_gibbs

__all__ = ["needs_nuts", "sample_posterior"]


def needs_nuts(ranker):
    """Tell whether NUTS draws: asked for, or because the marginal likelihood has no other sampler."""
    return ranker.sampler == "nuts" or ranker.likelihood == "marginal"


def sample_posterior(ranker, problem, rng, n_jobs):
    """Return the draws of a problem by the sampler and at the size that the estimator `ranker` asks for."""
    size = {"draws": int(ranker.draws), "tune": int(ranker.tune), "chains": int(ranker.chains)}
    if not needs_nuts(ranker):
        return sample_gibbs(problem, rng=rng, n_jobs=n_jobs, target=ranker.target, **size)
    from ._pymc import sample_nuts

    return sample_nuts(problem, random_state=spawn_seeds(rng, 1)[0][0], n_jobs=n_jobs, **size)
