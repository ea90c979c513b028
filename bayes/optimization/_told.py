"""What a user may tell: checks of trials, values and statuses."""

import numbers
from collections.abc import Mapping

from uq._base.exceptions import InputError
from uq._base.validation import check_count, check_option

from ._trials import STATUSES, Trial

__all__ = ["check_some", "check_status", "check_trial", "check_value", "is_same", "is_usable", "reason_of"]

_LARGEST = 1e150
_MOST_TRIALS = 10**6
_LONGEST = 300


def check_trial(trial, campaign, owner, environment=None, fidelity=None):
    """Return what an event needs to name a trial: the id of a pending one, or a new id with params and the rest."""
    space = campaign.settings.space
    if not isinstance(trial, Trial):
        if not isinstance(trial, Mapping):
            raise InputError(f"{owner}: trial must be what ask() returned, or a dict of params; got {trial!r:.100}.")
        where = campaign.settings.context.check(environment, fidelity, owner)
        return {"id": len(campaign.records), "params": space.check(trial, owner), **where}
    if environment is not None or fidelity is not None:
        raise InputError(
            f"{owner}: environment and fidelity must be left out with a trial, which has its own; got "
            f"{environment!r:.50} and {fidelity!r:.50}."
        )
    i = trial.id
    known = isinstance(i, numbers.Integral) and not isinstance(i, bool) and 0 <= i < len(campaign.records)
    if not known or campaign.records[i].trial() != trial:
        raise InputError(
            f"{owner}: trial must be one of this campaign; got {trial!r:.100}, which it never asked for. Tell its "
            "params, a dict, to add a result from elsewhere."
        )
    if campaign.records[i].status != "pending":
        raise InputError(
            f"{owner}: trial must be pending; got trial {i}, whose result was told before (status "
            f"{campaign.records[i].status!r}). Tell its params, a dict, to add a second result."
        )
    return {"id": int(i)}


def check_some(n, owner, name):
    """Return a number of trials that can be hoped to end."""
    n = check_count(n, owner, name)
    if n > _MOST_TRIALS:
        raise InputError(
            f"{owner}: {name} must be at most {_MOST_TRIALS}; got {n!r:.40}. Trials cost far more than that."
        )
    return n


def check_status(status, owner):
    """Return "ok", "failed" or "abandoned"."""
    return check_option(status, STATUSES, owner, "status")


def check_value(value, status, owner):
    """Return a value as a float where the status wants one, else None."""
    value = _scalar(value)
    if status in ("failed", "abandoned"):
        if value is None or isinstance(value, BaseException) or (_is_number(value) and not is_usable(value)):
            return None
        raise InputError(f"{owner}: value must be left out with status={status!r}; got {value!r:.100}.")
    if status == "variance":
        if is_usable(value) and value >= 0:
            return float(value)
        raise InputError(
            f"{owner}: y_var must be a variance, a finite number of at least 0, or None where it is not known; got "
            f"{value!r:.100}."
        )
    if is_usable(value):
        return float(value)
    raise InputError(
        f"{owner}: value must be a finite number of at most {_LARGEST:g} in size; got {value!r:.100}. A trial "
        "that gave none has status='failed'."
    )


def reason_of(value):
    """Return what is written down of the exception behind a failure; None where there is none."""
    if not isinstance(value, BaseException):
        return None
    try:
        text = f"{type(value).__name__}: {value}"
    except Exception:  # an exception that cannot be shown
        text = type(value).__name__
    return text[:_LONGEST].encode("utf-8", "replace").decode()


def is_same(value, other):
    """Tell one object, or plain ones that are equal: copies of a process have numbers of their own."""
    plain = type(value) is type(other) and isinstance(value, (str, int, float))
    return value is other or (plain and value == other)


def is_usable(value):
    """Tell a finite real number whose square does not overflow."""
    return _is_number(value) and abs(value) <= _LARGEST  # false for NaN


def _is_number(value):
    return isinstance(value, numbers.Real)  # True and False are values, too


def _scalar(value):
    """Return the number in an array or tensor without axes."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return value.item()
    return value
