"""The records of a ledger: texts, their hashes, and what makes one the successor of another."""

import json
from functools import lru_cache
from hashlib import sha256

from uq._base.exceptions import LedgerError

__all__ = ["compare_records", "event_hash", "pack_state", "read_json", "text_hash"]

_LONG = 4096  # longer texts of a state are stored once, under their hash


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
