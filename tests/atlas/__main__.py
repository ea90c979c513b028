"""Count all rows and write `docs/atlas.md` and `build/atlas.csv`: ``make atlas``."""

import argparse
import sys
import time
from itertools import groupby
from pathlib import Path

from . import NO_INTERVAL, ROWS
from ._pages import page, write_csv
from .runner import measure_all

ROOT = Path(__file__).resolve().parents[2]


def main(arguments=None):
    """Return 1 where a promise is broken; the page is written all the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=2.0, help="times the repetitions of the register")
    parser.add_argument("--jobs", type=int, default=-1, help="processes; -1 takes all cores")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "atlas.md")
    parser.add_argument("--csv", type=Path, default=ROOT / "build" / "atlas.csv")
    options = parser.parse_args(arguments)
    lines = []
    for room, rows in groupby(ROWS.values(), key=lambda row: row.room):
        start, keys = time.perf_counter(), [row.key for row in rows]
        lines += measure_all(keys, options.share, n_jobs=options.jobs)
        print(f"{room}: {len(keys)} rows, {time.perf_counter() - start:.0f} s", flush=True)
    write_csv(options.csv, lines)
    options.page.write_text(page(lines, NO_INTERVAL))
    broken = [line for line in lines if line.verdict == "BROKEN"]
    for line in broken:
        print(f"BROKEN: {line.of}, {line.method}, {line.law}, n = {line.n} {line.part}: {line.covered} of {line.reps}")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
