"""The ledger of one process, for trials and simulations: the same turns as those of a file, without the file."""

import json
import os
import threading
import time
from contextlib import contextmanager

from uq._base.exceptions import LedgerError

from ._ledger import alone
from ._records import event_hash, text_hash

__all__ = ["MemoryLedger"]


class MemoryLedger:
    """State and events of one holdout in this memory; no process that is forked from this one may ask."""

    title = "the ledger in memory"

    def __init__(self, wait=60.0):
        self.wait = wait
        self._lock, self._pid = threading.Lock(), os.getpid()

    @property
    def key(self):
        """What `alone` knows the ledger by."""
        return id(self)

    def open(self, name, data, n, mechanism, start, user):
        """Write the holdout down."""
        self._holdout = (name, data, n, json.dumps(mechanism, sort_keys=True))
        self._state, self._events, self._answers = start, [], {}
        detail = {"data": data, "n": n, "mechanism": self._holdout[3]}
        self._add(user, [("open", None, detail)], start)

    def _add(self, user, events, state):
        self._state = state
        self._events.append((time.time(), user, events, {k: v for k, v in state.items() if not isinstance(v, str)}))

    @contextmanager
    def turn(self, name, user):
        """Yield the turn of one question; no other thread has one until it ends."""
        with alone(self.key, self.title):
            if os.getpid() != self._pid:
                raise LedgerError(
                    "the ledger in memory belongs to the process that made it: a copy would give the budget twice; "
                    "nothing was answered. Several processes need a file: ledger='team.sqlite'."
                )
            if not self._lock.acquire(timeout=self.wait):
                raise LedgerError(f"{self.title} is busy: another thread asks; nothing was answered. Try again.")
            try:
                yield _Turn(self, user)
            finally:
                self._lock.release()

    def answered(self, name, query_ids):
        """Return the answers that there are."""
        return {q: self._answers[q] for q in query_ids if q in self._answers}

    def state(self, name):
        """Return the state as it is now."""
        return self._state

    def read(self, name):
        """Return the state, the chain of events and the holdout, as the ledger of a file does."""
        rows: list[tuple] = []
        previous = text = ""
        for moment, user, events, state in list(self._events):
            text = json.dumps(state, sort_keys=True)
            digest = text_hash(text)
            when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
            for kind, query_id, detail in events:
                row = (len(rows) + 1, name, when, user, kind, query_id, json.dumps(detail), digest, previous)
                previous = event_hash(row)
                rows.append((*row, previous))
        return self._state, rows, [(*self._holdout, text)]


class _Turn:
    """One question or batch: `state`, `answered`, `spend`, and `reveal`, in this order."""

    def __init__(self, ledger, user):
        self._ledger, self._user = ledger, user

    def state(self):
        return self._ledger._state

    def answered(self, query_ids):
        return self._ledger.answered(None, query_ids)

    def spend(self, state, query_id, detail):
        self._ledger._add(self._user, [("spend", query_id, detail)], state)

    def reveal(self, state, answers):
        said = [("refused" if d["source"] == "refused" else "answer", query_id, d) for query_id, d in answers]
        self._ledger._add(self._user, said, state)
        self._ledger._answers.update((q, d) for kind, q, d in said if kind == "answer" and q is not None)
