"""One turn of a holdout: check, debit, look, write down, and only then tell."""

import getpass
import numbers
import os
import secrets
from typing import Any

import numpy as np

from uq._base.exceptions import BudgetExhaustedError, InputError, LedgerError
from uq._base.record import format_percent
from uq._base.validation import check_bounds

from ._answer import HoldoutAnswer
from ._ledger import Ledger, alone
from ._mechanism import Mechanism
from ._memory import MemoryLedger
from ._query import as_values, check_inside, clipped_mean, evaluate, rehearse
from ._question import check_batch, check_same_question, question_of
from ._rows import OWNER, divisible, stand_in

__all__ = ["Desk", "as_list", "check_text", "user_name"]

LONGEST_TEXT = 1000


class Desk:
    """What asks the ledger and the mechanism; a `Holdout` opens it."""

    _data: Any
    _rehearsal: Any
    _n: int
    _name: str
    _user: str
    _mechanism: Mechanism
    _ledger: Ledger | MemoryLedger
    _seeded: bool
    _rng: np.random.Generator | None
    _rng_pid: int | None

    def _ask_one(self, query, guess, bounds, query_id, name, rehearsed=False):
        answer = self._ask([query], [guess], bounds, [query_id], [name], rehearsed)[0]
        if answer.source == "refused":
            raise BudgetExhaustedError(self._refusal())
        return answer

    def _ask(self, queries, guesses, bounds, query_ids, names, rehearsed=False):
        bounds = check_bounds(bounds, OWNER)
        query_ids = [None if q is None else check_text(q, "query_id") for q in query_ids]
        known = {}
        if any(q is not None for q in query_ids):
            known = self._ledger.answered(self._name, query_ids)
        questions = list(zip(queries, guesses, strict=True))
        written = [question_of(*question) for question in questions]  # before a function changes what it captured
        queries, guesses = self._prepared(queries, guesses, query_ids, names, known, bounds, rehearsed)
        check_batch(query_ids, queries, [guess for _, guess in questions])
        problem = stop = None
        with self._ledger.turn(self._name, self._user) as turn:
            known = turn.answered(query_ids)
            for query_id, question in zip(query_ids, questions, strict=True):
                if query_id in known:
                    check_same_question(query_id, known[query_id], *question, bounds)
            asked = _first_of_each(query_ids, known)
            state = turn.state()
            if self._seeded:  # noise that can be subtracted spoils what others are told of these rows, too
                state = {**state, "seeded": True}
            said = {}
            if asked:
                for i in asked:
                    self._mechanism.check(state, guesses[i], bounds)
                worst = self._worst(state, len(asked))
                turn.spend(worst, query_ids[asked[0]] if len(asked) == 1 else None, {"queries": len(asked)})
                try:
                    said, state, problem = self._answers(state, asked, queries, guesses, bounds)
                    if problem is None:
                        problem = turn.reveal(state, _named(said, query_ids, written))
                except BaseException as error:
                    stop = _without_words(error)
                if problem or stop:
                    said = {}
                if stop:  # a new one: the frames of the old hold means
                    raise stop from None
        if problem:
            raise LedgerError(problem)
        return self._told(query_ids, known, said, state, bounds)

    def _prepared(self, queries, guesses, query_ids, names, known, bounds, rehearsed):
        """Check all queries that have no answer yet, and let the mechanism guess where it can; looks at no rows."""
        ready, given = [], []
        for query, guess, query_id, name in zip(queries, guesses, query_ids, names, strict=True):
            if query_id in known:
                query = None
            elif callable(query):
                if not rehearsed:
                    self._rehearse(query, name, bounds)
                if guess is None:
                    with alone(self._ledger.key, self._ledger.title):
                        guess = self._mechanism.guess_for(query)
            else:
                query = as_values(query, self._n, name)
            ready.append(query)
            given.append(guess)
        return ready, given

    def _rehearse(self, query, name, bounds, rows=None, most=0.0):
        """Try a function on rows that are no secret, and return its values; questions within it are refused.

        Up to `most` of the values of real rows may be out of bounds.
        """
        if not divisible(self._data):
            raise InputError(
                f"{OWNER}: {name} must be an array for rows of this kind ({type(self._data).__name__}), which cannot "
                "be handed to a function in parts: compute the values yourself."
            )
        rows = self._rehearsal if rows is None else rows
        real = rows is not None
        if not real:
            rows = stand_in(self._data)
        if rows is None:
            raise InputError(
                f"{OWNER}: rehearsal must be given for rows of this kind ({type(self._data).__name__}): some "
                "that are no secret, on which functions are tried first, so that a mistake costs nothing. Or "
                "compute the values yourself."
            )
        with alone(self._ledger.key, self._ledger.title):
            values = rehearse(query, rows, name, real, bounds[1] - bounds[0])
        if real:
            check_inside(values, bounds, name, most)
        return values

    def _worst(self, state, many):
        """Return the state after the worst that so many queries can cost."""
        left = self._mechanism.left(state)[0]
        if left is not None and 0 < left < many:
            raise BudgetExhaustedError(
                f"{OWNER}: {many} queries were asked at once, and {left} are left of {self._name!r}. Nothing was "
                "spent; ask fewer."
            )
        state = self._mechanism.spend(state)
        try:
            for _ in range(many - 1):
                state = self._mechanism.spend(state)
        except BudgetExhaustedError:  # if all of them fail, the last will not be asked
            pass
        return state

    def _answers(self, state, asked, queries, guesses, bounds):
        """Return a dict from query to what is said, the state after it, and a problem in words.

        The only place where rows are looked at. No name of a frame holds a mean, and no error leaves it.
        """
        said, rng, problem = {}, self._noise(), None
        try:
            for i in asked:
                try:
                    state = self._mechanism.spend(state)
                except BudgetExhaustedError:
                    said[i] = {**_REFUSED, "guess": _number(guesses[i])}
                    continue
                said[i], state = self._reply(state, queries[i], guesses[i], bounds, rng)
        except Exception as error:
            problem = (
                f"{type(error).__name__} within {type(self._mechanism).__name__}, whose words are withheld, because "
                "they could quote the rows; the question is spent and nothing was answered."
            )
        if problem:
            said.clear()
        return said, state, problem

    def _reply(self, state, query, guess, bounds, rng):
        values = evaluate(query, self._data, self._n) if callable(query) else query
        seen = clipped_mean(values[self._mechanism.rows(state)], bounds)
        try:
            reply = self._mechanism.answer(state, guess, seen[0], bounds, rng)
            detail = {"source": reply.source, "value": _number(reply.value), "tolerance": _number(reply.tolerance)}
            return {**detail, "bounds": bounds, "guess": _number(guess), "clipped": seen[1]}, reply.state
        finally:
            seen = values = None

    def _told(self, query_ids, known, said, state, bounds):
        """Return the answers in the order of the questions."""
        first = {query_ids[i]: i for i in said if query_ids[i] is not None}
        left, answers = self._mechanism.left(state), []
        for i, query_id in enumerate(query_ids):
            detail = known.get(query_id) or said.get(first.get(query_id, i))
            answers.append(
                HoldoutAnswer(
                    value=detail["value"],
                    tolerance=detail["tolerance"],
                    bounds=bounds,
                    confidence_level=self._mechanism.confidence_level,
                    guarantee=self._guarantee(state),
                    method=type(self._mechanism).__name__,
                    source=detail["source"],
                    queries_left=left[0],
                    failures_left=left[1],
                    n=self._n,
                    query_id=query_id,
                )
            )
        return answers

    def _guarantee(self, state):
        return "none" if self._seeded or state.get("seeded") else self._mechanism.guarantee

    def _noise(self):
        """Return the source of noise, from the system's entropy; a fork takes its own, lest it repeat the noise."""
        if not self._seeded and self._rng_pid != os.getpid():
            self._rng, self._rng_pid = np.random.Generator(np.random.PCG64DXSM(secrets.randbits(256))), os.getpid()
        return self._rng

    def _refusal(self):
        return (
            f"{OWNER}: {type(self._mechanism).__name__} refuses: its failures are used up, and holdout {self._name!r} "
            f"is closed. Earlier answers keep their level of {format_percent(self._mechanism.confidence_level)}. Take "
            "fresh rows, or plan for more failures from the start."
        )


_REFUSED = {"source": "refused", "value": None, "tolerance": None, "bounds": None, "clipped": 0}


def _without_words(error):
    """Return an error to raise in place of one that stopped an evaluation, whose words and frames could tell."""
    if isinstance(error, KeyboardInterrupt):
        return KeyboardInterrupt()
    if isinstance(error, SystemExit):
        return SystemExit(1)
    return LedgerError(
        "an error between the debit and the answer, whose words are withheld, because they could quote the rows; the "
        "question is spent and nothing was answered."
    )


def user_name():
    """Return who asks, as far as the system knows."""
    try:
        return getpass.getuser().encode("utf-8", "backslashreplace").decode()[:LONGEST_TEXT]
    except (OSError, KeyError, ImportError):
        return "unknown"


def check_text(value, what):
    """Return a text that a ledger can hold."""
    try:
        if isinstance(value, str) and 0 < len(value.encode()) <= LONGEST_TEXT:
            return str(value)
    except UnicodeEncodeError:  # half of a surrogate pair
        pass
    raise InputError(f"{OWNER}: {what} must be a text of 1 to {LONGEST_TEXT} bytes; got {value!r:.100}.")


def as_list(values, what):
    """Return a sequence of queries, guesses or names as a list."""
    if isinstance(values, (str, bytes, dict)) or callable(values):
        raise InputError(f"{OWNER}: {what} must be a sequence, one entry per query; got {type(values).__name__}.")
    try:
        found = list(values.tolist() if what != "queries" and hasattr(values, "tolist") else values)
    except TypeError:
        found = []
    if not found:
        raise InputError(f"{OWNER}: {what} must be a sequence with at least one entry; got {values!r:.100}.")
    return found


def _first_of_each(query_ids, known):
    """Return the positions of the questions that must be asked: no answer yet, and each name once."""
    seen, asked = set(known), []
    for i, query_id in enumerate(query_ids):
        if query_id is None or query_id not in seen:
            asked.append(i)
        if query_id is not None:
            seen.add(query_id)
    return asked


def _named(said, query_ids, written):
    """Return what is written down: each answer and, where it has a name, what was asked under it."""
    return [
        (query_ids[i], detail if query_ids[i] is None else {**detail, "question": written[i]})
        for i, detail in said.items()
    ]


def _number(value):
    return float(value) if isinstance(value, numbers.Real) else None
