"""The coverage atlas: every interval of the library in worlds whose truth is known, against what it promises.

`ROWS` is the register, a file per room; `NO_INTERVAL` says of every other public name why it has no row. ``make atlas``
counts and writes `docs/atlas.md`; `statistical/test_atlas.py` fails where an interval falls below what it promises.
"""

from . import bayes, calibration, causal, conformal, epistemic, evaluation, folds, labels, rankings, reuse, sampling

__all__ = ["NO_INTERVAL", "ROWS"]

_ROOMS = (evaluation, rankings, conformal, calibration, causal, labels, folds, epistemic, reuse, sampling, bayes)
_ALL = [row for room in _ROOMS for row in room.ROWS]
ROWS = {row.key: row for row in _ALL}
assert len(ROWS) == len(_ALL), "two rows have the same name"
NO_INTERVAL = {
    name: reason for room in _ROOMS for reason, names in getattr(room, "NO_INTERVAL", {}).items() for name in names
}
