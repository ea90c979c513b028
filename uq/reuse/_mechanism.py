"""What a mechanism is: a frozen record of parameters, and pure functions of a state that fits into JSON.

The keeper of the data (`Holdout`) goes through one query like this::

    state = mechanism.start(n)                     # once per holdout; n is the number of rows
    mechanism.check(state, guess, bounds)          # bad arguments raise here, before anything is spent
    state = mechanism.spend(state)                 # the worst case is debited; commit it BEFORE the data are touched
    rows = mechanism.rows(state)                   # the slice of rows that this query may average
    reply = mechanism.answer(state, guess, mean, bounds, rng)   # on the newest state; commit, and only then show

`spend` raises `BudgetExhaustedError` where nothing is left. `answer` may find out that nothing can be said any more:
then its source is "refused", value and tolerance are None, and the state that comes with it is closed for good. Debits
of several processes may lie in one state: `answer` undoes no more than the one debit that belongs to it.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar, NamedTuple

from uq._base.exceptions import BudgetExhaustedError, InputError
from uq._base.frozen import Frozen
from uq._base.validation import check_bounds, check_count, check_level, check_number

__all__ = [
    "GRID",
    "LEAST",
    "MECHANISMS",
    "MOST",
    "Mechanism",
    "Reply",
    "on_grid",
    "references_of",
    "to_unit",
]

MECHANISMS: "dict[str, type[Mechanism]]" = {}
LEAST, MOST = 1e-300, 1e300  # of a scale or a step; beyond, floats would overflow
GRID = 2.0**-20  # of the scale of the noise: answers are rounded to it
_HAIR = 1e-9  # a guess this far outside of its bounds is rounding


class Reply(NamedTuple):
    """What a mechanism says: value and tolerance in the units of the query, where it comes from, the new state.

    `source` is "guess" (it was good enough), "holdout" (from the rows), "best" (`Ladder`: nothing better) or "refused".
    """

    value: float | None
    tolerance: float | None
    source: str
    state: dict[str, Any]


class Mechanism(Frozen):
    """Base of the mechanisms. A subclass is ``@dataclass(frozen=True, slots=True, eq=False)`` and checks its fields."""

    __slots__ = ()
    needs_guess: ClassVar[bool] = False
    endless: ClassVar[bool] = False  # whether n_queries may be None
    secret: ClassVar[tuple[str, ...]] = ()  # keys of the state that nobody may see
    n_queries: Any
    confidence_level: Any

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        MECHANISMS[cls.__name__] = cls

    def _check_common(self):
        owner = type(self).__name__
        if not (self.n_queries is None and self.endless):
            object.__setattr__(self, "n_queries", check_count(self.n_queries, owner, "n_queries"))
        object.__setattr__(self, "confidence_level", check_level(self.confidence_level, owner))
        Frozen.__post_init__(self)

    @property
    def guarantee(self) -> str:
        """What is promised about the answers: "finite-sample" or "none"."""
        return "finite-sample"

    # ---- the record

    def to_dict(self) -> dict[str, Any]:
        """Return the name and the parameters, as JSON can hold them."""
        return {"mechanism": type(self).__name__, **{f.name: getattr(self, f.name) for f in fields(self)}}

    @staticmethod
    def from_dict(record: Mapping[str, Any]) -> "Mechanism":
        """Return the mechanism that `to_dict` wrote down."""
        values = dict(record)
        name = values.pop("mechanism", None)
        if name not in MECHANISMS:
            raise InputError(f"Mechanism: mechanism must be one of {', '.join(sorted(MECHANISMS))}; got {name!r:.100}.")
        return MECHANISMS[name](**values)

    # ---- the protocol

    def start(self, n: int) -> dict[str, Any]:
        """Return the state of a holdout of `n` rows that nobody has asked yet."""
        n = check_count(n, type(self).__name__, "n")
        return {"n": n, "asked": 0, "failures": 0, "closed": False}

    def check(self, state, guess, bounds) -> None:
        """Raise InputError for a guess or bounds that this mechanism cannot work with; looks at no data."""
        bounds = check_bounds(bounds, type(self).__name__)
        if guess is None:
            if self.needs_guess:
                raise InputError(
                    f"{type(self).__name__}: guess must be a number within bounds {bounds}: what you expect without "
                    "these rows, such as the mean over the training data; got None."
                )
            return
        low, high = bounds
        hair = _HAIR * (high - low)
        guess = check_number(guess, type(self).__name__, "guess")
        if not low - hair <= guess <= high + hair:
            raise InputError(f"{type(self).__name__}: guess must lie within bounds {bounds}; got {guess}.")

    def guess_for(self, function) -> Any:
        """Return a guess for a query that is given as a function of rows, or None where this mechanism has none."""
        return None

    def spend(self, state) -> dict[str, Any]:
        """Return the state after the worst that the next query can cost; raise BudgetExhaustedError for want of it.

        To be stored before the rows are looked at: whoever is killed in between has paid.
        """
        if state["closed"]:
            raise BudgetExhaustedError(
                f"{type(self).__name__}: this holdout is closed: a query has been refused, and answers after a refusal "
                "would break the guarantee of all earlier ones. Take fresh rows."
            )
        if self.n_queries is not None and state["asked"] >= self.n_queries:
            raise BudgetExhaustedError(
                f"{type(self).__name__}: all {self.n_queries} queries have been asked. Take fresh rows, or plan for "
                "more queries from the start."
            )
        return {**state, "asked": state["asked"] + 1}

    def rows(self, state) -> slice:
        """Return the rows that the query just debited may average: mostly all."""
        return slice(0, state["n"])

    def answer(self, state, guess, mean, bounds, rng) -> Reply:
        """Return what is said. `mean` is that of the clipped values of the `rows`; `state` the newest one."""
        raise NotImplementedError

    def certificate(self, n: int) -> float:
        """Return the tolerance of every answer from `n` rows, as a part of the width of the bounds; 1 says nothing."""
        return self._certificate(check_count(n, type(self).__name__, "n"))

    def _certificate(self, n):
        raise NotImplementedError

    def left(self, state) -> tuple[int | None, int | None]:
        """Return how many queries and failures are left; None where there is no such budget."""
        if state["closed"]:
            return 0, None
        return None if self.n_queries is None else max(0, self.n_queries - state["asked"]), None

    def shown(self, state) -> dict[str, Any]:
        """Return the state without its secrets."""
        return {key: value for key, value in state.items() if key not in self.secret}

    def _refused(self, state) -> Reply:
        return Reply(None, None, "refused", {**state, "closed": True})


def references_of(*names):
    """Return the keys of the references of mechanisms, by their names."""
    found = (key for name in names for key in getattr(MECHANISMS.get(name), "_references", ()))
    return tuple(dict.fromkeys(found))


def on_grid(value, step):
    """Return the multiple of `step` next to a noisy value, within [0, 1].

    The last digits of a float that noise was added to tell much of what it was added to.
    """
    return min(1.0, max(0.0, round(min(2.0, max(-1.0, value)) / step) * step))


def to_unit(value, bounds):
    """Return a value within bounds as one in [0, 1]."""
    low, high = bounds
    return min(1.0, max(0.0, (float(value) - low) / (high - low)))
