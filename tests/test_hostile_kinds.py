"""One argument of a wrong kind at a time, in place of a good one of a call that was answered.

Draws of tests/test_hostile.py rarely meet the one argument that is looked at before it is checked; here each meets each
kind. What a caller's own function raises is the caller's, and what the table in tests/targets does with an argument
before it hands it over is the table's.
"""

import copy
import decimal
import fractions
import traceback
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from strategies import INF, NAN, Target
from targets import TARGETS
from test_hostile import DRIVEN, drive, fuzz, public_callables

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
DRAWS = 60
# a desk hands over the mean of its own rows; nobody else calls `answer`
OURS_ALONE = {"mean"}

KINDS = {
    "numbers": [NAN, INF, -INF, 0, -1, 2, 1e300, -1e300, 1e-300, 1e-320, -0.0, 2**63, -(2**63), 10**400, 1j],
    "other numbers": [
        decimal.Decimal("0.5"), fractions.Fraction(1, 2), np.float16(0.3), np.float32(0.5), np.longdouble(0.5),
        np.int8(3), np.bool_(True), True, False, np.array(0.5),
    ],
    "no numbers": [None, "", "1", "t", np.str_("t"), b"1", object(), np.datetime64("2020-01-01"), pd.NA],
    "containers": [(), [], {}, {"a": 1}, {1}, [1.0], [None], ["a", "a"], [[1], [1, 2]], range(3)],
    "arrays": [
        np.ones(0), np.ones(2), np.ones((2, 2)), np.ones((2, 2, 2)), np.full(3, NAN), np.full(3, INF),
        np.arange(3, dtype="u1"), np.array([1j, 2]), np.array(["x", "y"]), np.array([1, "a", None], dtype=object),
        np.array(["NaT"], dtype="M8[s]"), np.zeros(2, dtype=[("a", float)]), np.ma.array([1.0, 2.0], mask=[0, 1]),
    ],
    "columns": [
        pd.Series([1.0, 2.0], index=["b", "b"]), pd.DataFrame({"a": [1, 2]}), pd.Categorical(["a", "b"]),
        pd.array([1, None], dtype="Int64"),
    ],
}  # fmt: skip


def answered(name):
    """Return for each argument a call that was answered and had it, the one with the most arguments."""
    function, target, found = public_callables()[name], TARGETS[name], {}

    def once(_, __, given):
        def call(function, **arguments):
            answer = target.call(function, **arguments)
            for argument in given:
                if len(found.get(argument, ())) < len(given):
                    found[argument] = given
            return answer

        drive(function, Target(target.arguments, call), given)

    fuzz(name, DRAWS, once=once)
    return found


def is_the_librarys(error):
    """Tell an error whose innermost line of this project is the library's, not that of a test's own call."""
    files = (Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__))
    ours = [file.relative_to(ROOT).parts for file in files if file.is_relative_to(ROOT)]
    ours = [parts for parts in ours if not parts[0].startswith(".")]
    return isinstance(error, AssertionError) or ours[-1][0] != "tests"


def faults(name, function, target, calls):
    """Return a line for each value that was met with neither an answer nor a refusal."""
    said = []
    for argument, good in calls.items():
        for value in () if argument in OURS_ALONE else (v for kind in KINDS.values() for v in kind):
            given = {**{key: copy.copy(v) for key, v in good.items()}, argument: copy.copy(value)}
            try:
                drive(function, target, given)
            except Exception as error:
                if is_the_librarys(error):
                    said.append(f"{name}, {argument}={value!r:.60}: {type(error).__name__}: {error!s:.150}")
    return said


@pytest.mark.parametrize("name", DRIVEN)
def test_one_argument_of_a_wrong_kind(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy about values of our own making
        said = faults(name, public_callables()[name], TARGETS[name], answered(name))
    assert not said, "\n".join(said)


def _written_in(folder, text):
    """Return the function `f` of a text that says it comes from a file of that folder."""
    scope = {}
    exec(compile(text, str(ROOT / folder / "made_up.py"), "exec"), scope)
    return scope["f"]


LOOKS = "def f(scores, loud):\n    return 1.0 if loud else 0.0"
PASSES_NAN_ON = "def f(scores, loud):\n    return loud if isinstance(loud, float) else 1.0"


@pytest.mark.parametrize(
    ("folder", "text", "told"), [("uq", LOOKS, "ambiguous"), ("uq", PASSES_NAN_ON, "nan"), ("tests", LOOKS, None)]
)
def test_faults_are_the_librarys(folder, text, told):
    calls = {"loud": {"scores": np.ones(2), "loud": True}}
    lines = faults("f", _written_in(folder, text), Target(None), calls)
    assert any(told in line for line in lines) if told else not lines
