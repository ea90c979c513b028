"""A whole campaign: evaluations here or on an executor, told when they come."""

import os
import pickle
import warnings
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, wait
from typing import Any

from uq._base.exceptions import InputError, SpaceExhaustedError
from uq._base.progress import progress

from ._constraints import check_told_constraints
from ._cost import check_told_cost
from ._signatures import check_takes
from ._told import check_some, check_value, reason_of

__all__ = ["run_trials"]

OWNER = "BayesianOptimizer.run"
_WORKERS = 4  # where an executor does not tell how many it has


def run_trials(optimizer, f, n_trials, executor, n_parallel):
    """Evaluate n_trials trials; see `BayesianOptimizer.run`."""
    if not callable(f):
        raise InputError(f"{OWNER}: f must be a function of params; got {f!r:.100}.")
    n_trials = check_some(n_trials, OWNER, "n_trials")
    if executor is not None and (isinstance(executor, type) or not callable(getattr(executor, "submit", None))):
        raise InputError(
            f"{OWNER}: executor must be a concurrent.futures.Executor, such as a ThreadPoolExecutor; got "
            f"{executor!r:.100}. Of a Dask client give client.get_executor()."
        )
    _check_can_be_sent(f, executor)
    if n_parallel is not None:
        n_parallel = check_some(n_parallel, OWNER, "n_parallel")
    campaign = optimizer._begin()
    check_takes(f, campaign.settings.context, OWNER, "f")
    queue = _Queue(optimizer, n_trials)
    if executor is None:
        results = _here(f, queue)
    else:
        found = getattr(executor, "_max_workers", None)
        workers = found if isinstance(found, int) and found > 0 else min(_WORKERS, os.cpu_count() or 1)
        results = _elsewhere(f, queue, executor, n_parallel or workers)
    told = _Told(optimizer, campaign)
    # one step per result, so that the bar moves with them
    for _, (trial, result, error) in zip(progress(range(n_trials), "trials"), results, strict=False):
        told.tell(trial, result, error)
    told.warn(queue.exhausted)


def _check_can_be_sent(f, executor):
    """Refuse an f that no worker process would get: every trial would fail, and no setting is to blame."""
    from concurrent.futures import ProcessPoolExecutor

    if isinstance(executor, ProcessPoolExecutor):
        try:
            pickle.dumps(f)
        except Exception as error:  # whatever an object raises that cannot be copied
            raise InputError(
                f"{OWNER}: f must be a function that can be sent to another process; got {f!r:.100} ({error!s:.100}). "
                "Define it at the top of a module, or use a ThreadPoolExecutor."
            ) from None


class _Queue:
    """Trials to evaluate: first those that an earlier run left behind."""

    def __init__(self, optimizer, n_trials):
        self._optimizer, self._left = optimizer, n_trials
        campaign = optimizer._begin()
        records = (campaign.records[i] for i in campaign.which("pending"))
        self._behind = [record.trial() for record in records if record.by_run]
        self.exhausted = False

    def next(self):
        """Return a trial, or None where there are enough or the space has no more."""
        if not self._left or self.exhausted:
            return None
        self._left -= 1
        if self._behind:
            return self._behind.pop(0)
        try:
            return self._optimizer._ask(by_run=True)
        except SpaceExhaustedError:
            self.exhausted = True
            return None


def _where(trial):
    """Return environment and fidelity by name, where the trial has them."""
    found = {} if trial.environment is None else {"environment": dict(trial.environment)}
    return found if trial.fidelity is None else {**found, "fidelity": trial.fidelity}


def _here(f, queue):
    while (trial := queue.next()) is not None:
        try:
            yield trial, f(dict(trial.params), **_where(trial)), None
        except Exception as error:
            yield trial, None, error


def _elsewhere(f, queue, executor, n_parallel):
    waiting: dict[Any, Any] = {}
    lost: list[Any] = []
    broken: BrokenExecutor | None = None
    try:
        while True:
            while broken is None and len(waiting) < n_parallel and (trial := queue.next()) is not None:
                try:
                    waiting[executor.submit(f, dict(trial.params), **_where(trial))] = trial
                except BrokenExecutor as refusal:  # this one stays pending, and what is done is told yet
                    broken = refusal
            if not waiting:
                break
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            # in the order of asking, so that results which come together are told in one order
            for future in sorted(done, key=lambda future: waiting[future].id):
                trial = waiting.pop(future)
                error = future.exception()
                if error is not None and not isinstance(error, Exception):
                    raise error
                if isinstance(error, BrokenExecutor):
                    broken = error
                    lost.append(trial)
                else:
                    yield trial, None if error is not None else future.result(), error
    finally:
        for future in waiting:  # an interrupt: what has not begun never will
            future.cancel()
    if broken is not None:
        if len(lost) == 1:  # nothing else ran
            yield lost[0], None, broken
        raise BrokenExecutor(_why_broken(lost)) from broken


def _why_broken(lost):
    if len(lost) == 1:
        what = f"a worker died, and trial {lost[0].id}, the only one that it was given, was told as failed"
    else:
        what = (
            f"a worker died, and nobody knows which trial killed it: {', '.join(str(t.id) for t in lost) or 'all'} are "
            "pending still. With n_parallel=1 the next run begins with them and finds out"
        )
    return f"{OWNER}: the executor is broken: {what}. Go on by run with a new executor."


class _Told:
    """Turns results into events, and counts what failed."""

    def __init__(self, optimizer, campaign):
        self._optimizer, self._settings = optimizer, campaign.settings
        self._n = self._n_failed = 0
        self._reason = ""

    def tell(self, trial, result, error):
        """Tell one result; whatever cannot be a value is a failure."""
        self._n += 1
        if error is None:
            try:
                self._optimizer.tell(trial, **self._read(result))
                return
            except InputError as refusal:
                error = refusal
        self._n_failed += 1
        self._reason = reason_of(error)
        self._optimizer.tell(trial, error, status="failed")

    def _read(self, result):
        if not isinstance(result, Mapping):
            result = {"value": result}
        if "value" not in result or not set(result) <= {"value", "y_var", "constraints", "cost"}:
            raise InputError(
                f"{OWNER}: f must return a number, or a dict with 'value' and possibly 'y_var', 'constraints' and "
                f"'cost'; got {result!r:.100}."
            )
        check_value(result["value"], "ok", OWNER)
        check_told_constraints(result.get("constraints"), self._settings.constraints, OWNER)
        check_told_cost(result.get("cost"), self._settings.cost, "ok", OWNER)
        return dict(result)

    def warn(self, exhausted):
        """Warn once of a campaign that went nowhere, and of one that had nowhere to go."""
        if self._n and self._n_failed == self._n:
            warnings.warn(
                f"{OWNER}: all {self._n} trials failed, the last with {self._reason:.300}. Try f on one setting by "
                "hand, and tell a setting that is known to work: optimizer.tell(params, value).",
                UserWarning,
                stacklevel=4,
            )
        if exhausted:
            warnings.warn(
                f"{OWNER}: the space was exhausted after {self._n} trials: no setting is left to try. Widen the space, "
                "or ask for fewer trials.",
                UserWarning,
                stacklevel=4,
            )
