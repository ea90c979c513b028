"""Runs that are kept: python -m contest.results puts build/contest into results/<problem>.csv, one row for each run.

The rows hold all that the tables need, so that a contest goes on where it was left, on another machine too.
"""

import csv
import json
import math
import re
from pathlib import Path

import numpy as np

KEPT = Path(__file__).resolve().parent / "results"
FIRST = ("method", "seed", "failures", "alone", "ask_ms", "error")
VERSIONS = "versions.csv"


def condense(record):
    """Return the row of one record of `run.play`: a dict of column to text, regrets by rule@count."""
    failures = sum(value is None for value in record["values"])
    row = {
        "method": record["method"],
        "seed": str(record["seed"]),
        "failures": str(failures),
        "alone": str(int(failures == len(record["values"]))),  # nothing has worked
        "ask_ms": f"{1000 * np.median(record['cpu_s']):.3g}" if record["cpu_s"] else "",
        # one line, and never a place in somebody's file system
        "error": re.sub(r"\S*/\S*", "...", " ".join(record.get("error", "").split()))[:100],
    }
    for count, rules in record["regret"].items():
        row |= {f"{rule}@{count}": "inf" if value is None else f"{value:.6g}" for rule, value in rules.items()}
    return row


def kept(problem):
    """Return the rows of a problem by (method, seed)."""
    path = KEPT / f"{problem}.csv"
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {(row["method"], int(row["seed"])): row for row in csv.DictReader(file)}


def regrets(rows, count, rule):
    """Return regret by seed; infinite where nothing worked or the method broke down before."""
    values = {int(row["seed"]): row.get(f"{rule}@{count}", "") for row in rows}
    return {seed: float(value) if value else math.inf for seed, value in values.items()}


def keep(cache):
    """Add the records of a cache to what is kept, in place of rows of the same run; return how many there are now."""
    total, versions = 0, kept_versions()
    for folder in sorted(path for path in cache.glob("*") if path.is_dir()):
        rows = kept(folder.name)
        for path in sorted(folder.glob("*.jsonl")):
            for line in path.read_text(encoding="utf-8").splitlines():
                record = json.loads(line)
                row = condense(record)
                rows[row["method"], record["seed"]] = row
                versions |= {(row["method"], name, version) for name, version in record["versions"].items()}
        _write(KEPT / f"{folder.name}.csv", _columns(rows.values()), [rows[key] for key in sorted(rows)])
        total += len(rows)
    columns = ("method", "package", "version")
    _write(KEPT / VERSIONS, columns, [dict(zip(columns, row, strict=True)) for row in sorted(versions)])
    return total


def kept_versions():
    """Return (method, package, version) of all that was ever played; a replay with another version adds to it."""
    path = KEPT / VERSIONS
    if not path.exists():
        return set()
    with path.open(newline="", encoding="utf-8") as file:
        return {tuple(row.values()) for row in csv.DictReader(file)}


def _columns(rows):
    found = {column for row in rows for column in row} - set(FIRST)
    return [*FIRST, *sorted(found, key=lambda c: (c.split("@")[0], int(c.split("@")[1])))]


def _write(path, columns, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    from .run import CACHE

    print(f"{keep(CACHE)} runs are kept in {KEPT}")
