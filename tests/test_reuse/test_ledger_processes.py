"""Processes that share a ledger, and are killed between the debit and the answer: real ones, really killed."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from uq.reuse import GuessAndCheck, Holdout, NaiveReuse

ROOT = Path(__file__).resolve().parents[2]
HEAD = """
import json, os, signal, sys, time
sys.path.insert(0, os.environ["ERRORBARS_ROOT"])
import numpy as np
from uq.exceptions import *
from uq.reuse import *
ROWS = (np.random.default_rng(0).random(300) < 0.7).astype(float)
def say(*words):
    print(json.dumps(words), flush=True)
"""
ROWS = (np.random.default_rng(0).random(300) < 0.7).astype(float)
BUDGET = 60


def start(code, *arguments):
    environment = {**os.environ, "ERRORBARS_ROOT": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", HEAD + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def lines(process, timeout=120):
    out, error = process.communicate(timeout=timeout)
    return [json.loads(line) for line in out.splitlines()], error


ASKER = """
path, me, victim = sys.argv[1], sys.argv[2], sys.argv[3] == "victim"
mechanism = GuessAndCheck(60, 60, tolerance=0.95)
holdout = Holdout(ROWS, mechanism, path)
say("ready")
while not os.path.exists(path + ".go"):
    time.sleep(0.01)
asked = 0
def query(rows):
    # here the debit is on the disk and the answer is not: ready to be shot
    if victim and asked == 4 and rows.max() > 0:
        open(path + ".shoot" + me, "w").close()
        time.sleep(600)
    return rows
try:
    while True:
        answer = holdout.mean(query, guess=0.7, query_id=f"{me}/{asked}")
        asked += 1
        say("answer", f"{me}/{asked - 1}", answer.value, answer.queries_left)
        # the budget must not end before all victims are in their trap
        while not victim and asked == 5 and not all(os.path.exists(f"{path}.shootp{i}") for i in range(3)):
            time.sleep(0.01)
except BudgetExhaustedError:
    say("exhausted")
"""


@pytest.mark.slow
def test_six_processes_three_of_them_killed_between_debit_and_answer(tmp_path):
    path = tmp_path / "team.sqlite"
    team = {f"p{i}": start(ASKER, path, f"p{i}", "victim" if i < 3 else "survivor") for i in range(6)}
    heard = {name: [] for name in team}

    def listen(name):
        for line in team[name].stdout:
            heard[name].append(json.loads(line))

    def patiently(done):
        end = time.monotonic() + 120
        while not done():
            assert time.monotonic() < end, heard
            time.sleep(0.01)

    def shot(name):
        if Path(f"{path}.shoot{name}").exists():
            team[name].send_signal(signal.SIGKILL)
            return True
        return team[name].poll() is not None

    listeners = [threading.Thread(target=listen, args=(name,), daemon=True) for name in team]
    for listener in listeners:
        listener.start()
    try:
        patiently(lambda: all(heard.values()))
        Path(f"{path}.go").touch()
        # whoever comes first keeps the others waiting, until it is shot
        patiently(lambda: all([shot(name) for name in ("p0", "p1", "p2")]))
        for listener in listeners:
            listener.join(timeout=120)
        codes = {name: process.wait(timeout=120) for name, process in team.items()}
    finally:
        for process in team.values():
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()
    assert codes == {f"p{i}": -signal.SIGKILL if i < 3 else 0 for i in range(6)}

    shown = {words[1]: words[2] for said in heard.values() for words in said if words[0] == "answer"}
    holdout = Holdout(ROWS, GuessAndCheck(BUDGET, BUDGET, tolerance=0.95), path)  # the file opens, and every hash fits
    audit = holdout.audit()
    assert audit.n_asked == BUDGET
    assert audit.n_lost == 3
    assert len(audit.event) == len(shown) == BUDGET - 3, "an answer was shown that is not written down, or lost"
    assert dict(zip(audit.query_id, audit.value, strict=True)) == shown
    assert holdout.remaining() == 0
    assert audit.failures_left == BUDGET - 3, "the debit of those who died stays, that of the others is given back"
    left = sorted(words[3] for said in heard.values() for words in said if words[0] == "answer")
    assert len(set(left)) == len(left), "two answers saw the same budget"


@pytest.mark.slow
def test_a_process_that_kills_itself_while_it_looks_has_paid_and_may_ask_again(tmp_path):
    path = tmp_path / "team.sqlite"
    code = """
        holdout = Holdout(ROWS, NaiveReuse(10), sys.argv[1])
        query = lambda rows: os.kill(os.getpid(), signal.SIGKILL) if rows.max() > 0 else rows
        holdout.ask_many([query] * 4, query_ids=["a", None, None, None])
    """
    process = start(code, path)
    assert lines(process)[0] == []
    assert process.returncode == -signal.SIGKILL
    holdout = Holdout(ROWS, NaiveReuse(10), path)
    assert holdout.remaining() == 6
    assert holdout.audit().n_lost == 4
    assert holdout.mean(ROWS, query_id="a").queries_left == 5
    again = holdout.mean(ROWS, query_id="a")
    assert (again.value, again.queries_left) == (ROWS.mean(), 5)
    assert holdout.audit().n_lost == 4


@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_a_sound_ledger(tmp_path):
    path = tmp_path / "team.sqlite"
    Holdout(ROWS, NaiveReuse(10**6), path)
    code = """
        holdout = Holdout(ROWS, NaiveReuse(10**6), sys.argv[1])
        while True:
            say(holdout.mean(ROWS).queries_left)
    """
    shown = 0
    for pause in (0.0, 0.013, 0.029):
        process = start(code, path)
        process.stdout.readline()
        time.sleep(pause)
        process.kill()
        shown += 1 + len(process.stdout.readlines())
        process.communicate()
        audit = Holdout(ROWS, NaiveReuse(10**6), path).audit()
        assert audit.n_asked >= len(audit.event) >= shown, "an answer was shown before it was written down"
    assert audit.n_lost <= 3


@pytest.mark.slow
def test_a_fork_shares_the_file_and_draws_noise_of_its_own_but_has_no_part_in_memory(tmp_path):
    code = """
        import warnings
        warnings.simplefilter("ignore")  # a process with threads is forked on purpose
        memory = Holdout(ROWS, GaussianMechanism(10))
        holdout = Holdout(ROWS, GaussianMechanism(10), sys.argv[1])
        holdout.mean(ROWS)
        for i in range(3):
            if os.fork() == 0:
                answer = holdout.mean(ROWS)
                say(answer.value, answer.queries_left)
                try:
                    memory.mean(ROWS)
                except LedgerError as error:
                    say(str(error))
                os._exit(0)
            os.wait()
        answer = holdout.mean(ROWS)
        say(answer.value, answer.queries_left)
    """
    said, error = lines(start(code, tmp_path / "team.sqlite"))
    assert not error
    answers, refusals = [words for words in said if len(words) == 2], [words[0] for words in said if len(words) == 1]
    assert [left for _, left in answers] == [8, 7, 6, 5]
    assert len({value for value, _ in answers}) == 4, "equal values on so fine a grid would be the same noise"
    assert len(refusals) == 3
    assert all("would give the budget twice" in words for words in refusals)
