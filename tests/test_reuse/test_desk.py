"""One turn of a holdout: what stops it, what it leaves behind, and what it remembers."""

import os
import traceback

import numpy as np
import pytest
from contracts import require

from uq.exceptions import BudgetExhaustedError, InputError, LedgerError
from uq.reuse import GaussianMechanism, GuessAndCheck, Holdout, NaiveReuse
from uq.reuse._desk import Desk
from uq.reuse._mechanism import MECHANISMS as REGISTERED


def coins(n=2000, p=0.7, seed=0):
    return (np.random.default_rng(seed).random(n) < p).astype(float)


@pytest.fixture(params=["file", "memory"])
def ledger(request, tmp_path):
    return tmp_path / "team.sqlite" if request.param == "file" else None


# ---- secrets


class Broken(NaiveReuse):
    """Fails after it has seen the mean."""

    __slots__ = ()

    def answer(self, state, guess, mean, bounds, rng):
        raise RuntimeError(f"I saw {mean!r}")


REGISTERED.pop("Broken")  # other tests go through all mechanisms there are


def everything_in(error):
    """Return all texts and numbers that an error and its frames hold, the rows and the query aside."""
    seen, found = set(), []
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        found.append("".join(traceback.format_exception(error)))
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if "uq/reuse" in frame.f_code.co_filename:
                found += [repr(value) for key, value in frame.f_locals.items() if key not in ("query", "queries")]
                found += [repr(vars(v)) for v in frame.f_locals.values() if isinstance(v, Holdout)]
        error = error.__cause__ or error.__context__
    return "\n".join(found)


def test_raw_means_are_nowhere():
    rows = coins(1237, 0.6180339)
    secret = repr(float(rows.mean()))[:10]
    assert secret in repr(Holdout(rows, NaiveReuse(3)).mean(rows).value), "the test would see it"
    holdout = Holdout(rows, Broken(3))
    with pytest.raises(LedgerError, match=r"RuntimeError .* withheld") as caught:
        holdout.mean(rows)
    assert secret not in everything_in(caught.value)
    holdout = Holdout(rows, GuessAndCheck(3, 0, tolerance=0.3))
    with pytest.raises(BudgetExhaustedError) as caught:
        holdout.mean(rows, guess=0.0)
    assert secret not in everything_in(caught.value)
    for thing in (holdout, holdout.audit(), holdout.mechanism, vars(holdout._ledger)):
        assert secret not in repr(thing)
    assert secret not in str(holdout.audit().to_dict())


class Odd(BaseException):
    """Neither an Exception nor an interrupt."""


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_within_a_query_loses_its_words(kind, ledger):
    rows = coins(1237, 0.6180339)
    secret = repr(float(rows.mean()))[:10]

    def query(x):
        if x.max() > 0:
            raise kind(f"the mean is {x.mean()!r}")
        return x

    holdout = Holdout(rows, NaiveReuse(3), ledger)
    with pytest.raises(kind) as caught:
        holdout.mean(query)
    assert secret not in everything_in(caught.value)
    assert caught.value.args in ((), (1,))
    assert caught.value.__context__ is None
    audit = holdout.audit()
    assert (audit.n_asked, audit.n_lost, audit.queries_left) == (1, 1, 2)
    assert holdout.mean(rows).value == rows.mean(), "the ledger is as sound as before"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, RuntimeError, Odd])
@pytest.mark.parametrize("where", ["after the mean", "after the answer", "while it is written"])
def test_an_interrupt_after_the_look_leaves_no_mean(kind, where, ledger, monkeypatch):
    rows = coins(1237, 0.6180339)
    secret = repr(float(rows.mean()))[:10]
    holdout = Holdout(rows, NaiveReuse(3), ledger)

    def stop(*args):
        raise kind(f"seen: {args}")

    with monkeypatch.context() as patch:
        if where == "after the mean":
            patch.setattr(NaiveReuse, "answer", stop)
        elif where == "after the answer":
            answers = Desk._answers

            def answers_and_stop(*args):
                said = answers(*args)
                raise kind(f"seen: {said}")

            patch.setattr(Desk, "_answers", answers_and_stop)
        elif ledger is None:
            patch.setattr("uq.reuse._memory._Turn.reveal", stop)
        else:
            patch.setattr("uq.reuse._turn.Turn.reveal", stop)
        with pytest.raises(kind if issubclass(kind, (KeyboardInterrupt, SystemExit)) else LedgerError) as caught:
            holdout.mean(rows)
    assert secret not in everything_in(caught.value)
    assert (holdout.audit().n_lost, holdout.remaining()) == (1, 2)
    assert holdout.mean(rows).value == rows.mean()


def test_an_interrupt_halfway_through_writing_takes_all_of_it_back(tmp_path, monkeypatch):
    rows = coins()
    holdout = Holdout(rows, NaiveReuse(3), tmp_path / "team.sqlite")
    calls = []

    def stop(self, state, parts):
        calls.append(state)
        if len(calls) == 2:  # the debit first, then the answer
            raise KeyboardInterrupt
        return store(self, state, parts)

    from uq.reuse._turn import Turn

    store = Turn._store
    monkeypatch.setattr(Turn, "_store", stop)
    with pytest.raises(KeyboardInterrupt):
        holdout.mean(rows, query_id="a")
    assert holdout.audit().n_lost == 1
    assert holdout.mean(rows, query_id="a").queries_left == 1


# ---- questions within questions


def test_a_question_within_a_question_is_refused_for_nothing(ledger):
    rows = coins()
    holdout = Holdout(rows, NaiveReuse(3), ledger)

    def query(x):
        return x * holdout.mean(rows).value

    for ask in (lambda: holdout.mean(query), lambda: holdout.ask_many([rows, query])):
        with pytest.raises(InputError, match="must not ask a holdout of the same ledger"):
            ask()
    assert holdout.audit().n_asked == 0


def test_a_link_to_a_ledger_is_the_same_ledger(tmp_path):
    rows, others = coins(), coins(seed=1)
    os.symlink(tmp_path / "team.sqlite", tmp_path / "link.sqlite")
    holdout = Holdout(rows, NaiveReuse(3), tmp_path / "team.sqlite", name="a")
    other = Holdout(others, NaiveReuse(3), tmp_path / "link.sqlite", name="b")
    with pytest.raises(InputError, match="must not ask a holdout of the same ledger"):
        holdout.mean(lambda x: x * other.mean(others).value)
    assert holdout.audit().n_asked == other.audit().n_asked == 0


# ---- seeds


def test_the_ledger_remembers_that_somebody_had_a_seed(tmp_path):
    rows = coins()
    path = tmp_path / "team.sqlite"
    before = Holdout(rows, GaussianMechanism(10), path)
    assert before.mean(rows, query_id="a").guarantee == "finite-sample"
    seeded = Holdout(rows, GaussianMechanism(10), path, insecure_seed=0)
    assert before.mean(rows).guarantee == "finite-sample", "nothing was asked with the seed yet"
    assert seeded.mean(rows, query_id="b").guarantee == "none"
    for holdout in (before, Holdout(rows, GaussianMechanism(10), path)):
        assert holdout.mean(rows).guarantee == "none"
        assert [holdout.mean(rows, query_id=q).guarantee for q in "ab"] == ["none", "none"]
        assert holdout.remaining(1) == 0
        assert holdout.remaining() > 0
    assert not before.mean(rows).certified
    assert before.audit().n_lost == 0
    assert Holdout(rows[:-1], GaussianMechanism(10), path, name="other").mean(rows[:-1]).certified


# ---- rows as they were


def sort(rows):
    rows.sort()
    return rows


def overwrite(rows):
    rows["y"] = 0.0
    return rows["y"]


def overwrite_cells(rows):
    rows.loc[:, "y"] = 0.0
    return rows["y"]


def overwrite_tensor(rows):
    rows[:] = 0.0
    return rows


def overwrite_records(rows):
    for row in rows:
        row["y"] = 0.0
    return [row["y"] for row in rows]


@pytest.mark.parametrize("kind", ["list", "pandas", "pandas cells", "torch", "records", "objects", "pair"])
def test_functions_change_only_copies(kind):
    y = coins(40)
    if kind == "list":
        data, query, read = y.tolist(), sort, list
    elif kind == "torch":
        data, query, read = require("torch").tensor(y), overwrite_tensor, np.asarray
    elif kind in ("records", "objects"):
        data = [{"y": v} for v in y.tolist()]
        data = np.array(data, dtype=object) if kind == "objects" else data
        query, read = overwrite_records, lambda rows: [row["y"] for row in rows]
    else:
        frame = require("pandas").DataFrame({"y": y})
        query, read = (overwrite_cells if "cells" in kind else overwrite), lambda rows: rows["y"].to_numpy()
        data = frame
        if kind == "pair":
            data, query, read = (frame, y), lambda pair: overwrite(pair[0]), lambda pair: pair[0]["y"].to_numpy()
    rehearsal = {"records": [{"y": 0.0}] * 2, "objects": [{"y": 0.0}] * 2}.get(kind)
    holdout = Holdout(data, NaiveReuse(3), rehearsal=rehearsal)
    holdout.mean(query)
    assert holdout.mean(read).value == y.mean()
    np.testing.assert_array_equal(read(data), y)
    assert rehearsal is None or rehearsal == [{"y": 0.0}] * 2
