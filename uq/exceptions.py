"""Errors and warnings of the whole library, by name: ``from uq.exceptions import InputError``."""

from ._base.exceptions import BudgetExhaustedError as BudgetExhaustedError
from ._base.exceptions import EmptyIntervalWarning as EmptyIntervalWarning
from ._base.exceptions import ExtrapolationWarning as ExtrapolationWarning
from ._base.exceptions import InfiniteBoundWarning as InfiniteBoundWarning
from ._base.exceptions import InputError as InputError
from ._base.exceptions import LedgerError as LedgerError
from ._base.exceptions import LogError as LogError
from ._base.exceptions import MissingExtraError as MissingExtraError
from ._base.exceptions import NotIdentifiedError as NotIdentifiedError
from ._base.exceptions import SmallSampleWarning as SmallSampleWarning
from ._base.exceptions import SpaceExhaustedError as SpaceExhaustedError
from ._base.exceptions import UntestedAssumptionWarning as UntestedAssumptionWarning
from ._base.exceptions import UQError as UQError

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
