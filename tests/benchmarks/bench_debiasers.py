"""Tweedie's correction through a grid against the dense kernel density that the paper's code evaluates."""

import numpy as np
from harness import compare
from scipy.stats import gaussian_kde

from causal import TweedieDebiaser

STEP = 1e-4  # in standard deviations, of the central difference of the log density


def draw(n, n_apply):
    rng = np.random.default_rng(0)

    def mixed(size):
        return rng.normal(size=size) * rng.choice([0.6, 1.6], size)

    z = mixed(n)
    return z, z + rng.normal(size=n), mixed(n_apply)


def ours(z, y, new):
    # the paper takes predictions as they are
    return TweedieDebiaser(recalibrate=None, nondifferential=True).fit(z, y)._transform(new)


def dense(z, y, new):
    density, step = gaussian_kde(z), STEP * z.std()
    slope = (density.logpdf(new + step) - density.logpdf(new - step)) / (2 * step)
    return new - np.var(y - z) * slope


def agree(z, new):
    central = (new > np.quantile(z, 0.005)) & (new < np.quantile(z, 0.995))
    within = (new >= z.min()) & (new <= z.max())  # beyond, ours is a line

    def check(ours, theirs):
        gap = np.abs(ours - theirs)
        assert gap[central].max() < 1e-4, gap[central].max()
        assert gap[within].max() < 1e-2, gap[within].max()
        return f"apart by {gap[central].max():.1g} in the central 99 %, {gap[within].max():.1g} within all rows"

    return check


def rows():
    found = []
    for n, n_apply in ((1000, 10_000), (10_000, 100_000)):
        z, y, new = draw(n, n_apply)
        found.append(
            compare(
                f"Tweedie fit and apply, n = {n:.0e}, N = {n_apply:.0e}",
                lambda z=z, y=y, new=new: ours(z, y, new),
                lambda z=z, y=y, new=new: dense(z, y, new),
                "SciPy's gaussian_kde",
                agree(z, new),
                turns=1 if n > 1000 else 3,
                limit="two sparse products of 4 entries per row and three cosine transforms of 4,096 cells",
            )
        )
    return found
