"""Trials: what was suggested, what became of it, and the table of all of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.record import Result

__all__ = ["STATUSES", "Trial", "TrialRecord", "Trials"]

STATUSES = ("ok", "failed", "abandoned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A suggestion of `BayesianOptimizer.ask`: evaluate `params`, and `tell` what came.

    Parameters
    ----------
    id : int
        Number of the trial in its campaign, from 0.
    params : dict
        A value for each parameter of the space.
    environment : dict, optional
        The environment to evaluate it in, where the campaign has one.
    fidelity : object, optional
        The source to evaluate it with, where the campaign has several.

    Examples
    --------
    >>> from bayes import Trial
    >>> Trial(id=0, params={"lr": .1}).params["lr"]
    0.1
    """

    id: int
    params: dict[str, Any]
    environment: Any = None
    fidelity: Any = None

    def __hash__(self):
        return hash((Trial, self.id))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrialRecord(Result):
    """What is known of one trial.

    Parameters
    ----------
    id : int
    params : dict
    status : {"pending", "ok", "failed", "abandoned"}
    value : float or None
        As it was told.
    y_var : float or None
        Known noise variance of the value.
    constraints : dict of str to float or None
    origin : {"initial", "model", "user", "run"}
        "initial" for the space-filling first ones, "user" for settings that were told without being asked for.
    mean, std : float or None
        What the model expected of the value before it came, and the standard deviation of that forecast.
    by_run : bool
        Whether `run` asked for it.
    environment : dict or None
        Where it is, or is to be, evaluated.
    fidelity : object
        What with.
    cost : float or None
        As it was told.
    error : str or None
        Why it failed, where that was told.
    """

    id: int
    params: dict[str, Any]
    status: str
    value: float | None = None
    y_var: float | None = None
    constraints: dict[str, float] | None = None
    origin: str = "model"
    mean: float | None = None
    std: float | None = None
    by_run: bool = False
    environment: Any = None
    fidelity: Any = None
    cost: float | None = None
    error: str | None = None

    def trial(self) -> Trial:
        """Return the trial itself, with dicts of its own, which the user may change."""
        where = None if self.environment is None else dict(self.environment)
        return Trial(id=self.id, params=dict(self.params), environment=where, fidelity=self.fidelity)

    def _table(self):
        # named as in the table of all trials: a parameter may be called "value"
        shown = {f"params.{name}": value for name, value in self.params.items()}
        shown |= {f"environment.{name}": value for name, value in (self.environment or {}).items()}
        if self.fidelity is not None:
            shown["fidelity"] = self.fidelity
        return {"id": [self.id], "status": [self.status], "value": [self.value], **{n: [v] for n, v in shown.items()}}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trials(Result):
    """All trials of a campaign, in the order in which they began: a sequence, a table, a picture of the progress.

    Parameters
    ----------
    records : tuple of TrialRecord
    direction : {"maximize", "minimize"}
    target : object
        The fidelity that counts; None where there is one only.
    """

    records: tuple[TrialRecord, ...]
    direction: str = "maximize"
    target: Any = None

    def __len__(self):
        return len(self.records)

    def __getitem__(self, i):
        return self.records[i]

    def __iter__(self) -> Iterator[TrialRecord]:
        return iter(self.records)

    def _table(self):
        columns: dict[str, list] = {
            "id": [r.id for r in self.records],
            "status": [r.status for r in self.records],
            "origin": [r.origin for r in self.records],
            "value": [np.nan if r.value is None else r.value for r in self.records],
        }
        names = dict.fromkeys(name for r in self.records for name in r.params)
        columns |= {f"params.{name}": [r.params[name] for r in self.records] for name in names}
        told = dict.fromkeys(name for r in self.records for name in r.constraints or ())
        columns |= {f"constraints.{name}": [(r.constraints or {}).get(name) for r in self.records] for name in told}
        where = dict.fromkeys(name for r in self.records for name in r.environment or ())
        columns |= {f"environment.{name}": [(r.environment or {}).get(name) for r in self.records] for name in where}
        for name in ("y_var", "fidelity", "cost", "error"):
            if any(getattr(r, name) is not None for r in self.records):
                columns[name] = [getattr(r, name) for r in self.records]
        return columns

    def _title(self):
        n = {status: sum(r.status == status for r in self.records) for status in ("ok", "failed", "pending")}
        return f"{len(self.records)} trials ({', '.join(f'{k} {status}' for status, k in n.items())})"

    def __repr__(self):
        return f"<{self._title()}>"

    def _draw(self, ax):
        from ._optimizer_plot import draw_progress

        return draw_progress(ax, self)
