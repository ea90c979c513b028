"""Answers with Gaussian noise: every query is answered, and no guess is needed."""

import math
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache

from scipy.optimize import minimize_scalar

from uq._base.citation import cites
from uq._base.validation import check_number, check_option

from ._mechanism import GRID, LEAST, MOST, Mechanism, Reply, on_grid, to_unit
from ._noise import gaussian_cvar
from ._published import rogers_scale, rogers_tolerance
from ._transfer import gaussian_sensitivity

__all__ = ["GaussianMechanism", "best_scale"]


BOUNDS = ("transfer", "rogers")


@cites("dwork2015", "dong2022", "rogers2020")
@dataclass(frozen=True, slots=True, eq=False)
class GaussianMechanism(Mechanism):
    """Answer every query by the mean over the holdout with a little noise.

    Parameters
    ----------
    n_queries : int
        Most queries that will be asked.
    scale : float, optional
        Standard deviation of the noise, as a part of the width of the bounds; the best one for the number of rows where
        None.
    bound : {"transfer", "rogers"}, default "transfer"
        Where the tolerance comes from: `transfer_bound`, or the published bound of Rogers et al. through mutual
        information, which is 2.2 to 2.8 times as large.
    confidence_level : float, default .95
        Probability that all answers are right at once.

    Raises
    ------
    InputError
        For a count, a level, a scale or a bound out of range.

    Notes
    -----
    k answers with noise of standard deviation sigma on means over n rows are Gaussian differentially private with
    mu = sqrt(k) / (n sigma) exactly, and `transfer_bound` turns this into a tolerance: the more noise, the less can be
    fitted to these rows. Answers are rounded to a grid of a millionth of the noise, whose half is in the tolerance.

    **Guarantee.** Finite-sample: with probability `confidence_level`, every answer lies within the tolerance of the
    expectation of its query (clipped to the bounds), however the analyst chose the queries, if the rows are
    independent. It stands on this project's own theorem, see `transfer_bound`; with ``bound="rogers"`` on a published
    one.

    References
    ----------
    Dwork, Feldman, Hardt, Pitassi, Reingold and Roth (2015), arXiv:1411.2664.
    Dong, Roth and Su (2022), doi:10.1111/rssb.12454.
    Rogers, Roth, Smith, Srebro, Thakkar and Woodworth (2020), arXiv:1906.09231.

    Examples
    --------
    >>> from uq.reuse import GaussianMechanism
    >>> round(GaussianMechanism(n_queries=100).certificate(10_000), 4)
    0.1002
    >>> round(GaussianMechanism(n_queries=100, bound="rogers").certificate(10_000), 4)
    0.247
    """

    n_queries: int
    _: KW_ONLY
    scale: float | None = None
    bound: str = "transfer"
    confidence_level: float = 0.95

    def __post_init__(self):
        if self.scale is not None:
            scale = check_number(self.scale, "GaussianMechanism", "scale", low=LEAST, high=MOST, closed=True)
            object.__setattr__(self, "scale", scale)
        check_option(self.bound, BOUNDS, "GaussianMechanism", "bound")
        self._check_common()

    def answer(self, state, guess, mean, bounds, rng):
        """Return the mean with noise, within the bounds."""
        if state["closed"]:
            return self._refused(state)
        low, width = bounds[0], bounds[1] - bounds[0]
        scale = self._scale(state["n"])
        value = on_grid(to_unit(mean, bounds) + scale * rng.standard_normal(), GRID * scale)
        return Reply(low + width * value, width * self._certificate(state["n"]), "holdout", dict(state))

    def _certificate(self, n):
        if self.bound == "rogers":
            scale = self._scale(n)
            return min(1.0, rogers_tolerance(n, self.n_queries, 1 - self.confidence_level, scale) + scale * GRID / 2)
        return _tolerance(self.n_queries, n, self._scale(n), 1 - self.confidence_level)

    def _scale(self, n):
        if self.scale is not None:
            return self.scale
        best = rogers_scale if self.bound == "rogers" else best_scale
        return best(n, self.n_queries, 1 - self.confidence_level)


@lru_cache(maxsize=4096)
def _tolerance(k, n, scale, alpha):
    noise = scale * (gaussian_cvar(k, alpha) + GRID / 2)
    return min(1.0, noise + gaussian_sensitivity(math.sqrt(k) / (n * scale) if n * scale > 0 else math.inf, alpha))


@lru_cache(maxsize=4096)
def best_scale(n, k, alpha):
    """Return the standard deviation of the noise that makes the tolerance least."""
    unit = gaussian_cvar(k, alpha)

    def tolerance(log_mu):
        mu = math.exp(log_mu)
        return math.sqrt(k) / (n * mu) * unit + gaussian_sensitivity(mu, alpha)

    best = minimize_scalar(tolerance, bounds=(-25.0, 3.0), method="bounded", options={"xatol": 1e-6})
    return math.sqrt(k) / (n * math.exp(float(best.x)))
