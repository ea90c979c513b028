"""Private multiplicative weights: the guesses come from a model of the population that learns from its failures."""

import base64
import hashlib
import math
import warnings
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from uq._base.citation import cites
from uq._base.containers import as_numeric, dimensions
from uq._base.exceptions import InputError
from uq._base.validation import check_bounds, check_count, check_option, check_vector

from ._counts import log_checked
from ._guess_and_check import METHODS
from ._intervals import chernoff_allows, hoeffding_width
from ._mechanism import Mechanism, Reply, to_unit

__all__ = ["PrivateMultiplicativeWeights"]

MOST_ATOMS = 20_000_000


class _Design(NamedTuple):
    gap: float  # a wrong guess is further than this from the mean over the rows
    width: float
    cells: int
    n_failures: int


@cites("hardt2010", "rogers2020")
@dataclass(frozen=True, slots=True, eq=False)
class PrivateMultiplicativeWeights(Mechanism):
    """Answer any number of questions about rows of few kinds: a model guesses, and each wrong guess improves it.

    Parameters
    ----------
    universe : int or array-like of shape (n_atoms,) or (n_atoms, n_columns)
        What a row can be: every kind once, or only how many kinds there are. With the kinds given, a query that is a
        function of rows needs no guess; else the guess of a query is its values on the kinds, one number for each.
    n_queries : int
        Most queries that will be asked.
    method : {"kl", "hoeffding"}, default "kl"
        How a guess is checked.
    confidence_level : float, default .95
        Probability that all answers are right at once.

    Raises
    ------
    InputError
        For fewer than 2 kinds or more than 2 * 10^7, and counts, levels and methods out of range.

    Notes
    -----
    The model is one weight per kind, equal at first. Its mean of the query is the guess, which is checked
    as in `GuessAndCheck`; a wrong one moves the weights against the query, and by Hoeffding's lemma every move brings
    the model closer to the rows by at least 2 g^2 nats for guesses that are off by g. So at most ln(n_atoms) / (2 g^2)
    guesses can be wrong, whoever asks, and no budget of failures runs out. The number of queries enters through its
    logarithm. An answer costs one pass over the weights. The holdout must consist of rows of these kinds, lest guesses
    fail more often than that and the holdout closes early.

    **Guarantee.** Finite-sample: with probability `confidence_level`, every answer lies within the tolerance of the
    expectation of its query (clipped to the bounds), however the analyst chose the queries, if the rows are
    independent. That the universe is right is not needed for this.

    References
    ----------
    Hardt and Rothblum (2010), doi:10.1109/FOCS.2010.85.
    Rogers, Roth, Smith, Srebro, Thakkar and Woodworth (2020), arXiv:1906.09231.

    Examples
    --------
    >>> from uq.reuse import PrivateMultiplicativeWeights
    >>> mechanism = PrivateMultiplicativeWeights(universe=1024, n_queries=1_000_000)
    >>> round(mechanism.certificate(100_000), 3)
    0.234
    """

    universe: Any
    n_queries: int
    _: KW_ONLY
    method: str = "kl"
    confidence_level: float = 0.95
    needs_guess: ClassVar[bool] = True

    def __post_init__(self):
        owner = "PrivateMultiplicativeWeights"
        check_option(self.method, METHODS, owner, "method")
        if isinstance(self.universe, (int, np.integer)) or dimensions(self.universe) == 0:
            object.__setattr__(self, "universe", check_count(self.universe, owner, "universe", low=2))
        else:
            atoms = as_numeric(self.universe, owner, "universe")
            if atoms.ndim not in (1, 2) or len(atoms) < 2 or np.isnan(atoms).any():
                raise InputError(
                    f"{owner}: universe must be the number of kinds of rows, or at least two of them without NaN, of "
                    f"shape (n_atoms,) or (n_atoms, n_columns); got shape {atoms.shape}."
                )
            object.__setattr__(self, "universe", atoms)
        if self.n_atoms > MOST_ATOMS:
            raise InputError(
                f"{owner}: universe must hold at most {MOST_ATOMS} kinds of rows, each of which every query visits; "
                f"got {self.n_atoms}. Coarsen the columns, or take GuessAndCheck with guesses of a model."
            )
        self._check_common()

    @property
    def n_atoms(self) -> int:
        """Number of kinds of rows."""
        return self.universe if isinstance(self.universe, int) else len(self.universe)

    def to_dict(self):
        """Return the name and the parameters; of kinds that were given only their number and a hash."""
        record = Mechanism.to_dict(self)
        if isinstance(self.universe, np.ndarray):
            record["universe"] = self.n_atoms
            record["atoms_sha256"] = hashlib.sha256(np.ascontiguousarray(self.universe).tobytes()).hexdigest()
        return record

    def start(self, n):
        """Return the state of a holdout that nobody has asked yet."""
        return {**Mechanism.start(self, n), "log_weights": None}

    def check(self, state, guess, bounds):
        """Raise InputError unless the guess is one value within bounds for each kind."""
        owner = "PrivateMultiplicativeWeights"
        low, high = check_bounds(bounds, owner)
        if guess is None:
            raise InputError(
                f"{owner}: guess must hold the values of the query on the {self.n_atoms} kinds of rows; got None. A "
                "query that is a function needs none if the universe was given as an array."
            )
        values = check_vector(guess, owner, "guess")
        if len(values) != self.n_atoms:
            raise InputError(f"{owner}: guess must hold a value per kind of row ({self.n_atoms}); got {len(values)}.")
        check_bounds((low, high), owner, values, "guess")

    def guess_for(self, function):
        """Return the values of a query on the kinds, where they are known."""
        if isinstance(self.universe, int):
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return function(self.universe)
        except Exception as error:
            raise InputError(
                "PrivateMultiplicativeWeights: query must be a function that works on the universe, an array of shape "
                f"{self.universe.shape}, as it does on rows, or come with a guess (its values on the kinds); it raised "
                f"{type(error).__name__}: {error!s:.200}. Nothing was spent."
            ) from error

    def spend(self, state):
        """Debit one query and one failure; `answer` gives the failure back if the guess is right."""
        state = Mechanism.spend(self, state)
        return {**state, "failures": state["failures"] + 1}

    def answer(self, state, guess, mean, bounds, rng=None):
        """Return the model's mean if it is close enough, else the cell of the mean, from which the model learns."""
        if state["closed"]:
            return self._refused(state)
        n, low, width = state["n"], bounds[0], bounds[1] - bounds[0]
        design = self._design(n)
        tolerance = min(1.0, design.width + design.gap)
        query = np.asarray(guess, dtype=np.float64).reshape(-1)
        told = query.mean() if state["log_weights"] is None else _probabilities(state["log_weights"]) @ query
        g, c = to_unit(told, bounds), to_unit(mean, bounds)
        if self._close(g, c, design, n):
            return Reply(low + width * g, width * tolerance, "guess", {**state, "failures": state["failures"] - 1})
        if state["failures"] > design.n_failures:
            return self._refused(state)
        cell = min(int(c * design.cells), design.cells - 1)
        a = (cell + 0.5) / design.cells
        # one step of 4 gaps away from where the model puts too much
        step = (-4 if g > a else 4) * design.gap / width
        log_weights = np.zeros(self.n_atoms) if state["log_weights"] is None else _decode(state["log_weights"]).copy()
        log_weights += step * query
        log_weights -= log_weights.max()
        state = {**state, "log_weights": base64.b64encode(log_weights.astype("<f8").tobytes()).decode("ascii")}
        return Reply(low + width * a, width * tolerance, "holdout", state)

    def _certificate(self, n):
        design = self._design(n)
        return min(1.0, design.width + design.gap)

    def left(self, state):
        """Return how many queries and wrong guesses are left."""
        if state["closed"]:
            return 0, 0
        return Mechanism.left(self, state)[0], max(0, self._design(state["n"]).n_failures - state["failures"])

    def shown(self, state):
        """Return the state without its weights, which are public but long."""
        return {key: value for key, value in state.items() if key != "log_weights"}

    def _close(self, g, c, design, n):
        if self.method == "hoeffding":
            return abs(g - c) <= design.gap
        return chernoff_allows(c, g, design.gap + design.width, 2 * design.width**2)

    def _design(self, n):
        return _best_design(self.n_atoms, self.n_queries, 1 - self.confidence_level, n)


@lru_cache(maxsize=1024)
def _best_design(n_atoms, n_queries, alpha, n):
    """Return the gap with the smallest tolerance, which decides how often the model can be wrong."""

    def design(gap):
        wrong = min(math.floor(math.log(n_atoms) / (2 * gap**2) * (1 + 1e-9)), n_queries)
        cells = math.ceil(1 / (2 * gap))
        return _Design(
            gap, hoeffding_width(n, float(log_checked(n_queries, wrong, math.log(cells))), alpha), cells, wrong
        )

    def best_of(gaps):
        found = design(gaps[0])
        for gap in gaps[1:]:
            new = design(gap)
            if new.width + new.gap < found.width + found.gap:
                found = new
            elif new.width > 1.2 * (found.width + found.gap):  # smaller gaps need more failures still
                break
        return found

    ratio = 2.0**0.25
    coarse = best_of([0.5 / ratio**i for i in range(60)])
    return best_of([coarse.gap * ratio ** (1 - i / 16) for i in range(33)])


@lru_cache(maxsize=2)
def _decode(text):
    """Return the logarithms of the weights, read-only."""
    return np.frombuffer(base64.b64decode(text), dtype="<f8")


@lru_cache(maxsize=2)
def _probabilities(text):
    """Return the weights, normalised; the last ones are kept, since most queries find them as they were."""
    weights = np.exp(_decode(text))
    weights /= weights.sum()
    weights.flags.writeable = False
    return weights
