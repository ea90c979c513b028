"""Names of questions: the same question again is free, another one is refused and costs nothing."""

import functools

import numpy as np
import pytest

from uq.exceptions import InputError
from uq.reuse import GaussianMechanism, GuessAndCheck, Holdout, PrivateMultiplicativeWeights
from uq.reuse._question import question_of

ROWS = (np.random.default_rng(0).random(500) < 0.7).astype(float)


def shifted(rows, by=0.0):
    return rows - by


class Asker:
    def __init__(self, by):
        self.by = by

    def ask(self, rows):
        return rows - self.by

    __call__ = ask


def closure(by):
    return lambda rows: rows - by


@pytest.mark.parametrize("where", ["memory", "file"])
def test_another_question_under_a_name_is_refused(tmp_path, where):
    holdout = Holdout(ROWS, GuessAndCheck(10, 2, tolerance=0.2), tmp_path / "x" if where == "file" else None)
    first = holdout.mean(ROWS, guess=0.7, query_id="values")
    second = holdout.mean(lambda rows: rows * 0.5, guess=0.35, query_id="function")
    others = [
        (ROWS, {"guess": 0.1}, "guess"), (ROWS, {"guess": 0.7, "bounds": (0, 2)}, "bounds"),
        (lambda rows: rows, {"guess": 0.7}, "another kind"),
    ]  # fmt: skip
    for query, more, words in others:
        with pytest.raises(InputError, match=words):
            holdout.mean(query, query_id="values", **more)
    for query, words in ((ROWS, "another kind"), (lambda rows: rows * 0.6, "another function")):
        with pytest.raises(InputError, match=words):
            holdout.mean(query, guess=0.35, query_id="function")
    assert holdout.remaining() == 8
    for guess in (0.7, np.float32(0.7), 0.7 + 1e-12, None):
        assert holdout.mean(ROWS, guess=guess, query_id="values").value == first.value
    assert holdout.mean(lambda rows: rows * 0.5, guess=0.35, query_id="function").value == second.value
    assert holdout.audit().n_asked == 2


def test_a_batch_gives_one_name_to_one_question():
    holdout = Holdout(ROWS, GuessAndCheck(10, 2, tolerance=0.2))
    for queries, guesses in (([ROWS, 1 - ROWS], [0.5, 0.5]), ([ROWS, ROWS], [0.7, 0.6]), ([shifted, abs], [0.7, 0.7]),
                             ([ROWS, shifted], [0.7, 0.7])):  # fmt: skip
        with pytest.raises(InputError, match="two questions of this batch"):
            holdout.ask_many(queries, guesses=guesses, query_ids=["a", "a"])
    assert holdout.remaining() == 10
    a, b = holdout.ask_many([ROWS, ROWS.copy()], guesses=[0.7, 0.7], query_ids=["a", "a"])
    assert a.value == b.value
    assert holdout.remaining() == 9


def test_guesses_that_are_vectors():
    holdout = Holdout(ROWS, PrivateMultiplicativeWeights(2, 10))
    holdout.mean(ROWS, guess=[0, 1], query_id="a")
    holdout.mean(ROWS, guess=np.array([0.0, 1.0]), query_id="a")
    with pytest.raises(InputError, match="another guess"):
        holdout.mean(ROWS, guess=[1, 0], query_id="a")
    assert holdout.remaining() == 9


def test_a_mechanism_without_guesses():
    holdout = Holdout(ROWS, GaussianMechanism(10))
    answer = holdout.mean(ROWS, query_id="a")
    assert holdout.mean(ROWS, guess=0.5, query_id="a").value == answer.value


def test_functions_are_known_by_what_they_do():
    different = [
        shifted, lambda rows: rows, lambda rows: rows * 2, lambda rows: rows * 3, lambda rows: rows.sum(), closure(1),
        closure(2), functools.partial(shifted, by=1), functools.partial(shifted, by=2), np.abs, np.sqrt, abs,
        lambda rows, by=1: rows - by, lambda rows, by=2: rows - by, lambda rows, *, by=2: rows - by, Asker(1).ask,
        lambda rows: [row in ("a", "b") for row in rows], lambda rows: [row in {"a", "b"} for row in rows],
        lambda rows: [row in {"a", "c"} for row in rows], lambda rows: [[r for r in row] for row in rows],
        lambda rows: [[r + 1 for r in row] for row in rows],
    ]  # fmt: skip
    codes = [question_of(function, None)["code"] for function in different]
    assert len(set(codes)) == len(codes)
    for a, b in ((closure(1), closure(1)), (Asker(1).ask, Asker(1).ask), (functools.partial(shifted, by=1),) * 2):
        assert question_of(a, None) == question_of(b, None)


def test_functions_that_capture_themselves_and_what_cannot_be_read():
    def again(rows):
        return again if rows is None else rows

    for function in (again, Asker(object()), lambda rows, deep=[[[[[[[[]]]]]]]]: deep, lambda rows, x="\udcff": x):
        assert len(question_of(function, None)["code"]) == 64
    for guess in ("a", [[1], [1, 2]], ["a"], object()):
        assert question_of(ROWS, guess) == {"kind": "values"}
    assert "code" not in question_of(ROWS, None)


def test_what_a_function_fills_while_it_works_is_not_what_it_asks():
    memo, seen, calls = {}, [], 0

    def remembering(rows):
        nonlocal calls
        calls += 1
        memo[len(rows)] = 1
        seen.append(len(rows))
        return rows

    written = question_of(remembering, None)
    holdout = Holdout(ROWS, GuessAndCheck(10, 1, tolerance=0.3))
    answer = holdout.mean(remembering, guess=0.7, query_id="a")
    assert calls > 1
    assert memo
    calls = 0  # as in a fresh session: what was written down is the question before it was asked
    assert question_of(remembering, None) == written
    assert holdout.mean(remembering, guess=0.7, query_id="a").value == answer.value
