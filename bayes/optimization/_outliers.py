"""Values so far below the others that a model sees no difference among these any more."""

import warnings

import numpy as np

__all__ = ["far_below", "warn_of_outliers"]

_ENOUGH = 8  # other values, before any is called far from them
_FAR = 1000.0  # times the range of all others: a penalty; chance among scores near the top lies 50 times below them


def far_below(y):
    """Return the places of values that lie below all others by many times the range of these, the lowest first."""
    order = np.argsort(y, kind="stable")
    left, n_far = y[order], 0
    while len(left) > _ENOUGH:
        gaps = np.diff(left)
        k = int(gaps.argmax()) + 1
        rest = left[k:]
        if len(rest) < _ENOUGH or not 0 < _FAR * np.ptp(rest) < gaps[k - 1]:
            break
        left, n_far = rest, n_far + k
    return order[:n_far]


def warn_of_outliers(campaign, owner, remedy):
    """Warn of told values that hide the others from the model, and return whether there were any.

    Environments and fidelities may have levels of their own, which are no outliers.
    """
    if campaign.settings.context:
        return False
    ids = campaign.which("ok")
    values = np.array([campaign.records[i].value for i in ids], dtype=float)
    far = far_below(campaign.settings.sign * values)
    if not len(far):
        return False
    worst = campaign.records[ids[far[0]]]
    others = f", as do {len(far) - 1} more," if len(far) > 1 else ""
    warnings.warn(
        f"{owner}: the value {worst.value:g} of trial {worst.id}, {worst.params!r:.200}, lies{others} "
        f"{'below' if campaign.settings.sign > 0 else 'above'} all others by more than {_FAR:g} times their range. "
        f"Beside it the model sees no difference among them. {remedy}",
        UserWarning,
        stacklevel=5,
    )
    return True
