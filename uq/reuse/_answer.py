"""What a holdout says to one question."""

from dataclasses import dataclass

from uq._base.record import Result, format_number, format_percent, rows_figsize
from uq._base.results import Interval

from ._mechanism import references_of

__all__ = ["HoldoutAnswer"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HoldoutAnswer(Result):
    """The answer to one query of a `Holdout`, with what is left afterwards.

    Parameters
    ----------
    value : float or None
        In the units of the query; None for a refusal.
    tolerance : float or None
        Half-width that holds for all answers at once, in the same units.
    bounds : tuple of float
        Least and greatest value that the query can have.
    confidence_level : float
        Probability that all answers of the holdout are right at once.
    guarantee : {"finite-sample", "none"}
        "none" for mechanisms without one, and once anyone has asked about these rows with an ``insecure_seed``.
    method : str
        The mechanism that answered.
    source : {"guess", "holdout", "best", "refused"}
        "guess": the guess was good enough and is the answer; "holdout": from the rows; "best": of a `Ladder`, which has
        seen nothing better; "refused": the budget is gone, and the holdout is closed.
    queries_left, failures_left : int or None
        None where there is no such limit.
    n : int
        Rows of the holdout.
    query_id : str or None

    Examples
    --------
    >>> from uq.reuse import GuessAndCheck, Holdout
    >>> holdout = Holdout([1, 0, 1, 1] * 2500, GuessAndCheck(n_queries=1000, tolerance=.1))
    >>> holdout.mean(lambda correct: correct, guess=.76)
    0.76 +- 0.1 (95 %, source: guess, guarantee: finite-sample, left: 999 queries, 10 failures)
    >>> holdout.mean(lambda correct: correct, guess=.3).interval
    [0.6813, 0.8812] (95 % interval, method: GuessAndCheck, guarantee: finite-sample)
    """

    value: float | None
    tolerance: float | None
    bounds: tuple[float, float]
    confidence_level: float
    guarantee: str
    method: str
    source: str
    queries_left: int | None
    failures_left: int | None
    n: int
    query_id: str | None = None

    @property
    def _references(self):
        return references_of(self.method)

    @property
    def interval(self) -> Interval:
        """The interval of the answer, cut at the bounds; the bounds themselves for a refusal."""
        low, high = self.bounds
        if self.value is not None and self.tolerance is not None:
            # rounding must not push an end beyond the value
            low = min(max(low, self.value - self.tolerance), self.value)
            high = max(min(high, self.value + self.tolerance), self.value)
        return Interval(
            lower=low,
            upper=high,
            confidence_level=self.confidence_level,
            guarantee=self.guarantee,
            method=self.method,
        )

    def _left(self):
        left = ((self.queries_left, "queries"), (self.failures_left, "failures"))
        return ", ".join(f"{many} {what}" for many, what in left if many is not None) or "no limit"

    def _table(self):
        interval = self.interval
        columns = {"value": self.value, "lower": interval.lower, "upper": interval.upper, "source": self.source}
        left = {"queries_left": self.queries_left, "failures_left": self.failures_left}
        return {key: ["" if value is None else value] for key, value in {**columns, **left}.items()}

    def _title(self):
        return f"{format_percent(self.confidence_level)} answer of a holdout of {self.n} rows"

    def __repr__(self):
        words = f"{format_percent(self.confidence_level)}, source: {self.source}, guarantee: {self.guarantee}"
        value = "refused" if self.value is None else f"{format_number(self.value)} +- {format_number(self.tolerance)}"
        return f"{value} ({words}, left: {self._left()})"

    def _figsize(self):
        return rows_figsize(1)

    def _draw(self, ax):
        from uq._base import plot

        low, high = self.interval
        names = None if self.query_id is None else [self.query_id]
        value = None if self.value is None else [self.value]
        return plot.intervals(ax, value, [low], [high], names=names, title=self._title())
