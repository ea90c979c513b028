"""The log: complete lines or nothing, one process at a time."""

import json
import os
import subprocess
import sys
import warnings

import pytest

from bayes.optimization._log import EventLog, check_storage
from uq.exceptions import InputError, LogError


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "run.jsonl")


def write(path, *events):
    log = EventLog(path, new=True)
    for event in events:
        log.append(event)
    log.close()


def read(path):
    log = EventLog(path, new=False)
    log.close()
    return log


def text(path):
    with open(path) as file:
        return file.read()


def test_events_come_back_exactly(path):
    events = [{"x": 0.1 + 0.2, "y": [1e-300, -0.0, None]}, {"text": 'ä\n"\u2028'}, {"n": 2**70}]
    write(path, *events)
    log = read(path)
    assert log.events == events
    assert log.repaired == 0
    with open(path) as file:
        assert len(file.readlines()) == 3


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_torn_last_line_is_cut_off_wherever_it_tore(path, cut):
    write(path, {"n": 1}, {"n": 2, "xy": 3})
    size = os.path.getsize(path)
    os.truncate(path, size - cut)
    log = read(path)
    assert log.events == [{"n": 1}]
    assert log.repaired > 0
    assert read(path).repaired == 0
    log = EventLog(path, new=False)
    log.append({"n": 3})
    log.close()
    assert read(path).events == [{"n": 1}, {"n": 3}]


def test_blocks_that_a_power_cut_left_empty_are_cut_off(path):
    write(path, {"n": 1})
    with open(path, "ab") as file:
        file.write(b"\0" * 40 + b"\n")
    assert read(path).events == [{"n": 1}]


def test_a_broken_line_in_the_middle_is_not_repaired(path):
    write(path, {"n": 1}, {"n": 2}, {"n": 3})
    lines = text(path).split("\n")
    content = "\n".join([lines[0], lines[1][:-2], lines[2], ""])
    with open(path, "w") as file:
        file.write(content)
    with pytest.raises(LogError, match="line 2"):
        EventLog(path, new=False)
    assert text(path) == content


def test_a_log_is_never_written_over(path):
    write(path, {"n": 1})
    with pytest.raises(LogError, match="resume"):
        EventLog(path, new=True)
    assert read(path).events == [{"n": 1}]


def test_a_second_log_on_the_file_is_refused_until_the_first_is_closed(path, tmp_path):
    log = EventLog(path, new=True)
    log.append({"n": 1})
    os.symlink(path, tmp_path / "link")
    for name in (path, str(tmp_path / "link")):
        with pytest.raises(LogError, match="in use"):
            EventLog(name, new=False)
    log.close()
    log.close()
    with pytest.raises(LogError, match="closed"):
        log.append({"n": 2})
    assert read(path).events == [{"n": 1}]


def test_a_log_that_nobody_holds_gives_its_lock_back(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log = EventLog(path, new=True)
        log.append({"n": 1})
        del log
        assert read(path).events == [{"n": 1}]


OTHER = """
import sys
from bayes.optimization._log import EventLog
from uq.exceptions import LogError
try:
    EventLog(sys.argv[1], new=False)
except LogError as error:
    print(error)
else:
    print("opened")
"""


@pytest.mark.slow
def test_another_process_is_refused_and_a_dead_one_holds_nothing(path):
    log = EventLog(path, new=True)
    log.append({"n": 1})

    def other():
        return subprocess.run(
            [sys.executable, "-c", OTHER, path], capture_output=True, text=True, check=True, cwd=os.getcwd()
        ).stdout

    with open(path):  # reading along, and closing, must not give the lock away
        pass
    assert "in use by another process" in other()
    log.close()
    assert other() == "opened\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_worker_neither_writes_nor_keeps_the_lock(path):
    log = EventLog(path, new=True)
    log.append({"n": 1})
    child = os.fork()
    if child == 0:
        try:
            log.append({"n": 2})
        except LogError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    log.append({"n": 3})
    log.close()
    assert read(path).events == [{"n": 1}, {"n": 3}]


def test_what_json_cannot_hold_is_not_half_written(path):
    log = EventLog(path, new=True)
    with pytest.raises((ValueError, TypeError)):
        log.append({"x": float("nan")})
    assert os.path.getsize(path) == 0
    log.close()


def test_a_full_disk_leaves_whole_lines(path, monkeypatch):
    log = EventLog(path, new=True)
    log.append({"n": 1})
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, line: real(file, line[:4]))
    with pytest.raises(LogError, match="nothing was changed"):
        log.append({"n": 2})
    monkeypatch.undo()
    log.close()
    assert read(path).events == [{"n": 1}]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "no campaign"), (b"{", "no campaign"), (b"[1]\n{}\n", "line 1"), (b"a\nb\nc\n", "line 1")],
)
def test_files_that_are_no_logs_are_refused(path, content, words):
    with open(path, "wb") as file:
        file.write(content)
    with pytest.raises(LogError, match=words):
        EventLog(path, new=False)


def test_places_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(LogError, match="cannot be"):
        EventLog(str(tmp_path / "missing" / "run.jsonl"), new=True)
    with pytest.raises(LogError, match="cannot be opened"):
        EventLog(str(tmp_path / "missing.jsonl"), new=False)
    with pytest.raises(LogError, match="cannot be opened"):
        EventLog(str(tmp_path), new=True)


@pytest.mark.parametrize("storage", [5, b"x", "", "a\0b", ["x"], "\udcff"], ids=repr)
def test_storage_must_be_a_path(storage):
    with pytest.raises(InputError, match="storage"):
        check_storage(storage, "O")


def test_every_line_is_json_of_its_own(path):
    write(path, {"a": "x\ny"}, {"b": 1})
    assert [json.loads(line) for line in text(path).splitlines()] == [{"a": "x\ny"}, {"b": 1}]
