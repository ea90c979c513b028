"""The bar: quiet where nobody looks, the same steps always."""

import sys

import pytest
from contracts import require

from uq._base.progress import progress


class _Terminal:
    def __init__(self):
        self.written = ""

    def isatty(self):
        return True

    def write(self, text):
        self.written += text

    def flush(self):
        pass


def test_no_terminal_no_bar(capsys):
    steps = range(3)
    assert progress(steps, "sampling") is steps
    assert capsys.readouterr().err == ""


def test_a_terminal_has_a_bar(monkeypatch):
    require("tqdm")
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert list(progress(range(3), "sampling")) == [0, 1, 2]
    assert "sampling" in terminal.written


def test_without_tqdm_there_is_none(monkeypatch):
    monkeypatch.setattr(sys, "stderr", _Terminal())
    monkeypatch.setitem(sys.modules, "tqdm", None)
    steps = range(3)
    assert progress(steps) is steps


@pytest.mark.parametrize("stderr", [None, object()])
def test_strange_standard_errors_are_no_terminals(monkeypatch, stderr):
    monkeypatch.setattr(sys, "stderr", stderr)
    steps = range(2)
    assert progress(steps) is steps
