"""From a log back to a campaign."""

import warnings

from uq._base.exceptions import InputError, LogError

from ._campaign import Campaign
from ._log import EventLog, check_storage
from ._settings import check_optimizer, read_parameters

__all__ = ["resumed"]


def resumed(kind, path, surrogate, acquisition, cost=None):
    """Return an optimizer of this class with the parameters of a log, and its campaign; the log stays locked."""
    owner = "BayesianOptimizer.resume"
    path = check_storage(path, owner, "path")
    if path is None:
        raise InputError(f"{owner}: path must be that of a log; got None.")
    log = EventLog(path, new=False)
    try:
        optimizer = kind(**read_parameters(log.events[0], log.path, surrogate, acquisition, cost), storage=path)
        campaign = Campaign(_settings(optimizer, log, (surrogate, acquisition, cost)), log)
        campaign.replay(log.events[1:], log.path)
    except BaseException:
        log.close()
        raise
    log.events = []
    if log.repaired:
        warnings.warn(
            f"log {log.path!r} ended in an incomplete line of {log.repaired} bytes, which was cut off: its event was "
            "never answered. Tell the last result again if it is missing.",
            UserWarning,
            stacklevel=3,
        )
    return optimizer, campaign


def _settings(optimizer, log, given):
    try:
        return check_optimizer(optimizer)
    except InputError as error:
        if any(part is not None for part in given):
            raise  # of what the caller gave
        raise LogError(f"log {log.path!r} is damaged: {error}") from None
