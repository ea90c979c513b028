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
        What an earlier call returned: the columns are compared with this one.
    **columns
        What the caller gave, by name. Without an index it is not looked at.

    Returns
    -------
    (str, index) or None
        The name and the index of the first column that has one; columns whose labels differ are paired as they are.
    """
    for name, column in columns.items():
        index = index_of(column)
        if index is None:
            continue
        if known is None:
            known = name, index
        elif _same_in_another_order(known[1], index):
            raise InputError(
                f"{owner}: {name} must have its rows in the order of {known[0]}; its index holds the same labels in "
                f"another order. Rows are paired by their place: give {name}.loc[{known[0]}.index], or columns of one "
                "frame; where the order is meant, pass arrays."
            )
    return known


def _same_in_another_order(one, two):
    if one is two or len(one) != len(two) or not len(one) or one.nlevels != two.nlevels or one.equals(two):
        return False
    # a glance at one label first: mostly it settles the matter
    if not two[:1].isin(one).all() or not two.isin(one).all():
        return False
    if one.is_unique and two.is_unique:
        return True
    return Counter(one.tolist()) == Counter(two.tolist())
