"""The log of a search: outcomes of fits, which a search that begins anew need not repeat.

A search asks the same settings in the same order each time, so that no state has to be kept but what fits cost.
"""

import os
import re
from collections.abc import Mapping
from functools import partial
from types import CodeType, FunctionType

import joblib
import numpy as np

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
    """Return what tells data from others; estimators and scorers are told by how they are shown, and what they hold."""
    try:
        if name not in ("estimator", "scoring"):
            return joblib.hash(thing)
        shown = thing.__repr__(N_CHAR_MAX=10**9) if hasattr(thing, "get_params") else repr(thing)
        return re.sub(r"0x[0-9a-fA-F]+", "", shown) + _held(thing)
    except Exception as error:
        raise InputError(
            f"BayesSearchCV: {name} cannot be told from another ({error!r:.80}), which storage needs. Give arrays, or "
            "leave storage out."
        ) from None


def _held(thing):
    """Return a hash of what is not shown in full, code of functions and entries of arrays; nothing where all is."""
    found: list = []
    _collect(thing, found, set())
    return f" {joblib.hash(found)}" if found else ""


def _collect(thing, found, met):
    """Append what thing holds, at any depth, that its text does not tell."""
    parts: list = []
    if isinstance(thing, np.ndarray):
        found.append(thing)
    elif isinstance(thing, Mapping):
        parts = list(thing.values())
    elif isinstance(thing, (list, tuple)):
        parts = list(thing)
    elif isinstance(thing, partial):
        parts = [thing.func, *thing.args, *thing.keywords.values()]
    elif hasattr(thing, "_score_func"):  # scikit-learn's scorers
        parts = [thing._score_func]
    elif hasattr(thing, "get_params") and not isinstance(thing, type):
        parts = [value for _, value in sorted(thing.get_params(deep=False).items())]
    elif isinstance(thing, FunctionType) and id(thing) not in met and not str(thing.__module__).startswith("sklearn."):
        met.add(id(thing))  # it may hold itself
        parts = [*map(_content, thing.__closure__ or ()), *(thing.__defaults__ or ())]
        parts += (thing.__kwdefaults__ or {}).values()
        found.append((_code(thing.__code__), [part for part in parts if isinstance(part, (int, float, str))]))
    for part in parts:
        _collect(part, found, met)


def _content(cell):
    try:
        return cell.cell_contents
    except ValueError:  # not set yet
        return None


def _code(code):
    """Return what a function does, whatever it is called and wherever it stands."""
    held = [
        _code(part) if isinstance(part, CodeType)
        # the order of a set is another one in each process
        else sorted(map(repr, part)) if isinstance(part, frozenset) else repr(part)
        for part in code.co_consts
    ]  # fmt: skip
    return code.co_code.hex(), code.co_names, held
