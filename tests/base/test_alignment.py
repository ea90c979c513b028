"""Columns of one call whose indices hold the same labels in another order are refused, and no others."""

import numpy as np
import pytest
from contracts import require

from uq._base.alignment import check_order
from uq.exceptions import InputError

pd = require("pandas")


def column(labels):
    return pd.Series(np.arange(float(len(labels))), index=labels)


SHUFFLED = [
    (range(5), [4, 2, 0, 1, 3]),
    (["a", "b", "c"], ["c", "b", "a"]),
    (["a", "a", "b"], ["a", "b", "a"]),  # labels that repeat themselves, too
    (pd.date_range("2020-01-01", periods=3), pd.date_range("2020-01-01", periods=3)[::-1]),
    (pd.MultiIndex.from_product([[1, 2], ["x", "y"]]), pd.MultiIndex.from_product([[2, 1], ["x", "y"]])),
    ([1, "a", 2.5], ["a", 1, 2.5]),
]
FINE = [
    (range(5), range(5)),
    (range(5), [0, 1, 2, 3, 4]),
    (range(5), range(5, 10)),  # other labels: nothing is known, and columns are paired as they are
    (range(5), range(4)),  # lengths are somebody else's business
    (range(5), list("abcde")),
    (["a", "a", "b"], ["b", "b", "a"]),
    ([], []),
    (pd.MultiIndex.from_product([[1, 2], ["x", "y"]]), range(4)),
    (range(4), pd.MultiIndex.from_product([[1, 2], ["x", "y"]])),
    # labels that pyarrow does not compare are different
    (pd.Index(list("abcde"), dtype="string"), pd.period_range("2020", periods=5, freq="D")),
    (pd.interval_range(0, 5), pd.Index(list("abcde"), dtype="string")),
    (pd.date_range("2020", periods=5), pd.Index(list("abcde"), dtype="string")),
    (pd.timedelta_range("1s", periods=5), pd.Index(list("abcde"), dtype="string")),
]


@pytest.mark.parametrize(("one", "two"), SHUFFLED)
def test_the_same_labels_in_another_order_are_refused(one, two):
    for first, second in ((one, two), (two, one)):
        with pytest.raises(InputError, match=r"verb: y must have its rows in the order of y_pred; .* or arrays;"):
            check_order("verb", y_pred=column(first), y=column(second))
        with pytest.raises(InputError, match="order of y_pred"):
            check_order("verb", y_pred=column(first).to_frame(), X=column(second).to_frame())
        known = check_order("verb", y_pred=column(first), weights=None, y=[1, 2])
        with pytest.raises(InputError, match="treatment must have its rows in the order of y_pred"):
            check_order("verb", known, treatment=column(second))


@pytest.mark.parametrize(("one", "two"), FINE)
def test_everything_else_is_paired_by_place(one, two):
    name, index = check_order("verb", nothing=None, y_pred=column(one), y=column(two))
    assert name == "y_pred"
    assert index is not None
    assert check_order("verb", y_pred=np.arange(3), y=[1, 2, 3], z=(1,)) is None
    assert check_order("verb", y_pred=column(one).to_numpy(), y=column(two))[0] == "y"


def test_every_column_is_held_against_every_other():
    mixed, other = list("dcba"), list("wxyz")
    for first in (np.arange(4), column(other)):
        with pytest.raises(InputError, match="z must have its rows in the order of t;"):
            check_order("verb", y_pred=first, t=column(list("abcd")), z=column(mixed))


def test_a_new_series_of_predictions_is_not_told_to_sort_itself():
    """Its rows are in the order of y, whatever its own index says."""
    with pytest.raises(InputError) as told:
        check_order("fit", y_pred=column(range(4)), y=column([2, 0, 3, 1]))
    words = str(told.value)
    assert words.index("y_pred.set_axis(y.index)") < words.index("y.loc[y_pred.index]")
