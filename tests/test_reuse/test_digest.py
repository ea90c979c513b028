"""What identifies rows: the same values in any container, and nothing else."""

import datetime

import numpy as np
import pandas as pd
import pytest
from contracts import require

from uq.exceptions import InputError, LedgerError
from uq.reuse import GuessAndCheck, Holdout
from uq.reuse._digest import digest_rows

BIG = 2**53


def test_values_shapes_and_orders_of_rows_are_told_apart():
    x = np.arange(6.0)
    different = [
        x, x[::-1], x[:5], x.reshape(3, 2), x.reshape(2, 3), (x, x), (x,) * 3, (x, -x), np.where(x > 4, np.nan, x),
        list("abcdef"), ["ab", "c", "def"], ["a", "bc", "def"], [{"a": 1}], [{"a": 2}], ["1", "2"], [1, 2], [None, "a"],
        [datetime.date(2020, 1, 1), "a"], ["2020-01-02", "a"], [1.0, "a"], ["number 1.0", "a"], ["missing", "a"],
        [BIG], [BIG + 1], [BIG + 2], [2.0**60], [2**60 + 1], [10**400], [10**400 + 1], [BIG + 1, "a"], [BIG, "a"],
        [[1], [1, 2]], [[1, 2], [1]], [["a"], ["a", "b"]], [b"a", b"b"], ["a", "b"], ["é", "b"],
        [datetime.timedelta(1)], [datetime.time(1)], [datetime.date(1970, 1, 2)], [np.inf], [-np.inf], [np.nan],
        [{"a": 1, "b": 2}, {"a": 1}], [{"a": 1, "b": 2}, {"b": 1}],
    ]  # fmt: skip
    assert len({digest_rows(data) for data in different}) == len(different)


def frames(columns):
    """Return the columns in every container that has names or places for them."""
    pl = require("polars")
    names, values = list(columns), list(columns.values())
    back = {name: columns[name] for name in names[::-1]}
    rows = list(zip(*(v.tolist() if hasattr(v, "tolist") else v for v in values), strict=True))
    return [
        columns, back, tuple(values), tuple(values[::-1]), pd.DataFrame(columns), pd.DataFrame(back),
        pd.DataFrame(columns).rename(columns=str.upper), pl.DataFrame(columns), pl.DataFrame(back), rows,
        [list(row) for row in rows], [dict(zip(names, row, strict=True)) for row in rows],
        pd.DataFrame(columns).to_numpy(dtype=object), (pd.DataFrame(columns).iloc[:, :1], *values[1:]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "columns",
    [
        {"a": np.array([0.5, 1, 2]), "b": np.array([3.0, np.nan, 5])},
        {"a": np.array([1, 2, 3]), "b": ["u", "v", "w"], "c": [0.25, 0.5, 1.0]},
        {"a": np.array([BIG, BIG + 1, 2]), "b": np.array([1, 2, 3])},
        {"a": ["u", None, "w"], "b": [True, False, True]},
    ],
)
def test_names_order_of_columns_and_containers_do_not_count(columns):
    same = frames(columns)
    first = digest_rows(same[0])
    assert [digest_rows(each) == first for each in same] == [True] * len(same)


def test_matrices():
    pl, torch = require("polars"), require("torch")
    x = np.arange(12.0).reshape(6, 2) / 4
    same = [
        x, x.tolist(), x.astype(np.float32), np.asfortranarray(x), pd.DataFrame(x), pd.DataFrame(x, columns=["a", "a"]),
        pl.DataFrame(x, schema=["a", "b"]), {"a": x[:, 0], "b": x[:, 1]}, {"b": x[:, 1], "a": x[:, 0]},
        (x[:, 0], x[:, 1]), (x[:, :1], x[:, 1]), {"X": x[:, 1:], "y": x[:, 0]}, torch.tensor(x), x.astype(object),
        list(x), {1: x[:, 0], "1": x[:, 1]},
    ]  # fmt: skip
    assert len({digest_rows(each) for each in same}) == 1


def test_columns_of_each_kind():
    pl, torch = require("polars"), require("torch")
    y, s, gone = np.array([0, 1, 1]), ["a", "b", "é"], ["a", None, "c"]
    days = pd.to_datetime(["2020-01-01", "2021-02-03", "1969-12-31"])
    big = np.array([BIG, BIG + 1, 3])
    groups = [
        [y, y.tolist(), y.astype(bool), pd.Series(y), pl.Series(y), y[:, None], pd.DataFrame({"y": y}), {"y": y},
         y.astype(object), y.astype(np.float16), torch.tensor(y), pd.Series(y, dtype="Int64"), (1 * y,)],
        [s, np.array(s), np.array(s, object), pd.Series(s), pl.Series(s), pd.Series(s, dtype="category"), tuple(s),
         pl.Series(s, dtype=pl.Categorical)],
        [gone, pd.Series(gone), pl.Series(gone), pd.Series(["a", np.nan, "c"]), pd.Series(gone, dtype="string")],
        [pd.Series(days), pl.Series(days.to_pydatetime()), days.to_numpy(), list(days), days.to_numpy().astype("M8[s]"),
         [t.date() for t in days], days.to_numpy().astype("M8[D]"), pd.DataFrame({"t": days}), days.tz_localize("UTC"),
         days.tz_localize("UTC").tz_convert("Asia/Tokyo")],
        [big, big.tolist(), pd.Series(big), pl.Series(big), big.astype(object), torch.tensor(big),
         big.astype(np.uint64)],
        [[None, BIG + 1, 1], pl.Series([None, BIG + 1, 1]), pd.Series([None, BIG + 1, 1], dtype="Int64")],
        [[None, 1.5], [np.nan, 1.5], np.array([None, 1.5]), pl.Series([None, 1.5]), pd.Series([None, 1.5])],
        [[None, None], [np.nan, None], np.array(["NaT", "NaT"], "M8[s]"), pl.Series([None, None])],
        [np.zeros(2), -np.zeros(2), [0, 0], [False, False]],
    ]  # fmt: skip
    for group in groups:
        assert [digest_rows(each) == digest_rows(group[0]) for each in group] == [True] * len(group)
    assert len({digest_rows(group[0]) for group in groups}) == len(groups)


def test_one_budget_for_the_same_rows(tmp_path):
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    path = tmp_path / "team.sqlite"
    Holdout((x, y), GuessAndCheck(10), path, name="a")
    for same in ({"X": x, "y": y}, (pd.DataFrame(x), y), pd.DataFrame({"y": y, "b": x[:, 1], "a": x[:, 0]})):
        with pytest.raises(LedgerError, match="under the name 'a'"):
            Holdout(same, GuessAndCheck(10), path, name="b")


@pytest.mark.parametrize("rows", [[object()], [{1, 2}], [1, "a", object()], [1j], [[object()]], [{"a": object()}]])
def test_what_cannot_be_told_apart_is_refused(rows):
    with pytest.raises(InputError, match="data must consist of"):
        digest_rows(rows)
