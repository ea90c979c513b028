"""The state of a campaign, which is what its log says and nothing else: settings, trials, and what was fitted last.

Whatever changes it is an event, written down before it takes effect; `Campaign.replay` repeats the events of a log. No
model lives here.
"""

import threading
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from uq._base.exceptions import LogError

from ._constraints import check_told_constraints
from ._told import check_status, check_value
from ._trials import TrialRecord, Trials

__all__ = ["Campaign"]

_DICTS = ("params", "environment", "constraints")
_ENOUGH_REPEATS = 2  # settings told twice, each time with one value, before the values are taken to be noise-free


class Campaign:
    """Settings, trials, and the hyperparameters that the last suggestion was made with.

    Attributes
    ----------
    records : list of TrialRecord
        By their ids.
    rows : list of ndarray of shape (n_columns,)
        Their places in the unit cube, environment and fidelity included.
    known_costs : dict
        What a function of costs has said; it may be forgotten at any time.
    n_asked : int
        Suggestions so far; the next one draws from a generator of its own.
    n_told : int
        Results so far; models are fitted to them.
    fitted : dict or None
        Hyperparameters by model, and the number of rows they were fitted to.
    """

    def __init__(self, settings, log=None):
        self.settings = settings
        self.log = log
        self.turn = threading.RLock()
        self.records: list[TrialRecord] = []
        self.rows: list[np.ndarray] = []
        self.n_asked = self.n_told = 0
        self.fitted: dict[str, Any] | None = None
        self.known_costs: dict[bytes, float] = {}

    def __getstate__(self):
        if self.log is not None:
            raise LogError(
                f"a campaign with the log {self.log.path!r} cannot be copied or pickled: two would write to one log. "
                "Use BayesianOptimizer.resume(path) where it is needed."
            )
        return {name: value for name, value in self.__dict__.items() if name != "turn"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.turn = threading.RLock()

    # ---- events

    def happen(self, event):
        """Write an event down, then let it take effect."""
        if self.log is not None:
            self.log.append(event)
        self._apply(event)

    def replay(self, events, path):
        """Let the events of a log take effect again."""
        for number, event in enumerate(events, start=2):
            try:
                self._apply(event)
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise LogError(
                    f"log {path!r} is damaged: line {number} does not fit the lines before it. Restore the file from a "
                    "copy, or cut it off before that line."
                ) from error

    def _apply(self, event):
        if event["event"] == "ask":
            record = partial(TrialRecord, status="pending", origin=event["origin"], by_run=event.get("run", False))
            self._begin(record, event)
            self.n_asked += 1
            if event.get("fitted"):
                self.fitted = event["fitted"]
        elif event["event"] == "tell":
            self._check_result(event)
            result = {name: event.get(name) for name in ("value", "y_var", "constraints", "cost", "error")}
            if "params" in event:
                self._begin(partial(TrialRecord, status=event["status"], origin="user", **result), event)
            else:
                record = self.records[event["id"]]
                if record.status != "pending" or record.id != event["id"]:
                    raise ValueError("no pending trial")
                self.records[event["id"]] = replace(record, status=event["status"], **result)
            self.n_told += 1
        else:
            raise ValueError("unknown event")

    def _check_result(self, event):
        status, y_var = check_status(event["status"], "log"), event.get("y_var")
        check_value(event.get("value"), status, "log")
        if status == "ok":
            check_told_constraints(event.get("constraints"), self.settings.constraints, "log")
            if y_var is not None:
                check_value(y_var, "variance", "log")

    def _begin(self, record, event):
        if event["id"] != len(self.records):
            raise ValueError("an id is missing")
        params = self.settings.space.check(event["params"], "log")
        shown = {name: event.get(name) for name in ("mean", "std")}
        shown |= self.settings.context.check(event.get("environment"), event.get("fidelity"), "log")
        made = record(id=event["id"], params=params, **shown)
        self.rows.append(self.row(made))
        self.records.append(made)

    def row(self, trial):
        """Return the place of a trial in the unit cube."""
        context = self.settings.context
        return context.joint.encode(context.spot(trial.params, trial.environment, trial.fidelity))

    # ---- views

    def spot(self, i):
        """Return what tells the evaluations of a trial from others: params, environment, fidelity."""
        record = self.records[i]
        return self.settings.context.spot(record.params, record.environment, record.fidelity)

    def pending_like(self, event):
        """Return the ids of pending trials at the same params, environment and fidelity."""
        names = ("params", "environment", "fidelity")
        wanted = [event.get(name) for name in names]
        pending = self.which("pending")
        return [i for i in pending if [getattr(self.records[i], name) for name in names] == wanted]

    def which(self, *statuses):
        """Return the ids of the trials with these statuses, in the order of the ids."""
        return [record.id for record in self.records if record.status in statuses]

    def points(self, ids):
        """Return the rows (k, n_columns) of trials."""
        return np.array([self.rows[i] for i in ids]).reshape(len(ids), self.settings.context.joint.n_columns)

    def told(self):
        """Return X (n, d), the values to be maximised (n,) and their known noise variances (n,) or None."""
        ids = self.which("ok")
        records = [self.records[i] for i in ids]
        y = self.settings.sign * np.array([r.value for r in records], dtype=float)
        known = any(r.y_var is not None for r in records)
        y_var = np.array([r.y_var or 0.0 for r in records]) if known else None
        return self.points(ids), y, y_var

    def constraint_values(self, bound):
        """Return the told values of one constraint (n,), such that those up to 0 satisfy it."""
        records = (self.records[i] for i in self.which("ok"))
        excess = np.array([bound.excess(r.constraints[bound.name]) for r in records], dtype=float)
        if (excess == 0).any() and (excess > 0).any():
            # counts and flags: a model would put what lies on the bound behind it. Any bound below the least value that
            # breaks it says the same of what was told, and the one half way is far from both sides.
            excess -= excess[excess > 0].min() / 2
        return excess

    def costs(self):
        """Return X (k, d) and log costs (k,) of the trials whose cost was told."""
        told = {record.id: record.cost for record in self.records if record.cost is not None}
        return self.points(list(told)), np.log(list(told.values()))

    def looks_noise_free(self):
        """Tell whether settings that were told more than once had one value each, and there are enough of them."""
        values: dict[tuple, list[float]] = {}
        for i in self.which("ok"):
            if self.records[i].y_var:
                return False
            values.setdefault(tuple(self.spot(i).values()), []).append(self.records[i].value)
        repeated = [v for v in values.values() if len(v) > 1]
        return sum(len(v) - 1 for v in repeated) >= _ENOUGH_REPEATS and all(min(v) == max(v) for v in repeated)

    def table(self):
        """Return the Trials."""
        settings = self.settings
        # dicts of their own, which the reader may change
        records = tuple(replace(r, **{name: copy(getattr(r, name)) for name in _DICTS}) for r in self.records)
        return Trials(records=records, direction=settings.direction, target=settings.context.target)

    def generator(self, *key):
        """Return the generator that belongs to a suggestion, whoever asks and however often."""
        return np.random.default_rng(np.random.SeedSequence(self.settings.seed, spawn_key=key))
