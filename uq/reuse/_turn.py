"""One turn at a ledger: a debit, the answers, and the chain of events that both are written into."""

import json
import sqlite3
import time

from uq._base.exceptions import LedgerError

from ._records import event_hash, pack_state, read_json, text_hash

__all__ = ["Turn"]

_EVENT = ("id", "holdout", "moment", "user", "kind", "query_id", "detail", "state", "previous", "hash")
_INSERT = f"INSERT INTO events VALUES ({', '.join('?' * len(_EVENT))})"


class Turn:
    """One question or batch: `state`, `answered`, `spend`, and `reveal`, in this order."""

    def __init__(self, ledger, connection, name, user):
        self._ledger, self._connection, self._name, self._user = ledger, connection, name, user

    def state(self):
        """Return the state; raise LedgerError where it is not the one that the last event left."""
        found = self._connection.execute("SELECT state FROM holdouts WHERE name = ?", (self._name,)).fetchone()
        if found is None:
            raise LedgerError(f"holdout {self._name!r} is gone from {self._ledger.title}; nothing was answered.")
        last = self._connection.execute(
            "SELECT * FROM events WHERE holdout = ? ORDER BY id DESC LIMIT 1", (self._name,)
        ).fetchone()
        if last is None or text_hash(found[0]) != last[7] or event_hash(last[:9]) != last[9]:
            raise LedgerError(
                f"{self._ledger.title} has been tampered with: the state of holdout {self._name!r} is not the one that "
                "its last event left. Nothing was answered; no guarantee holds for these rows any more."
            )
        state = read_json(found[0], self._ledger.title)
        return {
            key: self._part(value.get("part")) if isinstance(value, dict) else value for key, value in state.items()
        }

    def _part(self, digest):
        known = self._ledger._parts
        if digest not in known:
            found = self._connection.execute(
                "SELECT text FROM parts WHERE holdout = ? AND digest = ?", (self._name, digest)
            ).fetchone()
            if found is None or text_hash(found[0]) != digest:
                raise LedgerError(f"{self._ledger.title} has been tampered with: a part of the state is missing.")
            known.clear()
            known[digest] = found[0]
        return known[digest]

    def answered(self, query_ids):
        """Return a dict from query id to the detail of its answer, for those that have one."""
        found = {}
        for query_id in {q for q in query_ids if q is not None}:
            row = self._connection.execute(
                "SELECT * FROM events WHERE holdout = ? AND query_id = ? AND kind = 'answer'", (self._name, query_id)
            ).fetchone()
            if row is None:
                continue
            if event_hash(row[:9]) != row[9]:
                raise LedgerError(
                    f"{self._ledger.title} has been tampered with: the answer to {query_id!r} is not the one that was "
                    "given. Nothing was answered; no guarantee holds for these rows any more."
                )
            found[query_id] = read_json(row[6], self._ledger.title)
        return found

    def spend(self, state, query_id, detail):
        """Commit the worst that can come; the lock stays with us."""
        self.append([("spend", query_id, json.dumps(detail))], *pack_state(state))
        # set only once we have the turn: whoever waits for it in this mode would block the one who has it. In this mode
        # the end of the journal is synced, too, so that no power cut takes a debit back.
        self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._connection.execute("COMMIT")
        self._connection.execute("BEGIN IMMEDIATE")

    def reveal(self, state, answers):
        """Commit the answers, (query id, detail) each; return None, or in words why they must not be shown.

        An error is returned and not raised, lest its traceback hold the answers.
        """
        events = [
            ("refused" if detail["source"] == "refused" else "answer", query_id, json.dumps(detail))
            for query_id, detail in answers
        ]
        try:
            self.append(events, *pack_state(state))
            self._connection.execute("PRAGMA locking_mode=NORMAL")
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            problem = self._ledger._words(error, "the question is spent and nothing was answered")
        else:
            return None
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        return problem

    def append(self, events, state, parts):
        """Add events, (kind, query id, detail) each, to the chain, and store the state that they leave."""
        last = self._connection.execute("SELECT id, hash FROM events ORDER BY id DESC LIMIT 1").fetchone()
        number, previous = last or (0, "")
        if not isinstance(previous, str):
            raise LedgerError(f"{self._ledger.title} has been tampered with: the last event has no hash.")
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        digest = text_hash(state)
        rows = []
        for number, (kind, query_id, detail) in enumerate(events, start=number + 1):  # noqa: B020
            row = (number, self._name, moment, self._user, kind, query_id, detail, digest, previous)
            previous = event_hash(row)
            rows.append((*row, previous))
        self._connection.executemany(_INSERT, rows)
        self._store(state, parts)

    def _store(self, state, parts):
        known = self._ledger._parts
        if parts.keys() - known.keys():
            self._connection.execute("DELETE FROM parts WHERE holdout = ?", (self._name,))
            self._connection.executemany(
                "INSERT INTO parts VALUES (?, ?, ?)", [(self._name, *p) for p in parts.items()]
            )
            known.clear()
            known.update(parts)
        self._connection.execute("UPDATE holdouts SET state = ? WHERE name = ?", (state, self._name))
