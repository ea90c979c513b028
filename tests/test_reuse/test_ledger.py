"""The ledger file: what it remembers, what it refuses, and what tampering looks like."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require

from uq.exceptions import BudgetExhaustedError, InputError, LedgerError
from uq.reuse import GaussianMechanism, GuessAndCheck, Holdout, NaiveReuse, PrivateMultiplicativeWeights, Thresholdout
from uq.reuse._audit import check_chain
from uq.reuse._ledger import Ledger
from uq.reuse._records import event_hash, text_hash

ROOT = Path(__file__).resolve().parents[2]
ROWS = (np.random.default_rng(0).random(500) < 0.7).astype(float)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "team.sqlite"


def child(code, *arguments, **options):
    """Run code in a process of its own and return it when it is through."""
    head = (
        "import os, sys\nsys.path.insert(0, os.environ['ERRORBARS_ROOT'])\nimport numpy as np\nfrom uq.reuse import *\n"
    )
    head += "from uq.exceptions import *\nROWS = (np.random.default_rng(0).random(500) < 0.7).astype(float)\n"
    environment = {**os.environ, "ERRORBARS_ROOT": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", head + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, **options)


# ---- memory


def test_a_holdout_goes_on_where_it_was(path):
    first = Holdout(ROWS, GuessAndCheck(10, 1, tolerance=0.4), path)
    answer = first.mean(ROWS, guess=0.0, query_id="a")
    again = Holdout(ROWS.copy(), GuessAndCheck(10, 1, tolerance=0.4), str(path))
    assert again.remaining() == 9
    assert again.mean(ROWS, guess=0.0, query_id="a").value == again.mean(ROWS, query_id="a").value == answer.value
    assert again.mean(ROWS, guess=0.7).failures_left == 0
    assert first.remaining() == 8
    with pytest.raises(BudgetExhaustedError):
        again.mean(ROWS, guess=0.0)
    with pytest.raises(BudgetExhaustedError, match="closed"):
        first.mean(ROWS, guess=0.7)


def test_the_noise_of_a_threshold_outlives_the_process_and_stays_secret(path):
    mechanism = Thresholdout(50, 5, 0.9, 1e-4)
    Holdout(ROWS, mechanism, path).mean(ROWS, guess=0.7)
    kept = Holdout(ROWS, mechanism, path)._ledger.state("holdout")["noisy_threshold"]
    assert kept is not None
    holdout = Holdout(ROWS, mechanism, path)
    holdout.mean(ROWS, guess=0.7)
    assert holdout._ledger.state("holdout")["noisy_threshold"] == kept
    assert repr(kept)[:8] not in repr(holdout.audit()) + str(holdout.audit().to_dict()) + repr(holdout)


def test_long_states_are_kept_once_and_in_full(path):
    universe = np.arange(2000.0)
    rows = np.random.default_rng(1).integers(0, 40, 20_000).astype(float)
    mechanism = PrivateMultiplicativeWeights(universe, 1000)
    for _ in range(2):  # a second pass reads what the first has learned
        holdout = Holdout(rows, mechanism, path)
        for i in range(6):
            answer = holdout.mean(lambda x, i=i: (x < 8 * (i + 1)).astype(float))
            truth = min(1.0, 8 * (i + 1) / 40)
            assert abs(answer.value - truth) <= answer.tolerance
    with sqlite3.connect(path) as connection:
        parts, states = (connection.execute(f"SELECT * FROM {table}").fetchall() for table in ("parts", "holdouts"))
    connection.close()
    assert len(parts) == 1
    assert len(states[0][4]) < 1000
    assert holdout.audit().n_lost == 0


@pytest.mark.parametrize("kind", CONTAINERS)
def test_the_same_rows_in_another_kind_are_the_same_rows(path, kind):
    rows = in_container(kind, ROWS)
    Holdout(ROWS, NaiveReuse(10), path).mean(ROWS)
    assert Holdout(rows, NaiveReuse(10), path).remaining() == 9


def test_frames_and_texts_are_told_apart(path):
    pd = require("pandas")
    frame = pd.DataFrame({"text": ["a", "b", None], "y": [1, 0, 1], "when": pd.to_datetime(["2020-01-01"] * 3)})
    Holdout(frame, NaiveReuse(3), path)
    Holdout(frame.copy(), NaiveReuse(3), path)
    changed = [frame.assign(text=["a", "c", None]), frame.assign(y=[1, 1, 1]),
               frame.assign(when=pd.to_datetime(["2020-01-02"] * 3)), frame.iloc[::-1]]  # fmt: skip
    for other in changed:
        with pytest.raises(LedgerError, match="other data"):
            Holdout(other, NaiveReuse(3), path)
    Holdout(frame.rename(columns={"y": "z"}), NaiveReuse(3), path)  # names of columns are no values


# ---- refusals


def test_other_rows_mechanisms_and_budgets_are_refused(path):
    Holdout(ROWS, GuessAndCheck(10, 1), path, name="a")
    for rows in (ROWS[:-1], 1 - ROWS, ROWS[::-1]):
        with pytest.raises(LedgerError, match="other data"):
            Holdout(rows, GuessAndCheck(10, 1), path, name="a")
    others = (GuessAndCheck(11, 1), GuessAndCheck(10, 2), GuessAndCheck(10, 1, confidence_level=0.9),
              GaussianMechanism(10))  # fmt: skip
    for mechanism in others:
        with pytest.raises(LedgerError, match=r"another mechanism: .* \(now"):
            Holdout(ROWS, mechanism, path, name="a")
    assert Holdout(ROWS, GuessAndCheck(10, 1), path, name="a").remaining() == 10


def test_the_same_rows_have_one_budget_under_whatever_name(path):
    Holdout(ROWS, GuessAndCheck(10, 1), path, name="a")
    with pytest.raises(LedgerError, match="under the name 'a'"):
        Holdout(ROWS, GuessAndCheck(10, 1), path, name="b")
    Holdout(1 - ROWS, GuessAndCheck(10, 1), path, name="b")


@pytest.mark.parametrize("content", [b"", b"no database, only words" * 50, b"SQLite format 3\x00" + b"\x00" * 84])
def test_files_of_something_else_are_refused_and_kept(path, content):
    path.write_bytes(content)
    if content:
        with pytest.raises(LedgerError, match="another file"):
            Holdout(ROWS, NaiveReuse(3), path)
        assert path.read_bytes() == content
    else:
        Holdout(ROWS, NaiveReuse(3), path).mean(ROWS)


def test_a_database_of_another_program_is_refused_and_kept(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="something else"):
        Holdout(ROWS, NaiveReuse(3), path)
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(LedgerError, match="unable to open"):
        Holdout(ROWS, NaiveReuse(3), tmp_path / "none" / "team.sqlite")


def test_a_ledger_that_was_deleted_is_not_made_anew_by_a_question(path):
    holdout = Holdout(ROWS, NaiveReuse(3), path)
    path.unlink()
    with pytest.raises(LedgerError, match="nothing was spent and nothing answered"):
        holdout.mean(ROWS)
    assert not path.exists()


def test_whoever_waits_too_long_is_told(path):
    holdout = Holdout(ROWS, NaiveReuse(3), path, wait=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="Another process has had its turn"):
        holdout.mean(ROWS)
    other.execute("ROLLBACK")
    other.close()
    assert holdout.mean(ROWS).queries_left == 2


def test_nobody_else_has_a_turn_between_debit_and_answer(path):
    holdout, seen = Holdout(ROWS, NaiveReuse(3), path), []

    def query(rows):
        other = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            other.execute("BEGIN IMMEDIATE")
            seen.append("a turn")
        except sqlite3.OperationalError as error:
            seen.append(str(error))
        finally:
            other.close()
        return rows

    holdout.mean(query)
    assert seen == ["a turn", "a turn", "database is locked"], "free in the rehearsals, locked while rows are looked at"
    assert holdout.mean(ROWS).queries_left == 1


class Watched(Ledger):
    """A ledger of which somebody else tries to get a turn at every statement."""

    @contextmanager
    def connected(self, *given, **more):
        self.seen = []

        def intrude(statement):
            other = sqlite3.connect(self.path, isolation_level=None, timeout=0)
            try:
                other.execute("BEGIN IMMEDIATE")
                self.seen.append((statement, "free"))
            except sqlite3.OperationalError:
                self.seen.append((statement, "locked"))
            finally:
                other.close()

        with super().connected(*given, **more) as connection:
            connection.set_trace_callback(intrude)
            yield connection


def test_the_lock_is_not_let_go_for_a_moment(path):
    holdout = Holdout(ROWS, NaiveReuse(3), path)
    holdout._ledger.__class__ = Watched
    holdout.mean(ROWS)
    statements, locks = zip(*holdout._ledger.seen, strict=True)
    assert statements.count("BEGIN IMMEDIATE") == statements.count("COMMIT") == 2
    assert locks[0] == "free", "before the first BEGIN"
    assert set(locks[1:]) == {"locked"}


def test_commits_are_synced_and_the_journal_is_deleted(path):
    holdout = Holdout(ROWS, NaiveReuse(3), path)
    edit(path, "PRAGMA journal_mode=WAL")  # which network disks do not bear
    holdout.mean(ROWS)
    with holdout._ledger.connected() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert os.listdir(path.parent) == [path.name]


# ---- tampering


def edit(path, statement):
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


TAMPERING = {
    "an answer": "UPDATE events SET detail = replace(detail, '0.7', '0.8') WHERE id = 3",
    "a time": "UPDATE events SET moment = '2020-01-01T00:00:00Z' WHERE id = 3",
    "an event removed": "DELETE FROM events WHERE id = 3",
    "the last event removed": "DELETE FROM events WHERE id = (SELECT max(id) FROM events)",
    "the state": "UPDATE holdouts SET state = replace(state, '\"asked\": 3', '\"asked\": 0')",
    "the mechanism": "UPDATE holdouts SET mechanism = replace(mechanism, '10', '1000')",
    "the holdout removed": "DELETE FROM holdouts",
}


@pytest.mark.parametrize("what", TAMPERING)
def test_tampering_is_visible(path, what):
    holdout = Holdout(ROWS, GuessAndCheck(10, 1, tolerance=0.4), path)
    for _ in range(3):
        holdout.mean(ROWS, guess=0.7)
    head = holdout.audit().head
    edit(path, TAMPERING[what])
    with pytest.raises(LedgerError):
        holdout.audit()
    assert len(head) == 64


@pytest.mark.parametrize("what", ["the state", "the last event removed", "the holdout removed"])
def test_nobody_answers_on_a_state_that_was_tampered_with(path, what):
    holdout = Holdout(ROWS, GuessAndCheck(10, 1, tolerance=0.4), path)
    for _ in range(3):
        holdout.mean(ROWS, guess=0.7)
    edit(path, TAMPERING[what])
    with pytest.raises(LedgerError, match=r"tampered|gone"):
        holdout.mean(ROWS, guess=0.7)


def test_a_holdout_whose_record_was_deleted_gets_no_second_budget(path):
    holdout = Holdout(ROWS, GuessAndCheck(10, 1, tolerance=0.4), path, name="a")
    for guess in (0.0, 0.0):
        with suppress(BudgetExhaustedError):
            holdout.mean(ROWS, guess=guess)
    edit(path, "DELETE FROM holdouts")
    with pytest.raises(LedgerError, match="tampered"):
        Holdout(ROWS, GuessAndCheck(1000, 20), path, name="a")
    with pytest.raises(LedgerError, match="under the name 'a'"):
        Holdout(ROWS, GuessAndCheck(1000, 20), path, name="b")


def chain(*rows):
    """Return events whose hashes fit: (holdout, kind, detail) each."""
    events, previous = [], ""
    for number, (holdout, kind, detail) in enumerate(rows, start=1):
        row = (number, holdout, "now", "me", kind, None, detail, text_hash("{}"), previous)
        previous = event_hash(row)
        events.append((*row, previous))
    return events


def test_hashes_that_fit_are_not_enough():
    def opened(data):
        return f'{{"data": "{data}", "n": 3, "mechanism": "{{}}"}}'

    a, b = ("a", "x", 3, "{}", "{}"), ("b", "y", 3, "{}", "{}")
    start, other, twin = ("a", "open", opened("x")), ("b", "open", opened("y")), ("b", "open", opened("x"))
    spent, said, refused = ("a", "spend", "{}"), ("a", "answer", "{}"), ("a", "refused", "{}")
    check_chain(chain(start, spent, said, other, spent, refused, refused), [a, b], "it")
    for rows in ([start, spent, start], [start, refused, spent], [start, refused, said], [spent, start],
                 [start, spent, refused, other, said], [start, twin]):  # fmt: skip
        with pytest.raises(LedgerError, match="tampered"):
            check_chain(chain(*rows), [a, b] if len({row[0] for row in rows}) == 2 else [a], "it")


DAMAGE = [
    *(("holdouts", column) for column in ("name", "data", "n", "mechanism", "state")),
    *(("events", column) for column in ("holdout", "moment", "user", "kind", "query_id", "detail", "state", "previous",
                                        "hash")),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("table", "column"), DAMAGE)
@pytest.mark.parametrize("value", ["NULL", "'{'", "'[1]'", "'junk'", "5", "x'ff00'", "CAST(x'ff' AS TEXT)"])
def test_damage_is_told_in_our_words_or_not_met(path, table, column, value):
    """Whatever stands in a column: an answer is the old one or a LedgerError, and the audit always objects."""
    mechanism = GuessAndCheck(10, 3, tolerance=0.4)
    holdout = Holdout(ROWS, mechanism, path)
    before = [holdout.mean(ROWS, guess=0.7, query_id=q).value for q in "ab"]
    where = "" if table == "holdouts" else " WHERE id = (SELECT max(id) FROM events)"
    edit(path, f"UPDATE {table} SET {column} = {value}{where}")
    with pytest.raises(LedgerError):
        holdout.audit()
    for ask in (
        lambda: Holdout(ROWS, mechanism, path),
        lambda: Holdout(1 - ROWS, mechanism, path, name="other"),
        holdout.remaining,
        lambda: holdout.mean(ROWS, guess=0.7),
        lambda: Holdout(1 - ROWS, mechanism, path, name="other").mean(ROWS, guess=0.7),
    ):
        with suppress(LedgerError):
            ask()
    with suppress(LedgerError):
        assert [holdout.mean(ROWS, guess=0.7, query_id=q).value for q in "ab"] == before


def test_a_copy_put_back_is_seen_by_the_last_hash(path, tmp_path):
    holdout = Holdout(ROWS, GuessAndCheck(10, 1, tolerance=0.4), path)
    shutil.copy(path, tmp_path / "before")
    holdout.mean(ROWS, guess=0.7)
    head = holdout.audit().head
    shutil.copy(tmp_path / "before", path)
    assert holdout.audit().head != head


# ---- disks


class Small(Ledger):
    """A ledger that may grow by so many pages."""

    spare = 0

    @contextmanager
    def connected(self, *given, **more):
        with super().connected(*given, **more) as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={pages + self.spare}")
            yield connection


def test_a_full_ledger_answers_nothing(path):
    """SQLite's own limit on pages, met by the debit or by the answers after it."""
    holdout = Holdout(ROWS, NaiveReuse(10_000), path)
    outcomes = []
    for spare in range(5):
        before = holdout.audit()
        holdout._ledger.__class__, holdout._ledger.spare = Small, spare
        try:
            with pytest.raises(LedgerError, match="Make room") as caught:
                holdout.ask_many([ROWS] * 12, query_ids=[f"{'x' * 990}{spare}/{i}" for i in range(12)])
        finally:
            holdout._ledger.__class__ = Ledger
        spent = "is spent and nothing was answered" in str(caught.value)
        outcomes.append(spent)
        after = holdout.audit()
        assert after.n_asked - before.n_asked == 12 * spent
        assert after.n_lost - before.n_lost == 12 * spent
        assert len(after.event) == len(before.event)
    assert any(outcomes)
    assert holdout.mean(ROWS).value == ROWS.mean()


def test_a_full_ledger_refuses_the_debit_as_well(path):
    holdout = Holdout(ROWS, NaiveReuse(10_000), path)
    holdout._ledger.__class__, holdout._ledger.spare = Small, 0
    asked, problems = 0, [""]
    while "nothing was spent and nothing answered" not in problems[-1]:
        try:
            holdout.mean(ROWS, query_id=f"{'x' * 900}{asked}")
            asked += 1
        except LedgerError as error:
            problems.append(str(error))
    assert all("is spent and nothing was answered" in words for words in problems[1:-1])
    holdout._ledger.__class__ = Ledger
    audit = holdout.audit()
    assert len(audit.event) == asked
    assert audit.n_asked - asked == audit.n_lost


@pytest.mark.slow
def test_a_full_disk_answers_nothing(path):
    """A limit on the size of files that the system enforces, in a process of its own."""
    Holdout(ROWS, NaiveReuse(10_000), path)
    code = """
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        holdout = Holdout(ROWS, NaiveReuse(10_000), sys.argv[1])
        size = os.path.getsize(sys.argv[1]) + 20_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        answers = 0
        try:
            while True:
                holdout.mean(ROWS)
                answers += 1
        except LedgerError as error:
            assert "nothing" in str(error) and "answered" in str(error), error
            print(answers)
    """
    answer = child(code, path)
    assert answer.returncode == 0, answer.stderr
    shown = int(answer.stdout)
    audit = Holdout(ROWS, NaiveReuse(10_000), path).audit()
    assert shown > 3
    assert len(audit.event) == shown, "more or fewer answers than were shown"
    assert audit.n_asked - shown == audit.n_lost <= 1
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.mark.slow
def test_a_read_only_ledger_answers_nothing():
    """As somebody who may not write: root may always, and turns into nobody once everything is imported."""
    code = """
        asks = (lambda h: h.mean(ROWS)), (lambda h: h.ask_many([ROWS] * 3, query_ids=["a", "b", "c"]))
        for ask in asks:
            ask(Holdout(ROWS, NaiveReuse(10)))
        if os.getuid() == 0:
            os.setgroups([]), os.setgid(65534), os.setuid(65534)
        for path in sys.argv[1:]:
            assert os.access(path, os.R_OK)
            assert not (os.access(path, os.W_OK) and os.access(os.path.dirname(path), os.W_OK))
            for ask in asks:
                try:
                    print(ask(Holdout(ROWS, NaiveReuse(10), path)))
                except LedgerError as error:
                    assert "nothing was spent and nothing answered" in str(error), error
                    assert "Make the file and its folder writable" in str(error), error
                else:
                    sys.exit("answered")
    """
    with tempfile.TemporaryDirectory() as top:
        Path(top).chmod(0o755)
        paths = [Path(top) / name / "team.sqlite" for name in ("file", "folder")]
        for path, file_mode, folder_mode in zip(paths, (0o444, 0o666), (0o755, 0o555), strict=True):
            path.parent.mkdir()
            Holdout(ROWS, NaiveReuse(10), path).mean(ROWS)
            path.chmod(file_mode)
            path.parent.chmod(folder_mode)
        answer = child(code, *paths)
        for path in paths:
            path.parent.chmod(0o755)
            path.chmod(0o644)
        assert answer.returncode == 0, answer.stderr
        assert [Holdout(ROWS, NaiveReuse(10), path).remaining() for path in paths] == [9, 9]


def test_bytes_and_pathlike_paths(tmp_path):
    for kind in (str, Path):
        Holdout(ROWS, NaiveReuse(3), kind(tmp_path / "with space % ? #.sqlite")).mean(ROWS)
    assert Holdout(ROWS, NaiveReuse(3), tmp_path / "with space % ? #.sqlite").remaining() == 1
    for nothing in (3.5, "", "a\0b", str(tmp_path / "a\0b"), b"a\0b"):
        with pytest.raises(InputError, match="ledger must be the path"):
            Holdout(ROWS, NaiveReuse(3), nothing)


def test_names_of_users_that_no_text_can_hold(path, monkeypatch):
    monkeypatch.setenv("LOGNAME", "a\udcff")
    holdout = Holdout(ROWS, NaiveReuse(3), path)
    holdout.mean(ROWS)
    assert holdout.audit().user == ("a\\udcff",)
