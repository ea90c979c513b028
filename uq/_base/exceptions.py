"""Errors and warnings of the whole library.

Every error derives from `UQError`; those that replace a built-in one also derive from it, so that
``except ValueError`` and ``except ImportError`` keep working.
"""

__all__ = [
    "BudgetExhaustedError",
    "EmptyIntervalWarning",
    "ExtrapolationWarning",
    "InfiniteBoundWarning",
    "InputError",
    "LedgerError",
    "LogError",
    "MissingExtraError",
    "NotIdentifiedError",
    "SmallSampleWarning",
    "SpaceExhaustedError",
    "UQError",
    "UntestedAssumptionWarning",
]


class UQError(Exception):
    """Base class of all errors raised by this library."""


class InputError(UQError, ValueError):
    """An argument is not what the function can work with; nothing was computed and nothing was changed."""


class MissingExtraError(UQError, ImportError):
    """An optional dependency is needed; the message names the pip line that installs it."""


class NotIdentifiedError(UQError):
    """The data cannot determine the quantity that was asked for, however many rows there were."""


class LedgerError(UQError):
    """The record of what was asked of a holdout is damaged, cannot be written, or does not belong to these data."""


class LogError(UQError):
    """The log of a campaign is damaged, in use elsewhere, cannot be written, or belongs to other settings."""


class SpaceExhaustedError(UQError):
    """Every setting of a finite space was tried, and none of them is worth another look."""


class BudgetExhaustedError(UQError):
    """A holdout has answered as many questions as its guarantee allows."""


class InfiniteBoundWarning(UserWarning):
    """A bound is infinite because nothing finite can be promised; the message says what would make it finite."""


class SmallSampleWarning(UserWarning):
    """An approximation is used with fewer rows or clusters than it needs; the message names the remedy."""


class EmptyIntervalWarning(UserWarning):
    """No mean is compatible with the rows at this level: a rare event, or the rows do not share one mean."""


class ExtrapolationWarning(UserWarning):
    """A fitted curve is evaluated outside the range of the data that it was fitted on."""


class UntestedAssumptionWarning(UserWarning):
    """An answer stands on an assumption that the data given cannot test; the message says how to test or state it."""
