"""Frozen records: array-aware equality, pickling through the constructor, arrays that cannot be written to."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

__all__ = ["Frozen"]


class Frozen:
    """Base of results and laws. Subclasses are ``@dataclass(frozen=True, slots=True, kw_only=True, eq=False)``."""

    __slots__ = ()
    if TYPE_CHECKING:  # every subclass is a dataclass, which the base itself is not
        __dataclass_fields__: ClassVar[dict[str, Any]]

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                if value.ndim == 0:
                    value = value.item()
                elif value.flags.writeable or not value.flags.owndata:  # a read-only view may still change
                    value = value.copy()
                    value.flags.writeable = False
            elif isinstance(value, np.generic):
                value = value.item()
            object.__setattr__(self, field.name, value)

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        return all(_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self):
        # through the constructor, so that arrays come back read-only
        return _rebuild, (type(self), {f.name: getattr(self, f.name) for f in fields(self)})


def _rebuild(cls, values):
    return cls(**values)


def _equal(a, b):
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        a, b = np.asarray(a), np.asarray(b)
        return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc")
    if hasattr(a, "equals") and hasattr(b, "equals"):  # a caller's pandas index
        return bool(a.equals(b))
    if isinstance(a, float) and isinstance(b, float) and a != a and b != b:
        return True
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[k], b[k]) for k in a)
    return bool(a == b)
