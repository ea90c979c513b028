"""The values of a query: each row has its own, whatever happens to others."""

import numpy as np
import pytest
from contracts import require

from uq.exceptions import InputError
from uq.reuse import GuessAndCheck, Holdout, NaiveReuse
from uq.reuse._query import evaluate

TEXTS = {"0": 0.0, "1": 1.0, "0.25": 0.25}


def numbers(rows):
    return [float(row) for row in rows]


# ---- rows on which a function fails


@pytest.mark.parametrize("n", [1, 2, 3, 17, 64])
def test_only_the_rows_are_missing_that_fail_by_themselves(n):
    rng = np.random.default_rng(n)
    for share in (0, 0.1, 0.6, 1):
        rows = [("n/a" if fails else "0.25") for fails in rng.random(n) < share]
        expected = [np.nan if row == "n/a" else 0.25 for row in rows]
        np.testing.assert_array_equal(evaluate(numbers, rows, n), expected)


def test_one_row_moves_the_mean_by_no_more_than_its_share():
    rows = ["0"] * 2999
    good, bad = (
        Holdout([*rows, last], NaiveReuse(1), rehearsal=["1", "0"]).mean(numbers).value for last in ("0", "n/a")
    )
    assert good == 0
    assert bad == pytest.approx(0.5 / 3000)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_rows_that_a_function_drops_are_the_missing_ones(kind):
    pd = require("pandas")
    x = np.ones(40)
    x[[3, 21]] = np.nan
    if kind == "pandas":
        data, query = pd.DataFrame({"x": x}), lambda rows: rows.dropna()["x"]
    elif kind == "polars":
        data, query = require("polars").DataFrame({"x": x}), lambda rows: rows.filter(~rows["x"].is_nan())["x"]
    else:
        data = require("pyarrow").table({"x": x})
        query = lambda rows: [v for v in rows["x"].to_pylist() if v == v]  # noqa: E731
    holdout = Holdout((data, x), NaiveReuse(1))
    assert holdout.mean(lambda pair: query(pair[0])).value == pytest.approx((38 + 2 * 0.5) / 40)
    assert holdout.audit().clipped.tolist() == [2]


def test_functions_of_as_many_rows_as_there_are_raise_in_the_rehearsal():
    rows = np.array(["0", "1"] * 10)
    right = rows == "1"
    holdout = Holdout(rows, NaiveReuse(2))
    with pytest.raises(InputError, match=r"for any number of rows"):
        holdout.mean(lambda r: right == (r == "1"))
    assert holdout.mean(right == (rows == "1")).value == 1
    assert holdout.audit().n_asked == 1


class Indivisible:
    """Rows that are iterated only."""

    def __len__(self):
        return 3

    def __iter__(self):
        return iter([1.0, 0.0, 1.0])

    def __array__(self, dtype=None, copy=None):
        return np.array(list(self), dtype=dtype)


def test_rows_that_cannot_be_divided_are_asked_by_values():
    holdout = Holdout(Indivisible(), NaiveReuse(2))
    with pytest.raises(InputError, match="compute the values yourself"):
        holdout.mean(np.asarray)
    assert holdout.mean([1, 0, 1]).value == pytest.approx(2 / 3)
    assert holdout.audit().n_asked == 1


# ---- values that depend on other rows

ACROSS = {
    "the first": lambda x: np.full(len(x), x[0]),
    "the greatest": lambda x: x == x.max(),
    "ranks": lambda x: np.argsort(np.argsort(x)) / len(x),
    "sums": lambda x: np.cumsum(x) / 100,
    "the row before": lambda x: np.r_[0, x[:-1]],
    "standardised": lambda x: 0.5 + (x - x.mean()) / 100,
    "places": lambda x: np.arange(len(x)) % 2,
    "above the mean": lambda x: x > x.mean(),
    "how many": lambda x: np.full(len(x), 1 / len(x)),
}
ALONE = {
    "itself": lambda x: x,
    "a constant": lambda x: np.full(len(x), 0.5),
    "bits": lambda x: x > 0.5,
    "missing": lambda x: np.where(x > 0.5, np.nan, x),
    "rounding": lambda x: x + 1e-12 * len(x),
    "a column": lambda x: x[:, None],
    "squeezed": lambda x: np.squeeze(x[:, None]),
}


@pytest.mark.parametrize("what", [*ACROSS, *ALONE])
@pytest.mark.parametrize("n", [2, 5, 60])
def test_values_from_other_rows_are_refused_for_nothing(what, n):
    rng = np.random.default_rng(n)
    holdout = Holdout(rng.random(30), NaiveReuse(3), rehearsal=rng.random(n))
    if what in ALONE:
        holdout.mean(ALONE[what])
        return
    with pytest.raises(InputError, match="depends on this row only"):
        holdout.mean(ACROSS[what])
    assert holdout.audit().n_asked == 0


# ---- values out of bounds


def test_values_out_of_bounds_in_a_real_rehearsal_are_refused_for_nothing():
    holdout = Holdout(np.zeros(9), NaiveReuse(3), rehearsal=np.linspace(0, 7, 4))
    with pytest.raises(InputError, match=r"stay within bounds \(0, 1\).* from 0 to 7"):
        holdout.mean(lambda x: x)
    assert holdout.audit().n_asked == 0
    assert holdout.mean(lambda x: x, bounds=(0, 7)).value == 0
    assert holdout.mean(lambda x: np.where(x > 0, np.nan, x)).value == 0


# ---- masked arrays


def test_masked_values_are_refused_for_nothing():
    rows = np.arange(1000.0) / 1000
    holdout = Holdout(rows, GuessAndCheck(10, 1, tolerance=0.4))
    for mask in (rows > 0, np.ones(1000, bool)):
        masked = np.ma.masked_array(rows, mask=mask)
        with pytest.raises(InputError, match="masked"):
            holdout.mean(masked, guess=0.5)
        with pytest.raises(InputError, match="masked"):
            holdout.ask_many([masked], guesses=[0.5])
    assert holdout.audit().n_asked == 0
    unmasked = Holdout(rows, NaiveReuse(1)).mean(np.ma.masked_array(rows))
    assert unmasked.value == rows.mean()
    assert type(unmasked.value) is float


def test_masked_values_of_a_function_are_missing_rows():
    rows = np.array([0.0, 0.0, 1.0, 0.0])
    holdout = Holdout(rows, NaiveReuse(1))
    assert holdout.mean(lambda x: np.ma.masked_array(x, mask=x > 0.5)).value == 0.5 / 4


def test_rounding_is_no_dependence_on_other_rows():
    """Residuals of an exact fit are rounding, which differs between batches of different size."""
    X = np.random.default_rng(0).normal(size=(300, 3))
    y = X @ np.array([1.0, 2.0, 3.0])
    noise = np.random.default_rng(1)

    def residuals(pair):
        return 1e-16 * noise.random(len(pair[1]))

    holdout = Holdout((X, y), GuessAndCheck(10, 1, tolerance=0.4), rehearsal=(X[:50], y[:50]))
    assert holdout.mean(residuals, guess=0.0).source == "guess"
    with pytest.raises(InputError, match="this row only"):
        holdout.mean(lambda pair: noise.random(len(pair[1])), guess=0.5)


def test_lists_of_numpy_scalars_have_a_stand_in():
    texts = list(np.random.default_rng(0).choice(list("ab"), 200))
    holdout = Holdout((texts, list(np.arange(200.0))), GuessAndCheck(10, 1, tolerance=0.45))
    assert holdout.mean(lambda pair: [text == "a" for text in pair[0]], guess=0.5).source == "guess"
