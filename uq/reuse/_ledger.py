"""The ledger: what was asked of which holdout, in a SQLite file that several processes share.

One turn is one question or one batch: the worst case is debited and committed to the disk, then the rows are looked
at, then the answer is committed, and only then does anyone see it. The file is locked from the debit to the answer, so
that turns never overlap; whoever is killed in between loses the lock with its process, and its debit stays. Every turn
opens the file anew: no connection is ever shared by threads or inherited by a fork.
"""

import json
import os
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from uq._base.exceptions import InputError, LedgerError

__all__ = ["EVENT", "Ledger", "Turn", "alone", "compare_records", "event_hash", "pack_state", "read_json", "text_hash"]

APPLICATION = 0x65726273  # so that a file of some other program is never taken for a ledger
FORMAT = 1
SCHEMA = """
CREATE TABLE holdouts (name TEXT PRIMARY KEY, data TEXT, n INTEGER, mechanism TEXT, state TEXT);
CREATE TABLE events (id INTEGER PRIMARY KEY, holdout TEXT, moment TEXT, user TEXT, kind TEXT, query_id TEXT,
                     detail TEXT, state TEXT, previous TEXT, hash TEXT);
CREATE TABLE parts (holdout TEXT, digest TEXT, text TEXT, PRIMARY KEY (holdout, digest));
CREATE INDEX by_holdout ON events (holdout, id);
CREATE UNIQUE INDEX answered ON events (holdout, query_id) WHERE kind = 'answer' AND query_id IS NOT NULL;
"""
EVENT = ("id", "holdout", "moment", "user", "kind", "query_id", "detail", "state", "previous", "hash")
_INSERT = f"INSERT INTO events VALUES ({', '.join('?' * len(EVENT))})"
_LONG = 4096  # longer texts of a state are stored once, under their hash
_inside = threading.local()


def event_hash(row):
    """Return the hash of an event (its columns without the hash), which names the hash of the one before it."""
    try:
        return sha256(json.dumps(row).encode()).hexdigest()
    except TypeError:  # a blob, which no event holds
        return ""


def text_hash(text):
    """Return the hash of a text, or None for what is none."""
    return sha256(text.encode()).hexdigest() if isinstance(text, str) else None


def read_json(text, title):
    """Return the dict that a text of the ledger stands for; raise LedgerError where it is damaged."""
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return found
    raise LedgerError(
        f"{title} is damaged or has been tampered with: {text!r:.60} stands where a record should. Nothing was "
        "answered; restore the file from a copy, or take fresh rows."
    )


def pack_state(state):
    """Return a state as JSON, and the long texts in it by their hashes."""
    parts, short = {}, dict(state)
    for key, value in state.items():
        if isinstance(value, str) and len(value) > _LONG:
            digest = _digest(value)
            parts[digest] = value
            short[key] = {"part": digest}
    return json.dumps(short, sort_keys=True), parts


@lru_cache(maxsize=4)
def _digest(text):
    return sha256(text.encode()).hexdigest()


@contextmanager
def alone(key, title):
    """Refuse a question that is asked while this thread evaluates another of the same ledger: it would wait forever."""
    keys: frozenset[object] = getattr(_inside, "keys", frozenset())
    if key in keys:
        raise InputError(
            f"Holdout: a query must not ask a holdout of the same ledger ({title}) while it is evaluated; ask one "
            "after the other."
        )
    _inside.keys = keys | {key}
    try:
        yield
    finally:
        _inside.keys = keys


def compare_records(title, name, known, now):
    """Raise LedgerError unless a holdout, (data, n, mechanism), is the one that stands in the ledger."""
    if known[:2] != now[:2]:
        raise LedgerError(
            f"holdout {name!r} of {title} was opened with other data ({known[1]} rows, now {now[1]}): its budget was "
            "counted for those. Give the same rows in the same order, or choose another name."
        )
    before, after = read_json(known[2], title), json.loads(now[2])
    if before != after:
        keys = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
        changes = ", ".join(f"{k}={before.get(k)!r:.60} (now {after.get(k)!r:.60})" for k in keys)
        raise LedgerError(
            f"holdout {name!r} of {title} was opened with another mechanism: {changes}. A budget cannot be changed "
            "once it is in use; give the same parameters, or take fresh rows."
        )


class Ledger:
    """A file and its turns.

    Parameters
    ----------
    path : str or os.PathLike
    wait : float
        Seconds to wait for the turn of another process.
    """

    def __init__(self, path, wait=60.0):
        if "\0" in os.fspath(path):
            raise InputError(f"Holdout: ledger must be the path of a file; got {path!r:.100}, with a NUL in it.")
        self.path = os.path.realpath(os.fspath(path))
        self.wait = wait
        self._parts: dict[str, str] = {}

    @property
    def key(self):
        """What `alone` knows the ledger by."""
        return self.path

    @property
    def title(self):
        """What the ledger is called in messages."""
        return f"ledger {self.path!r}"

    # ---- connections

    @contextmanager
    def connected(self, consequence="nothing was spent and nothing answered", mode="rw"):
        """Yield a connection; SQLite's errors become LedgerErrors that say what follows from them."""
        problem, uri = None, f"{Path(self.path).as_uri()}?mode={mode}"
        with alone(self.key, self.title):
            try:
                with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=self.wait)) as connection:
                    connection.execute("PRAGMA synchronous=FULL")
                    connection.execute("PRAGMA journal_mode=DELETE")
                    yield connection
            except sqlite3.Error as error:
                problem = self._words(error, consequence)
        if problem:  # outside of the handler: frames of the failed call could hold what nobody may see
            raise LedgerError(problem)

    def _words(self, error, consequence):
        text = str(error)
        remedy = "Look at the file and its disk."
        if "locked" in text or "busy" in text:
            remedy = f"Another process has had its turn for {self.wait:g} s; try again."
        elif "full" in text or "disk I/O" in text:
            remedy = "Make room on the disk."
        elif "readonly" in text or "unable to open" in text:
            remedy = "Make the file and its folder writable, or choose another place."
        elif "not a database" in text or "malformed" in text:
            remedy = "It is not a ledger, or damaged: choose another file, or restore this one from a copy."
        return f"{self.title} cannot be used ({text}); {consequence}. {remedy}"

    # ---- holdouts

    def open(self, name, data, n, mechanism, start, user):
        """Write a new holdout down, or see that it is the one that stands there.

        `mechanism` is the dict of its parameters, `start` its first state.
        """
        with self.connected(mode="rwc") as connection:
            connection.execute("BEGIN IMMEDIATE")
            self._make_tables(connection)
            known = connection.execute("SELECT data, n, mechanism FROM holdouts WHERE name = ?", (name,)).fetchone()
            if known is None:
                self._refuse_second_budget(connection, name, data)
                text, parts = pack_state(start)
                record = json.dumps(mechanism, sort_keys=True)
                connection.execute("INSERT INTO holdouts VALUES (?, ?, ?, ?, ?)", (name, data, n, record, text))
                detail = json.dumps({"data": data, "n": n, "mechanism": record})
                turn = Turn(self, connection, name, user)
                turn.append([("open", None, detail)], text, parts)
            else:
                compare_records(self.title, name, known, (data, n, json.dumps(mechanism)))
            connection.execute("COMMIT")

    def _refuse_second_budget(self, connection, name, data):
        """Raise LedgerError for a name or rows that the events know, also where the table of holdouts does not."""
        if connection.execute("SELECT 1 FROM events WHERE holdout = ?", (name,)).fetchone():
            raise LedgerError(
                f"{self.title} has been tampered with: holdout {name!r} has events, but its record is missing. No "
                "guarantee holds for its rows any more; restore the file from a copy, or take fresh rows."
            )
        twins = connection.execute("SELECT name, data FROM holdouts").fetchall()
        for twin, detail in connection.execute("SELECT holdout, detail FROM events WHERE kind = 'open'"):
            twins.append((twin, read_json(detail, self.title).get("data")))
        for twin, known in twins:
            if known == data:
                raise LedgerError(
                    f"{self.title} knows these very rows under the name {twin!r}: a second budget for them would break "
                    "the guarantee of the first. Open them under that name, or take other rows."
                )

    def _make_tables(self, connection):
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if application == APPLICATION:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version != FORMAT:
                raise LedgerError(f"{self.title} has format {version}, this version reads {FORMAT}; update errorbars.")
            return
        if application or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise LedgerError(f"{self.title} is a SQLite file of something else; choose another file.")
        for statement in SCHEMA.split(";")[:-1]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION}")
        connection.execute(f"PRAGMA user_version={FORMAT}")

    @contextmanager
    def turn(self, name, user):
        """Yield the turn of one question; nobody else has one on this file until it ends."""
        with self.connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield Turn(self, connection, name, user)
            if connection.in_transaction:
                connection.execute("COMMIT")

    def read(self, name):
        """Return the state of a holdout (long texts as their hashes), all events of the file, and all holdouts."""
        with self.connected("nothing was read") as connection:
            connection.execute("BEGIN")  # one moment for all that is read
            events = connection.execute("SELECT * FROM events ORDER BY id").fetchall()
            holdouts = connection.execute("SELECT name, data, n, mechanism, state FROM holdouts").fetchall()
            connection.execute("ROLLBACK")
        states = {row[0]: row[4] for row in holdouts}
        if name not in states:
            raise LedgerError(f"holdout {name!r} is gone from {self.title}.")
        return read_json(states[name], self.title), events, holdouts

    def answered(self, name, query_ids):
        """Return the answers that there are, as a turn does."""
        with self.connected("nothing was read") as connection:
            return Turn(self, connection, name, "").answered(query_ids)

    def state(self, name):
        """Return the state of a holdout as it is now."""
        with self.connected("nothing was read") as connection:
            return Turn(self, connection, name, "").state()


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
