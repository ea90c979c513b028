"""The log of a search: outcomes of fits, which a search that begins anew need not repeat.

A search asks the same settings in the same order each time, so that no state has to be kept but what fits cost.
"""

import os
import re

import joblib

from uq._base.exceptions import InputError, LogError

from ._log import EventLog, check_storage
from ._search_folds import setting_key
from ._search_results import outcome_from_log, outcome_to_log

__all__ = ["SearchLog", "fingerprint"]

FORMAT = 1


class SearchLog:
    """Outcomes on the disk, where there is a path; the same methods without one.

    Parameters
    ----------
    storage : str, path or None
    opening : dict
        What the search is; a log of another search is refused.
    seeded : bool
        Whether the caller gave a seed, which must then be that of the log.
    """

    def __init__(self, storage, opening, seeded):
        path = check_storage(storage, "BayesSearchCV")
        self.seed = opening["seed"]
        self._log: EventLog | None = None
        self._kept: dict = {}
        if path is None:
            return
        new = not (os.path.exists(path) and os.path.getsize(path))
        log = self._log = EventLog(path, new=new)
        try:
            if new:
                log.append({"event": "search", "format": FORMAT, **opening})
            else:
                self._resume(log, opening, seeded)
        except BaseException:
            self.close()
            raise

    def _resume(self, log, opening, seeded):
        first, *events = log.events
        if first.get("event") != "search" or first.get("format") != FORMAT:
            raise LogError(f"log {log.path!r} is not one of BayesSearchCV, or of another version of errorbars.")
        for name, value in opening.items():
            if name == "versions":
                continue
            if first.get(name) != value and (name != "seed" or seeded):
                raise LogError(
                    f"log {log.path!r} is of another search: its {_WORDS.get(name, name)} differs. Give the "
                    "same as then, or another storage."
                )
        try:
            self.seed = int(first["seed"])
            for event in events:
                key = (setting_key(event["params"]), event["fold"])
                self._kept[_hashable(key)] = [outcome_from_log(outcome) for outcome in event["outcomes"]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise LogError(f"log {log.path!r} is damaged ({error!r:.80}); restore it from a copy.") from None

    def recall(self, params, fold):
        """Return the outcomes of a setting on one fold, or on all (None), where they are known; else None."""
        return self._kept.get(_hashable((setting_key(params), fold)))

    def keep(self, params, fold, outcomes):
        """Write outcomes down."""
        if self._log is not None:
            kept = [outcome_to_log(outcome) for outcome in outcomes]
            self._log.append({"event": "fit", "params": params, "fold": fold, "outcomes": kept})

    def close(self):
        """Give the file back."""
        if self._log is not None:
            self._log.close()


_WORDS = {"seed": "random_state", "data": "X, y or fit parameters", "splits": "cv", "space_hash": "space"}


def _hashable(key):
    return tuple(map(_hashable, key)) if isinstance(key, (list, tuple)) else key


def fingerprint(thing, name):
    """Return what tells data from others; estimators and functions are told by how they are shown."""
    if name in ("estimator", "scoring"):
        shown = thing.__repr__(N_CHAR_MAX=10**9) if hasattr(thing, "get_params") else repr(thing)
        return re.sub(r"0x[0-9a-fA-F]+", "", shown)
    try:
        return joblib.hash(thing)
    except Exception as error:
        raise InputError(
            f"BayesSearchCV: {name} cannot be told from other data ({error!r:.80}), which storage needs. Give arrays, "
            "or leave storage out."
        ) from None
