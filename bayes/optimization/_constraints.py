"""Constraints whose values are only known once a trial was evaluated: how they are written, told, and modelled."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from uq._base.exceptions import InputError
from uq._base.validation import check_number

__all__ = ["Bound", "check_constraints", "check_told_constraints"]

_WRITTEN = re.compile(r"\s*(<=|>=)\s*(\S+)\s*")
_LARGEST = 1e150


@dataclass(frozen=True, slots=True)
class Bound:
    """One constraint: the value of `name` is at most, or at least, a number.

    Parameters
    ----------
    name : str
    text : str
        As the user wrote it, "<= 2".
    sign : float
        1 for an upper bound, -1 for a lower one.
    limit : float
    """

    name: str
    text: str
    sign: float
    limit: float

    def excess(self, value):
        """Return by how much a value breaks the bound; up to 0 it does not."""
        return self.sign * (value - self.limit)


def check_constraints(constraints, owner):
    """Return the bounds of a dict of texts, or of a sequence of names whose values must not exceed 0."""
    if constraints is None:
        return ()
    if not isinstance(constraints, Mapping):
        if isinstance(constraints, (str, bytes)) or not isinstance(constraints, (list, tuple)):
            raise _refusal(owner, constraints)
        if not all(isinstance(name, str) for name in constraints) or len(set(constraints)) < len(constraints):
            raise _refusal(owner, constraints)
        if any(re.search("[<>]=?", name) for name in constraints):  # a bound that would be taken for a name
            raise _refusal(owner, constraints)
        constraints = dict.fromkeys(constraints, "<= 0")
    return tuple(_bound(name, text, owner) for name, text in constraints.items())


def _bound(name, text, owner):
    if not isinstance(name, str) or not name or name.encode("utf-8", "replace").decode() != name:
        raise _refusal(owner, name)
    found = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
    try:
        limit = float(found[2]) if found else math.nan
    except ValueError:
        limit = math.nan
    if not abs(limit) <= _LARGEST:
        raise _refusal(owner, {name: text})
    assert found is not None
    return Bound(name, text, 1.0 if found[1] == "<=" else -1.0, limit)


def _refusal(owner, got):
    return InputError(
        f"{owner}: constraints must be a dict from names to bounds such as {{'latency': '<= 2', 'recall': '>= .9'}}, "
        f"or a list of names whose values must not exceed 0; got {got!r:.100}."
    )


def check_told_constraints(constraints, bounds, owner):
    """Return the values of all constraints as a dict of floats, or None where the campaign has none."""
    names = ", ".join(repr(bound.name) for bound in bounds)
    if not bounds:
        if constraints:
            raise InputError(
                f"{owner}: constraints must be left out, since the optimizer was made without any; got "
                f"{constraints!r:.100}. Name them in BayesianOptimizer(constraints=...)."
            )
        return None
    if not isinstance(constraints, Mapping) or set(constraints) != {bound.name for bound in bounds}:
        raise InputError(
            f"{owner}: constraints must be a dict with the values of {names:.200}; got {constraints!r:.100}. A trial "
            "whose constraints could not be measured has status='failed'."
        )
    remedy = "A trial whose constraints could not be measured has status='failed'."
    return {
        bound.name: check_number(
            _scalar(constraints[bound.name]), owner, f"constraints[{bound.name!r}]", low=-_LARGEST, high=_LARGEST,
            closed=True, remedy=remedy,
        )
        for bound in bounds
    }  # fmt: skip


def _scalar(value):
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value
