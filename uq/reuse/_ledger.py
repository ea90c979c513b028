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
from contextlib import closing, contextmanager
from pathlib import Path

from uq._base.exceptions import InputError, LedgerError

from ._records import compare_records, pack_state, read_json
from ._turn import Turn

__all__ = ["Ledger", "alone"]

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
_inside = threading.local()


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
