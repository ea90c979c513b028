"""Count how often each interval of the atlas covers, and hold the counts against what is promised.

The band is that of Clopper and Pearson at 99.9 % for each line by itself: with some five hundred lines one in four
tables would show one false alarm if seeds were drawn anew; they are not, so that an alarm stays until it is understood.
"""

import time
import warnings
import zlib
from collections import Counter
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed

from uq import exceptions
from uq._base.laws import BinomialLaw

from ._row import repetitions

__all__ = ["BAND", "KEPT", "Line", "measure", "measure_all"]

BAND = 0.999
KEPT = ("exact", "finite-sample")  # guarantees that are held to the level itself
EXPECTED = tuple(
    getattr(exceptions, name) for name in exceptions.__all__ if name.endswith("Warning")
)  # what degenerate data sets say, rightly


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table: so many of so many runs covered the truth."""

    room: str
    of: str
    method: str
    law: str
    n: str
    part: str
    level: float
    guarantee: str
    attained: float | None  # what the result says that it attains
    floor: float | None  # the least that is promised here; None where nothing is
    reps: int
    covered: int
    lower: float
    upper: float
    seconds: float

    @property
    def coverage(self):
        return self.covered / self.reps

    @property
    def verdict(self):
        """Say "BROKEN" below what is promised, "short" below the nominal level, "above" beyond it, "holds"."""
        if self.floor is not None and self.upper < self.floor:
            return "BROKEN"
        if self.guarantee == "exact" and self.attained is not None and self.lower > self.attained:
            return "BROKEN"
        if self.upper < self.level:
            return "short"
        return "above" if self.lower > self.level else "holds"


def measure(row, share=1.0, least=1):
    """Run a row `share` times its repetitions; return its lines."""
    reps = repetitions(row, share, least)
    rng = np.random.default_rng([zlib.crc32(row.key.encode()), 13])
    covered, said, attained = np.zeros(len(row.parts), int), Counter(), []
    start = time.perf_counter()
    with warnings.catch_warnings():
        for category in EXPECTED:
            warnings.simplefilter("ignore", category)
        for _ in range(reps):
            seen = row.run(rng)
            covered += np.asarray(seen.covered, bool).reshape(len(row.parts))
            said[seen.guarantee] += 1
            attained += [] if seen.attained is None else [seen.attained]
    seconds = time.perf_counter() - start
    guarantee = said.most_common(1)[0][0]
    claimed = float(np.mean(attained)) if attained else None
    floor = row.floor
    if floor is None and guarantee in KEPT:
        floor = row.level if claimed is None else claimed
    lines = []
    for part, count in zip(row.parts, covered.tolist(), strict=True):
        lower, upper = BinomialLaw(n_success=count, n=reps).interval(BAND, "two-sided")
        lines.append(
            Line(room=row.room, of=row.of, method=row.method, law=row.law, n=row.n, part=part, level=row.level,
                 guarantee=guarantee, attained=claimed, floor=floor, reps=reps, covered=count, lower=float(lower),
                 upper=float(upper), seconds=seconds)
        )  # fmt: skip
    return lines


def _measure_by_key(key, share, least):
    # rows hold closures, which do not travel to other processes; their keys do
    from . import ROWS

    return measure(ROWS[key], share, least)


def measure_all(keys, share=1.0, least=1, n_jobs=1):
    """Return the lines of these rows, in their order, whatever the number of workers."""
    found = Parallel(n_jobs=n_jobs, batch_size=1)(delayed(_measure_by_key)(key, share, least) for key in keys)
    return [line for lines in found for line in lines]
