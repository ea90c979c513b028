"""Thresholdout: training means as long as they agree with the holdout, noisy holdout means where they do not."""

import math
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from typing import ClassVar

from scipy.optimize import minimize_scalar

from uq._base.citation import cites
from uq._base.exceptions import BudgetExhaustedError, InputError
from uq._base.validation import check_count, check_number, check_option

from ._mechanism import GRID, LEAST, MOST, Mechanism, Reply, on_grid, to_unit
from ._noise import laplace_cvar, laplace_excess, laplace_quantile
from ._power import randomized_response_power
from ._transfer import posterior_sensitivity

__all__ = ["Thresholdout"]

PRESETS = ("science2015",)


@cites("dworkholdout2015", "dworkgeneralization2015")
@dataclass(frozen=True, slots=True, eq=False)
class Thresholdout(Mechanism):
    """Return a guess that agrees with the holdout up to a noisy threshold; else the noisy holdout mean.

    Parameters
    ----------
    n_queries : int
        Most queries that will be asked.
    n_failures : int
        Most guesses that may lie above the threshold.
    threshold : float
        Distance between guess and holdout that passes, as a part of the width of the bounds; at least 0.
    scale : float, optional
        Scale of the Laplace noise of an answer, as a part of the width; the threshold gets twice and each comparison
        four times as much. The best one for the number of rows where None.
    preset : {"science2015"}, optional
        The heuristic of the experiment in Science: threshold 4 / sqrt(n), Gaussian noise of 1 / sqrt(n), no budget of
        failures. Takes neither `n_failures` nor `threshold` nor `scale`, and promises nothing.
    confidence_level : float, default .95
        Probability that all answers are right at once.

    Raises
    ------
    InputError
        For a missing or surplus parameter, and numbers out of range.

    Notes
    -----
    The noise of the threshold stays until a guess fails (drawn anew for each query, it would void the proof
    of privacy) and is kept secret in the state. The interaction is no more informative than 2 B randomised responses
    for B failures; their exact composition goes into the transfer bound. The tolerance is threshold + noise +
    sensitivity, and `plan` shows that `GuessAndCheck` has a smaller one in every case of practical size. Answers are
    rounded to a grid of a millionth of the noise.

    **Guarantee.** Finite-sample: with probability `confidence_level`, every answer lies within the tolerance of the
    expectation of its query (clipped to the bounds), however the analyst chose the queries, if the rows are independent
    and guesses come from other data. It stands on this project's own theorem, see `transfer_bound`. With `preset`:
    none.

    References
    ----------
    Dwork, Feldman, Hardt, Pitassi, Reingold and Roth (2015), doi:10.1126/science.aaa9375.
    Dwork, Feldman, Hardt, Pitassi, Reingold and Roth (2015), arXiv:1506.02629.

    Examples
    --------
    >>> from uq.reuse import Thresholdout
    >>> round(Thresholdout(10_000, n_failures=10, threshold=0.).certificate(10_000), 3)
    0.275
    >>> Thresholdout(10_000, preset="science2015").guarantee
    'none'
    """

    n_queries: int
    n_failures: int | None = None
    threshold: float | None = None
    scale: float | None = None
    _: KW_ONLY
    preset: str | None = None
    confidence_level: float = 0.95
    needs_guess: ClassVar[bool] = True
    secret: ClassVar[tuple[str, ...]] = ("noisy_threshold",)

    def __post_init__(self):
        owner = "Thresholdout"
        if self.preset is not None:
            check_option(self.preset, PRESETS, owner, "preset")
            if not (self.n_failures is self.threshold is self.scale is None):
                raise InputError(
                    f"{owner}: preset={self.preset!r} fixes everything: leave n_failures, threshold and scale out."
                )
        else:
            if self.n_failures is None or self.threshold is None:
                raise InputError(
                    f"{owner}: n_failures and threshold must be given, or a preset; got {self.n_failures!r} and "
                    f"{self.threshold!r}."
                )
            object.__setattr__(self, "n_failures", check_count(self.n_failures, owner, "n_failures"))
            threshold = check_number(self.threshold, owner, "threshold", low=0, high=1, closed=True)
            object.__setattr__(self, "threshold", threshold)
            if self.scale is not None:
                scale = check_number(self.scale, owner, "scale", low=LEAST, high=MOST, closed=True)
                object.__setattr__(self, "scale", scale)
        self._check_common()

    @property
    def guarantee(self):
        """What is promised about the answers: "finite-sample", or "none" for a preset."""
        return "none" if self.preset else "finite-sample"

    def start(self, n):
        """Return the state of a holdout that nobody has asked yet."""
        return {**Mechanism.start(self, n), "noisy_threshold": None}

    def spend(self, state):
        """Debit one query and one failure; `answer` gives the failure back where the guess agrees."""
        state = Mechanism.spend(self, state)
        if self.n_failures is not None and state["failures"] >= self.n_failures:
            raise BudgetExhaustedError(
                f"Thresholdout: {self.n_failures} guesses have failed, and no more may. Take fresh rows."
            )
        return {**state, "failures": state["failures"] + 1}

    def answer(self, state, guess, mean, bounds, rng):
        """Return the guess where it agrees up to the noisy threshold, else the mean with noise."""
        if state["closed"]:
            return self._refused(state)
        n, low, width = state["n"], bounds[0], bounds[1] - bounds[0]
        g, c = to_unit(guess, bounds), to_unit(mean, bounds)
        tolerance = width * self._certificate(n)
        if self.preset:
            scale = 1 / math.sqrt(n)
            agrees = abs(c - g) <= 4 * scale + scale * rng.standard_normal()
            noise, fresh = scale * rng.standard_normal(), None
        else:
            scale = self._scale(n)
            at = state["noisy_threshold"]
            at = self.threshold + rng.laplace(0, 2 * scale) if at is None else at
            agrees = abs(c - g) <= at + rng.laplace(0, 4 * scale)
            # a threshold that has been crossed is spent
            noise, fresh = rng.laplace(0, scale), at if agrees else None
        state = {**state, "noisy_threshold": fresh}
        if agrees:
            return Reply(low + width * g, tolerance, "guess", {**state, "failures": state["failures"] - 1})
        return Reply(low + width * on_grid(c + noise, GRID * scale), tolerance, "holdout", state)

    def _certificate(self, n):
        if self.preset:
            return 1.0
        return _tolerance(self.n_queries, self.n_failures, self.threshold, self._scale(n), 1 - self.confidence_level, n)

    def left(self, state):
        """Return how many queries and failures are left."""
        queries = Mechanism.left(self, state)[0]
        if self.n_failures is None:
            return queries, None
        failures = 0 if state["closed"] else max(0, self.n_failures - state["failures"])
        return (queries if failures else 0), failures

    def _scale(self, n):
        if self.scale is not None:
            return self.scale
        return _best_scale(self.n_queries, self.n_failures, self.threshold, 1 - self.confidence_level, n)


@lru_cache(maxsize=4096)
def _tolerance(m, b, threshold, scale, alpha, n):
    """Return threshold + noise + sensitivity.

    An agreeing guess is off by at most threshold + the largest of b threshold noises + the largest of m comparison
    noises; a noisy mean by the largest of b answer noises. The excess of the latter over the former's quantiles is paid
    on top, so that the bound holds for any threshold.
    """
    far = threshold + scale * (
        2 * laplace_quantile(b, alpha, signed=True) + 4 * laplace_quantile(m, alpha, signed=True)
    )
    noise = threshold + scale * (2 * laplace_cvar(b, alpha, signed=True) + 4 * laplace_cvar(m, alpha, signed=True))
    noise += scale * (laplace_excess(b, far / scale, signed=False) / alpha + GRID / 2)
    if noise >= 1 or not n * scale > 0:
        return 1.0
    one = 1 / (n * scale)  # each failure costs two of these: threshold with comparison, and answer
    worst = math.tanh(b * one / 2)
    return min(1.0, noise + min(worst, posterior_sensitivity(*randomized_response_power(one, 2 * b), alpha)))


@lru_cache(maxsize=4096)
def _best_scale(m, b, threshold, alpha, n):
    """Return the scale that makes the tolerance least; 1 / sqrt(n) where none says anything."""

    def tolerance(log_scale):
        return _tolerance(m, b, threshold, math.exp(log_scale), alpha, n)

    # below 1 / n the privacy is gone; a scale of 1 drowns everything
    grid = [-math.log(n) * i / 24 for i in range(25)]
    values = [tolerance(each) for each in grid]
    least = min(values)
    if least >= 1:
        return 1 / math.sqrt(n)
    at = values.index(least)
    ends = grid[min(at + 1, 24)], grid[max(at - 1, 0)]
    return math.exp(float(minimize_scalar(tolerance, bounds=ends, method="bounded").x)) if ends[0] < ends[1] else 1.0
