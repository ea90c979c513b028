"""Parameters and their image in the unit cube."""

import itertools
import json
import math

import numpy as np
import pytest

from bayes import Categorical, Integer, Real
from bayes.optimization._space import Space, check_space, restore_space
from uq.exceptions import InputError

DIMENSIONS = [
    Real(-2, 3),
    Real(1e-5, 10, log=True),
    Integer(-3, 4),
    Integer(1, 256, log=True),
    Integer(5, 5),
    Integer(-(2**53), 2**53),
    Categorical(["a", "b", "c"]),
    Categorical([None, True, 2.5, "x", (1, "y")]),
    Categorical(["only"]),
]
SPACE = Space({"x": Real(0, 1), "lr": Real(1e-4, 1, log=True), "n": Integer(1, 5), "k": Categorical(["a", "b", "c"])})


def few_values(dimension, rng):
    if isinstance(dimension, Categorical):
        return dimension.choices
    if isinstance(dimension, Integer):
        inner = rng.integers(dimension.low, dimension.high + 1, 20)
        return [dimension.low, dimension.high, *(int(i) for i in inner)]
    return [dimension.low, dimension.high, *(dimension.decode(rng.random(1)) for _ in range(20))]


@pytest.mark.parametrize("dimension", DIMENSIONS, ids=repr)
def test_values_come_back_from_the_cube(dimension):
    rng = np.random.default_rng(0)
    for value in few_values(dimension, rng):
        row = dimension.encode(value)
        assert row.shape == (dimension.n_columns,)
        assert ((row >= 0) & (row <= 1)).all()
        back = dimension.decode(row)
        if isinstance(dimension, Real):
            assert back == pytest.approx(value, rel=1e-12, abs=1e-12)
        else:
            assert type(back) is type(value)
            assert abs(back - value) <= 2 if dimension.size > 2**50 else back == value
        assert dimension.check(value, "owner", "x") == value


@pytest.mark.parametrize("dimension", DIMENSIONS, ids=repr)
def test_the_ends_of_the_cube_are_values(dimension):
    for corner in itertools.product((0.0, 1.0), repeat=min(dimension.n_columns, 3)):
        row = np.resize(corner, dimension.n_columns)
        value = dimension.decode(row)
        assert dimension.check(value, "owner", "x") == value


@pytest.mark.parametrize("dimension", [d for d in DIMENSIONS if d.size < 300], ids=repr)
def test_levels_are_the_encoded_values_in_order(dimension):
    levels = dimension.levels()
    values = [dimension.decode(row) for row in levels]
    assert len(set(map(repr, values))) == dimension.size
    assert [dimension.index(v) for v in values] == list(range(int(dimension.size)))
    assert np.allclose(levels, [dimension.encode(v) for v in values], atol=1e-15)
    assert np.array_equal(dimension.snap(levels), levels)


@pytest.mark.parametrize("dimension", [d for d in DIMENSIONS if 1 < d.size < 10], ids=repr)
def test_quantiles_reach_all_values_equally_often(dimension):
    rows = dimension.place((np.arange(9000) + 0.5) / 9000)
    counts = np.bincount([dimension.index(dimension.decode(row)) for row in rows], minlength=int(dimension.size))
    assert abs(counts - 9000 / dimension.size).max() <= 1


def test_quantiles_on_a_log_scale_are_even_in_ratios():
    dimension = Integer(1, 1000, log=True)
    values = np.array([dimension.decode(row) for row in dimension.place(np.linspace(0, 1, 2001)[:-1])])
    assert abs((values <= 31).mean() - math.log(31.5 / 0.5) / math.log(1000.5 / 0.5)) < 0.01


def test_choices_are_at_distance_one_and_share_a_length_scale():
    rows = Categorical(["a", "b", "c"]).levels()
    apart = np.linalg.norm(rows[:, None] - rows, axis=2)
    assert np.allclose(apart, 1 - np.eye(3))
    assert SPACE.columns.tolist() == [0, 1, 2, 3, 3, 3]
    assert SPACE.continuous.tolist() == [True, True, False, False, False, False]


def test_no_two_suggestions_differ_by_less_than_one_step():
    rng = np.random.default_rng(1)
    rows = SPACE.snap(rng.random((50, 6)))
    for row in rows:
        params = SPACE.decode(row)
        assert np.allclose(SPACE.encode(params), row, atol=1e-12)
        assert SPACE.check(params, "o") == params


def test_a_finite_space_is_the_product_of_its_levels():
    space = Space({"n": Integer(1, 3), "m": Integer(1, 8, log=True), "k": Categorical(["a", 5])})
    assert space.size == 48
    assert space.enumerable
    cells = space.cells()
    assert cells.shape == (48, 4)
    params = [space.decode(row) for row in cells]
    assert len({tuple(p.values()) for p in params}) == 48
    assert [space.index(p) for p in params] == list(range(48))
    assert not SPACE.enumerable
    assert not Space({"n": Integer(1, 300), "m": Integer(1, 300)}).enumerable


def test_neighbours_differ_in_one_parameter_that_is_not_real():
    row = SPACE.encode({"x": 0.3, "lr": 0.1, "n": 2, "k": "b"})
    found = [SPACE.decode(r) for r in SPACE.neighbours(row)]
    here = SPACE.decode(row)
    assert all(sum(p[n] != here[n] for n in p) == 1 for p in found)
    assert {p["n"] for p in found} == {1, 2, 3, 4, 5}
    assert {p["k"] for p in found} == {"a", "b", "c"}
    assert len(found) == 4 + 2


def test_neighbours_of_a_long_range_reach_both_ends_and_the_next_values():
    space = Space({"n": Integer(0, 10**6), "m": Integer(1, 2)})
    row = space.encode({"n": 1000, "m": 1})
    values = {space.decode(r)["n"] for r in space.neighbours(row)}
    assert {999, 1001, 1000 + 2**19} <= values
    assert len(values) < 60


@pytest.mark.parametrize("space", [SPACE, Space({repr(i): d for i, d in enumerate(DIMENSIONS)})], ids=["few", "all"])
def test_a_space_survives_a_file_of_text(space):
    again = Space(restore_space(json.loads(json.dumps(space.describe()))))
    assert again.dimensions == space.dimensions
    assert again.hash == space.hash
    assert Space({**space.dimensions, "more": Real(0, 1)}).hash != space.hash


def test_numbers_of_numpy_and_lists_for_tuples_are_plain_values():
    assert type(Real(0, 1).check(np.float32(0.5), "o", "x")) is float
    assert type(Integer(0, 9).check(np.int64(3), "o", "x")) is int
    assert Integer(0, 9).check(3.0, "o", "x") == 3
    assert Categorical([(1, 2), (3,)]).check([1, 2], "o", "x") == (1, 2)
    assert Categorical(np.array([1, 2])).choices == (1, 2)
    assert Real(np.float64(0), np.int32(1)) == Real(0, 1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Real(1, 1), "low must be below high"),
        (lambda: Real(2, 1), "low must be below high"),
        (lambda: Real(0, math.inf), "Real: high"),
        (lambda: Real(math.nan, 1), "Real: low"),
        (lambda: Real("0", 1), "Real: low"),
        (lambda: Real(0, 1, log=True), "above 0"),
        (lambda: Real(0, 1, log="yes"), "log must be"),
        (lambda: Integer(0, 5, log=True), "at least 1"),
        (lambda: Integer(0.5, 5), "Integer: low"),
        (lambda: Integer(5, 4), "must not exceed"),
        (lambda: Integer(0, 2**60), "Integer: high"),
        (lambda: Integer(True, 4), "Integer: low"),
        (lambda: Categorical([]), "1 to 1000"),
        (lambda: Categorical("abc"), "sequence"),
        (lambda: Categorical(itertools.count()), "sequence"),
        (lambda: Categorical(range(10**12)), "1 to 1000"),
        (lambda: Categorical(range(10**40)), "1 to 1000"),
        (lambda: Categorical(np.array(3)), "1 to 1000"),
        (lambda: Categorical(3), "sequence"),
        (lambda: Categorical([1, True]), "differ"),
        (lambda: Categorical([1, 1.0]), "differ"),
        (lambda: Categorical([math.nan]), "finite"),
        (lambda: Categorical([len, abs]), "look it up"),
        (lambda: Categorical([{"a": Real(0, 1)}]), "own parameter"),
        (lambda: Categorical(["\udcff"]), "look it up"),
        (lambda: check_space({}, "O"), "O: space"),
        (lambda: check_space([("x", Real(0, 1))], "O"), "O: space"),
        (lambda: check_space({"x": (0, 1)}, "O"), "Real\\(low, high\\)"),
        (lambda: check_space({"x": {"y": Real(0, 1)}}, "O"), "own parameter"),
        (lambda: check_space({"x": lambda: 1}, "O"), "own parameter"),
        (lambda: check_space({1: Real(0, 1)}, "O"), "strings"),
        (lambda: check_space({"": Real(0, 1)}, "O"), "strings"),
        (lambda: check_space({str(i): Categorical(range(900)) for i in range(3)}, "O"), "2000 columns"),
        (lambda: SPACE.check({"x": 1}, "O"), "missing: \\['lr'"),
        (lambda: SPACE.check({"x": 0, "lr": 1, "n": 1, "k": "a", "z": 1}, "O"), "unknown: \\['z'"),
        (lambda: SPACE.check({"x": 2, "lr": 1, "n": 1, "k": "a"}, "O"), "Widen"),
        (lambda: SPACE.check({"x": True, "lr": 1, "n": 1, "k": "a"}, "O"), "params\\['x'\\]"),
        (lambda: SPACE.check({"x": 0, "lr": 1, "n": 1.5, "k": "a"}, "O"), "params\\['n'\\]"),
        (lambda: SPACE.check({"x": 0, "lr": 1, "n": 1, "k": "d"}, "O"), "'a', 'b', 'c'"),
        (lambda: SPACE.check({"x": 0, "lr": 1, "n": 1, "k": ["a"]}, "O"), "'a', 'b', 'c'"),
        (lambda: SPACE.check(5, "O"), "dict"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)  # fmt: skip
def test_what_is_no_space_is_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
