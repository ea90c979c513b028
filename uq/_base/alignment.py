"""Rows of one call are paired by their place: pandas columns whose indices say otherwise are refused."""

from collections import Counter

from .containers import index_of
from .exceptions import InputError

__all__ = ["check_order"]


def check_order(owner, known=None, /, **columns):
    """Raise where two pandas columns of one call hold the same row labels in another order.

    Parameters
    ----------
    owner : str
    known : (str, index) or None
        What an earlier call returned: the columns are compared with this one, too.
    **columns
        What the caller gave, by name. Without an index it is not looked at.

    Returns
    -------
    (str, index) or None
        The name and the index of the first column that has one; columns whose labels differ are paired as they are.
    """
    seen = [] if known is None else [known]
    for name, column in columns.items():
        index = index_of(column)
        if index is None:
            continue
        for other, earlier in seen:
            if _same_in_another_order(earlier, index):
                raise InputError(
                    f"{owner}: {name} must have its rows in the order of {other}; its index holds the same labels in "
                    "another order, and rows are paired by their place. If the rows are in one order and an index is "
                    f"not theirs, as that of a new Series of predictions, give {other}.set_axis({name}.index) or "
                    f"arrays; if the rows are in different orders, {name}.loc[{other}.index] or columns of one frame."
                )
        if not any(index is earlier for _, earlier in seen):
            seen.append((name, index))
    return seen[0] if seen else None


def _same_in_another_order(one, two):
    if one is two or len(one) != len(two) or not len(one) or one.nlevels != two.nlevels or one.equals(two):
        return False
    try:
        # a glance at one label first: mostly it settles the matter
        if not two[:1].isin(one).all() or not two.isin(one).all():
            return False
    except (TypeError, ValueError, NotImplementedError):  # of pyarrow: texts are not compared with periods
        return False
    if one.is_unique and two.is_unique:
        return True
    return Counter(one.tolist()) == Counter(two.tolist())
