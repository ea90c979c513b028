"""Count all rows and write `docs/atlas.md` and `build/atlas.csv`: ``make atlas``.

``make atlas ONLY=frontier`` counts the rows whose key has this text in it; the others stay on the page as they are, and
the table of `build/atlas.csv` has the counted ones alone.
"""

import argparse
import sys
import time
from itertools import groupby
from pathlib import Path

from . import NO_INTERVAL, ROWS
from ._pages import kept, page, write_csv
from .runner import measure_all

ROOT = Path(__file__).resolve().parents[2]


def main(arguments=None):
    """Return 1 where a promise is broken; the page is written all the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=2.0, help="times the repetitions of the register")
    parser.add_argument("--jobs", type=int, default=-1, help="processes; -1 takes all cores")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "atlas.md")
    parser.add_argument("--csv", type=Path, default=ROOT / "build" / "atlas.csv")
    parser.add_argument(
        "--only", nargs="+", metavar="TEXT", help="count rows with one of these in 'of | method | law | n'"
    )
    options = parser.parse_args(arguments)
    wanted = {key: options.only is None or any(text in key for text in options.only) for key in ROWS}
    if not any(wanted.values()):
        parser.error(f"no row has {' or '.join(options.only)} in its key")
    old = options.page.read_text() if options.only else ""
    kept(old, [row for key, row in ROWS.items() if not wanted[key]], options.share)  # what is missing is told at once
    lines, counted = [], []
    for room, rows in groupby(ROWS.values(), key=lambda row: row.room):
        start, n_counted = time.perf_counter(), 0
        for here, some in groupby(rows, key=lambda row: wanted[row.key]):
            some = list(some)
            found = measure_all([row.key for row in some], options.share, n_jobs=options.jobs) if here else []
            lines += found or kept(old, some, options.share)
            counted, n_counted = counted + found, n_counted + here * len(some)
        if n_counted:
            print(f"{room}: {n_counted} rows, {time.perf_counter() - start:.0f} s", flush=True)
    write_csv(options.csv, counted)
    options.page.write_text(page(lines, NO_INTERVAL))
    broken = [line for line in counted if line.verdict == "BROKEN"]
    for line in broken:
        print(f"BROKEN: {line.of}, {line.method}, {line.law}, n = {line.n} {line.part}: {line.covered} of {line.reps}")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
