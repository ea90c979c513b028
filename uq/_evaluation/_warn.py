"""What the functions of this floor say when a method does not fit, or has too little to stand on."""

import warnings

from .._base.exceptions import InputError, SmallSampleWarning
from .._base.record import format_count

__all__ = ["FEW_GROUPS", "FEW_ROWS", "few", "needs", "refuses", "warn_small"]

FEW_ROWS = 30
FEW_GROUPS = 20


def few(n, kind):
    """Return the words that there are few of them, named in the plural."""
    return f"{format_count(n, kind)} {'is too' if n == 1 else 'are'} few"


def warn_small(n, n_groups, *, of="", stacklevel=4):
    """Warn once where an asymptotic interval has too few rows or clusters; `of` says whose the method is."""
    if n_groups is not None and n_groups < FEW_GROUPS:
        warnings.warn(
            f"{few(n_groups, 'clusters')} for an asymptotic interval, which may be too short; for scores with known "
            f"bounds use {of}method='betting' with bounds=(low, high), or collect at least {FEW_GROUPS} clusters.",
            SmallSampleWarning,
            stacklevel=stacklevel,
        )
    elif n_groups is None and n < FEW_ROWS:
        warnings.warn(
            f"{few(n, 'rows')} for an asymptotic interval, which may be too short; for scores with known bounds use "
            f"{of}method='betting' with bounds=(low, high), for 0/1 scores an exact one, or collect at least "
            f"{FEW_ROWS}.",
            SmallSampleWarning,
            stacklevel=stacklevel,
        )


def needs(owner, method, **arguments):
    """Raise where a method's argument is missing."""
    for name, value in arguments.items():
        if value is None:
            raise InputError(f"{owner}: method={method!r} needs {name}; got {name}=None.")


def refuses(owner, method, **arguments):
    """Raise where an argument is given that the method would have to ignore."""
    for name, value in arguments.items():
        if value is not None:
            raise InputError(
                f"{owner}: method={method!r} takes no {name}: it treats rows as independent. "
                "Use method='cluster', 'bootstrap' or 'betting', or leave it to method='auto'."
            )
