"""Reading the ledger: every event stands where it was written, and this is what was asked and answered."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.exceptions import LedgerError
from uq._base.record import Result, rows_figsize

from ._mechanism import references_of
from ._records import event_hash, read_json, text_hash

__all__ = ["HoldoutAudit", "check_chain", "lost_queries"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HoldoutAudit(Result):
    """What was asked of a holdout, and what it said: one row per answer and refusal, in order.

    Parameters
    ----------
    name : str
    method : str
        The mechanism that answered.
    event : ndarray of int, shape (n_events,)
        Number in the ledger, which all holdouts of the file share.
    moment, user, query_id, source : tuple of str
    guess, value, tolerance : ndarray of shape (n_events,)
        NaN where there is none: no guess, or a refusal.
    clipped : ndarray of int or None
        Rows whose value was missing or out of bounds, per answer. None as long as anything can still be asked: these
        counts come from the rows, and no guarantee pays for them.
    n_asked, n_lost : int
        Queries that were paid for, and how many of them were never answered (their process died).
    queries_left, failures_left : int or None
    head : str
        Hash of the last event. Written down elsewhere, it shows later whether events were cut off.

    Examples
    --------
    >>> from uq.reuse import GuessAndCheck, Holdout
    >>> holdout = Holdout([1, 0, 1, 1] * 2500, GuessAndCheck(n_queries=1000, tolerance=.1))
    >>> answer = holdout.mean(lambda correct: correct, guess=.76, query_id="model-1")
    >>> audit = holdout.audit()
    >>> audit.n_asked, audit.query_id, audit.source
    (1, ('model-1',), ('guess',))
    """

    name: str
    method: str
    event: Any
    moment: tuple[str, ...]
    user: tuple[str, ...]
    query_id: tuple[str, ...]
    source: tuple[str, ...]
    guess: Any
    value: Any
    tolerance: Any
    clipped: Any
    n_asked: int
    n_lost: int
    queries_left: int | None
    failures_left: int | None
    head: str

    @classmethod
    def _of(cls, name, events, state, mechanism, head):
        said = [row for row in events if row[1] == name and row[4] in ("answer", "refused")]
        details = [json.loads(row[6]) for row in said]
        queries, failures = mechanism.left(state)

        def numbers(key):
            return np.array([np.nan if d.get(key) is None else d[key] for d in details], dtype=float)

        return cls(
            name=name,
            method=type(mechanism).__name__,
            event=np.array([row[0] for row in said], dtype=int),
            moment=tuple(row[2] for row in said),
            user=tuple(row[3] for row in said),
            query_id=tuple(row[5] or "" for row in said),
            source=tuple(d["source"] for d in details),
            guess=numbers("guess"),
            value=numbers("value"),
            tolerance=numbers("tolerance"),
            clipped=np.array([d["clipped"] for d in details], dtype=int) if queries == 0 else None,
            n_asked=sum(json.loads(row[6])["queries"] for row in events if row[1] == name and row[4] == "spend"),
            n_lost=lost_queries([row for row in events if row[1] == name]),
            queries_left=queries,
            failures_left=failures,
            head=head,
        )

    @property
    def _references(self):
        return references_of(self.method)

    def _table(self):
        table = {
            "event": self.event, "moment": self.moment, "user": self.user, "query_id": self.query_id,
            "source": self.source, "guess": self.guess, "value": self.value, "tolerance": self.tolerance,
        }  # fmt: skip
        return table if self.clipped is None else {**table, "clipped": self.clipped}

    def _title(self):
        return f"holdout {self.name!r}: {self.n_asked} queries asked, {len(self.event)} answered or refused"

    def _caption(self):
        left = ((self.queries_left, "queries"), (self.failures_left, "failures"))
        words = ", ".join(f"{many} {what} left" for many, what in left if many is not None)
        return f"{words or 'no limit'}; {self.n_lost} lost; every hash fits, the last is {self.head[:12]}"

    def __repr__(self):
        return f"<{self._title()}, {self._caption()}>"

    def _figsize(self):
        return rows_figsize(int(np.isfinite(self.value).sum()))

    def _draw(self, ax):
        from uq._base import plot

        there = np.isfinite(self.value)
        names = [q or str(e) for q, e, t in zip(self.query_id, self.event, there, strict=True) if t]
        if not names:
            ax.set(title=self._title(), yticks=[])
            return ax
        value, tolerance = self.value[there], self.tolerance[there]
        return plot.intervals(ax, value, value - tolerance, value + tolerance, names=names, title=self._title())


def check_chain(events, holdouts, title):
    """Raise LedgerError unless all hashes fit; return the last one."""
    previous, states, opened, closed = "", {}, {}, set()
    for number, row in enumerate(events, start=1):
        if row[0] != number or row[8] != previous or event_hash(row[:9]) != row[9]:
            raise LedgerError(
                f"{title} has been tampered with: event {number} is not the one that was written, or is missing. No "
                "guarantee holds for its rows any more; take fresh ones."
            )
        name, kind = row[1], row[4]
        # a name or rows opened twice had their budget twice; only refusals follow a refusal
        twice = kind == "open" and name in opened
        if twice or (kind != "open" and name not in opened) or (name in closed and kind != "refused"):
            raise LedgerError(
                f"{title} has been tampered with: event {number} ({kind} of holdout {name!r}) cannot follow those "
                "before it. No guarantee holds for its rows any more; take fresh ones."
            )
        previous, states[name] = row[9], row[7]
        if kind == "refused":
            closed.add(name)
        elif kind == "open":
            opened[name] = read_json(row[6], title)
            if any(opened[name].get("data") == other.get("data") for key, other in opened.items() if key != name):
                raise LedgerError(
                    f"{title} has been tampered with: the rows of holdout {name!r} have a second budget under another "
                    "name. No guarantee holds for them any more; take fresh ones."
                )
    for name, data, n, mechanism, state in holdouts:
        as_opened = {"data": data, "n": n, "mechanism": mechanism}
        if states.pop(name, "") != text_hash(state) or opened.get(name) != as_opened:
            raise LedgerError(
                f"{title} has been tampered with: holdout {name!r} does not stand as its events left it. No guarantee "
                "holds for its rows any more; take fresh ones."
            )
    if states:
        raise LedgerError(f"{title} has been tampered with: holdout {next(iter(states))!r} is missing.")
    return previous


def lost_queries(events):
    """Return how many queries of one holdout were paid for by a process that died before it answered."""
    lost = waiting = 0
    for row in events:
        if row[4] == "spend":
            lost, waiting = lost + waiting, json.loads(row[6])["queries"]
        elif row[4] in ("answer", "refused"):
            waiting = 0
    return lost + waiting
