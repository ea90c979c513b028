"""What a ledger costs beside bare SQLite with the same number of synced commits, and what a batch and memory save."""

import os
import sqlite3
import tempfile
import time
from contextlib import closing

import numpy as np
from harness import Row, compare

from uq.reuse import GuessAndCheck, Holdout

TURNS = 40
BATCH = 20_000
N_MEMORY = 10_000
# a commit that takes less than this is no commit to a disk
SYNC_SECONDS = 1e-4


def _is_memory(folder):
    """Tell whether the folder lies on tmpfs, as far as the system says."""
    best = ""
    try:
        with open("/proc/mounts", encoding="utf-8") as mounts:
            for line in mounts:
                kind, place = line.split()[2], line.split()[1]
                if os.path.realpath(folder).startswith(place) and len(place) >= len(best):
                    best, found = place, kind
    except OSError:
        return False
    return bool(best) and found in ("tmpfs", "ramfs")


def single_rows(folder):
    """Single answers, each on the disk before it is shown, against two full commits of bare SQLite."""
    task = f"{TURNS} single durable answers"
    if _is_memory(folder):
        return [Row(task, "bare SQLite, 2 commits each", 1.0, 1.0, "", "skipped: temporary files lie on tmpfs")]
    values = np.zeros(100)
    holdout = Holdout(values, GuessAndCheck(10**6, 0), os.path.join(folder, "ours.sqlite"))
    with closing(sqlite3.connect(os.path.join(folder, "bare.sqlite"), isolation_level=None)) as bare:
        bare.execute("PRAGMA journal_mode=DELETE")
        bare.execute("PRAGMA synchronous=FULL")
        bare.execute("CREATE TABLE t (x)")

        def commits():
            for i in range(2 * TURNS):
                bare.execute("BEGIN IMMEDIATE")
                bare.execute("INSERT INTO t VALUES (?)", (i,))
                bare.execute("COMMIT")

        def answers():
            return [holdout.mean(values, guess=0.0).value for _ in range(TURNS)]

        row = compare(task, answers, commits, "bare SQLite, 2 commits each", lambda a, _: f"{len(a)} answers", turns=3)
    if row.peer_s / (2 * TURNS) < SYNC_SECONDS:
        return [Row(task, row.peer, 1.0, 1.0, "", "skipped: this disk's fsync costs nothing")]
    assert row.ratio >= 0.25, f"{row.ratio:.2f} of the rate of bare SQLite"
    return [Row(row.task, row.peer, row.ours_s, row.peer_s, row.agreement, "asked: ratio .25")]


def batch_row(folder):
    """One batch of many questions, in CPU time: the commits are two."""
    values = np.zeros((BATCH, 100))
    holdout = Holdout(values[0], GuessAndCheck(10**6, 0), os.path.join(folder, "batch.sqlite"))
    wall, cpu = [], []
    for _ in range(3):
        start = time.perf_counter(), time.process_time()
        answers = holdout.ask_many(values, [0.0] * BATCH)
        wall.append(time.perf_counter() - start[0])
        cpu.append(time.process_time() - start[1])
    rate = f"{BATCH / min(cpu):,.0f} a CPU second, {BATCH / min(wall):,.0f} a second; asked: 20,000"
    return Row(f"{BATCH} answers in one ask_many, n = 100", "-", min(wall), min(wall), f"{len(answers)} answers", rate)


def memory_row():
    """Single answers in memory."""
    values = np.random.default_rng(0).random(N_MEMORY)
    guess = float(values.mean())
    holdout = Holdout(values, GuessAndCheck(10**6, 100))
    cpu = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(1000):
            holdout.mean(values, guess=guess)
        cpu.append(time.process_time() - start)
    rate = f"{1000 / min(cpu):,.0f} a CPU second; asked: 10,000"
    return Row(f"1000 single answers in memory, n = {N_MEMORY}", "-", min(cpu), min(cpu), "1000 answers", rate)


def rows():
    with tempfile.TemporaryDirectory() as folder:
        return [*single_rows(folder), batch_row(folder), memory_row()]
