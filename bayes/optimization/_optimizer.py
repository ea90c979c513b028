"""`BayesianOptimizer`: which setting to try next, one at a time or many at once, through crashes and restarts."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator

from uq._base.citation import cites
from uq._base.exceptions import InputError, SpaceExhaustedError
from uq._base.threads import one_blas_thread

from ._campaign import Campaign
from ._constraints import check_told_constraints
from ._cost import check_told_cost
from ._log import EventLog, check_storage
from ._models import fit_models, forecast
from ._optimizer_findings import Findings
from ._outliers import warn_of_outliers
from ._propose import propose
from ._resume import resumed
from ._run import run_trials
from ._settings import check_optimizer
from ._surrogate import make_surrogate
from ._told import check_some, check_status, check_trial, check_value, is_same, reason_of
from ._trials import Trial

__all__ = ["BayesianOptimizer"]


@cites("frazier2018")
class BayesianOptimizer(Findings, BaseEstimator):
    """Find the best setting of an expensive, noisy, crashing evaluation in few trials.

    Parameters
    ----------
    space : dict of str to Real, Integer or Categorical
        The parameters, in the order in which they are shown.
    acquisition : str or callable, default "auto"
        What makes a setting worth trying. "auto" is "noisy_expected_improvement"; others are "expected_improvement",
        "knowledge_gradient", "max_value_entropy_search", "upper_confidence_bound" and "thompson_sample", functions of
        this package that go by their defaults, or a function ``f(gp, X, log=..., return_grad=...)`` like them, on rows
        of the unit cube and for larger values being better. Each is multiplied by the probability of success and of
        keeping the constraints. The knowledge gradient presumes that any setting may be used in the end, the
        improvements that it must have been evaluated; the entropy search asks how large the largest value is, among
        settings that the models take to keep the constraints.
    direction : {"maximize", "minimize"}, default "maximize"
    surrogate : GaussianProcess, optional
        Unfitted; a default one otherwise. ``GaussianProcess(noise_variance=0)`` states that there is no noise: no
        setting is then suggested twice.
    constraints : dict of str to str, or list of str, optional
        Outcomes that must keep a bound, measured with each trial: ``{"latency": "<= 2", "recall": ">= .9"}``. A list
        names outcomes that must not exceed 0.
    environment : dict, optional
        What a trial is evaluated in and nobody chooses in the end; the average over its law is what counts. A law is
        ``([128, 512], [.7, .3])``, values with weights (numbers are taken in order, one step apart; others are tasks
        without an order), ``Real(0, 1)``, the uniform law on an interval (with ``log=True`` of logarithms), or
        ``Integer`` or ``Categorical`` for equal weights, or a pair of one of these and weights. Another density is
        given by its quantiles, as values of equal weight. `ask` gives a setting and an environment, in
        ``trial.environment``.
    fidelity : tuple, optional
        What a trial can be evaluated with, and the one that counts: ``(Integer(1, 81, log=True), 81)`` for epochs,
        ``(Categorical(["simulated", "measured"]), "measured")`` for sources. `ask` gives it in ``trial.fidelity``.
    cost : callable or "learned", optional
        What a trial costs; the acquisition is divided by it. A function ``cost(params)``, with ``environment`` and
        ``fidelity`` by name where the campaign has them, above 0; or "learned" from what `tell` is told.
    failures : {"classifier", "drop", "abandon"}, default "classifier"
        What failed trials are used for. "classifier": they are not suggested again, a model of what succeeds steers
        away from their surroundings, and the acquisition takes them to have a middling value; what is reported knows
        nothing of that. A trial that will probably fail is still made where its gain would be large enough. "abandon":
        they are not suggested again. "drop": nothing.
    n_initial : int or "auto", default "auto"
        Trials before the model decides, spread over the space; ``max(5, 2 * n_parameters)`` by default, environments
        and fidelity counting as parameters. Settings told without being asked for count, and failed and pending trials.
    storage : str or path, optional
        File of the log, which must not exist yet: one line of JSON per event, on the disk before `ask` returns. Go on
        with `resume`. A file ``<storage>.lock`` beside it keeps a second process out.
    random_state : None, int, Generator or RandomState, default None
        An int makes suggestions repeatable, for the same results told in the same order.

    Attributes
    ----------
    best_params_ : dict
        The evaluated setting with the best posterior mean, among those that keep the constraints: never merely that of
        the luckiest observation. With an environment or a fidelity any setting, evaluated or not, with the best
        posterior mean of the average at the fidelity that counts; one with a value, where trials have failed.
    best_value_ : float
        Posterior mean there.
    trials_ : Trials
        All trials so far, a sequence with `to_frame` and `plot`.
    pending_ : tuple of Trial
        Trials whose result was not told yet.

    Notes
    -----
    A Gaussian process on the unit cube (choices at distance 1 from each other, integers rounded) is fitted to the
    values; `ask` maximises the acquisition over the space, exactly where it has at most 50,000 settings, else from many
    starts. Pending trials are believed to have come out as predicted, so that several suggestions at a time differ.
    Settings may be suggested again under noise; once two repeats in a row have told that there is none, no more.

    With an environment or a fidelity the process lives on settings, environments and fidelities together, with a mean
    that is linear in the last two; what is learned of one is learned of the others as far as the data say so. One
    evaluation is worth what it is expected to add to the largest posterior mean of the average, over settings that may
    become the best: the knowledge gradient, never an improvement of the observed value, which is none. The average is
    a sum over values, a closed form over intervals under a Gaussian kernel, and under others a quadrature of 16
    nodes for one interval (8 for each of two, 4 of more). Costs divide it; without them another fidelity than the one
    that counts is asked for in the initial design, and where its answer is expected to tell as much.

    In a space where nothing has succeeded, or nothing has kept the constraints, the most probable setting to do so is
    suggested. Where a finite space has no setting left that may be suggested, `ask` raises `SpaceExhaustedError`.
    A value that is worse than all others by more than 1,000 times their range, as a penalty for a crash is, hides them
    from the model: one UserWarning names its trial, and what to tell instead.

    **Guarantee.** None of finding the optimum: each suggestion is the best for one more step, if the model is right and
    its maximum was found; several at a time are chosen as if those before would come out as predicted. A cheap fidelity
    that misleads is believed as long as the data leave it possible, and the best average may be promised where nothing
    was evaluated: evaluate it before it is used. After `resume` suggestions are bit for bit those of the uninterrupted
    campaign, on the same kind of machine, with the same versions, and results told in the same order. An event of the
    log is complete or was never answered.

    References
    ----------
    .. [1] P. Frazier (2018). A tutorial on Bayesian optimization. arXiv:1807.02811.

    Examples
    --------
    >>> from bayes import BayesianOptimizer, Real
    >>> optimizer = BayesianOptimizer({"x": Real(0, 10)}, direction="minimize", random_state=0)
    >>> for _ in range(12):
    ...     trial = optimizer.ask()
    ...     optimizer.tell(trial, (trial.params["x"] - 3) ** 2)
    >>> abs(optimizer.best_params_["x"] - 3) < 0.2
    True

    A crash is told as one: ``optimizer.tell(trial, status="failed")``. `run` does all of this:

    >>> optimizer = BayesianOptimizer({"x": Real(0, 10)}, direction="minimize", random_state=0)
    >>> optimizer.run(lambda params: (params["x"] - 3) ** 2, n_trials=12).trials_
    <12 trials (12 ok, 0 failed, 0 pending)>

    Of two loads, one is met four times as often; what is best on average is best at neither:

    >>> optimizer = BayesianOptimizer(
    ...     {"x": Real(0, 1)}, environment={"load": ([0.2, 0.7], [0.8, 0.2])}, random_state=0
    ... )
    >>> _ = optimizer.run(lambda params, environment: -((params["x"] - environment["load"]) ** 2), n_trials=14)
    >>> abs(optimizer.best_params_["x"] - 0.3) < 0.02
    True
    """

    def __init__(
        self,
        space,
        acquisition="auto",
        direction="maximize",
        surrogate=None,
        constraints=None,
        environment=None,
        fidelity=None,
        cost=None,
        failures="classifier",
        n_initial="auto",
        storage=None,
        random_state=None,
    ):
        self.space = space
        self.acquisition = acquisition
        self.direction = direction
        self.surrogate = surrogate
        self.constraints = constraints
        self.environment = environment
        self.fidelity = fidelity
        self.cost = cost
        self.failures = failures
        self.n_initial = n_initial
        self.storage = storage
        self.random_state = random_state

    # ---- the campaign behind it

    _owner = "BayesianOptimizer"
    _remedy = (
        "If it stands for a crash, tell status='failed' in place of a value; if it is real, tell logarithms, or values "
        "cut off where none would be used. What was told stays: begin anew by clone(optimizer), and tell it the rest."
    )

    def _begin(self) -> Campaign:
        """Return the campaign; the first call checks all parameters and opens the log."""
        campaign = getattr(self, "_campaign", None)
        if campaign is not None:
            self._check_unchanged()
        else:
            settings = check_optimizer(self)
            path = check_storage(self.storage, "BayesianOptimizer")
            log = None if path is None else EventLog(path, new=True)
            campaign = self._campaign = Campaign(settings, log)
            if log is not None:
                log.append(settings.event())
            self._check_unchanged()
        return campaign

    def _check_unchanged(self):
        """Refuse parameters that were set after the campaign began, which they would change in part."""
        now = self.get_params(deep=False)
        begun = self.__dict__.setdefault("_begun", now)
        if changed := [name for name, value in now.items() if not is_same(value, begun[name])]:
            raise InputError(
                f"BayesianOptimizer: {', '.join(changed)} must stay what it was when the campaign began. Begin another "
                "by clone(optimizer), and tell it what is known."
            )

    def _models(self, campaign):
        """Return the models of the campaign as it stands, fitted once for the results told so far."""
        n_told, models = getattr(self, "_fitted", (None, None))
        if n_told != campaign.n_told:  # asking changes no model
            models = fit_models(campaign, make_surrogate(self.surrogate))
            self._fitted = campaign.n_told, models
            if not getattr(self, "_has_warned", False):
                self._has_warned = warn_of_outliers(campaign, self._owner, self._remedy)
        return models

    def _is_noise_free(self, campaign):
        return getattr(self.surrogate, "noise_variance", None) == 0 or campaign.looks_noise_free()

    # ---- ask and tell

    def ask(self) -> Trial:
        """Return the next setting to evaluate.

        Returns
        -------
        trial : Trial
            Its `id`, a value for each parameter in `params`, and `environment` and `fidelity` where there are any. It
            is pending until it is told.

        Raises
        ------
        InputError
            For parameters of the constructor that are not what they may be, on the first call, or were changed since;
            for a cost that is not a number above 0; and for an acquisition that does not answer in the right shape.
        SpaceExhaustedError
            Where no setting of a finite space is left.
        LogError
            Where the log cannot be opened or written; nothing was asked then.
        """
        return self._ask(by_run=False)

    def _ask(self, by_run):
        campaign = self._begin()
        with campaign.turn, one_blas_thread():
            models = self._models(campaign)
            # what overflows is no value, and the search passes over it
            with np.errstate(over="ignore", invalid="ignore"):
                acquisition = campaign.settings.acquisition or self.acquisition
                row, origin, gp = propose(campaign, models, acquisition, self._is_noise_free(campaign), self.cost)
            context = campaign.settings.context
            if row is None:
                raise SpaceExhaustedError(
                    f"BayesianOptimizer: none of the {int(context.joint.size)} settings is left to try: all "
                    "were evaluated without noise, failed, or were abandoned. Take best_params_, or widen the space."
                )
            spot = context.joint.decode(row)
            event = {
                "event": "ask",
                "id": len(campaign.records),
                **context.split(spot),
                "origin": origin,
            }
            if gp is not None and np.ptp(campaign.told()[1]) > 0:  # the unit of a value is known from two that differ
                mean, event["std"] = forecast(gp, context.joint.encode(spot))
                event["mean"] = campaign.settings.sign * mean
            if by_run:
                event["run"] = True
            if models.fitted is not campaign.fitted:
                event["fitted"] = models.fitted
            campaign.happen(event)
            return campaign.records[-1].trial()

    def ask_many(self, n) -> list[Trial]:
        """Return several settings to evaluate side by side, chosen one after the other.

        Parameters
        ----------
        n : int
            How many.

        Returns
        -------
        trials : list of Trial
            Each takes those before it for pending. Fewer than `n` where a finite space is exhausted before, at least
            one.

        Raises
        ------
        InputError, SpaceExhaustedError, LogError
            As for `ask`.
        """
        n = check_some(n, "BayesianOptimizer.ask_many", "n")
        trials = [self.ask()]
        for _ in range(n - 1):
            try:
                trials.append(self.ask())
            except SpaceExhaustedError:
                break
        return trials

    def tell(
        self,
        trial,
        value=None,
        *,
        y_var=None,
        constraints=None,
        cost=None,
        environment=None,
        fidelity=None,
        status="ok",
    ) -> None:
        """Tell what became of a trial, or of a setting that was evaluated anyway.

        Parameters
        ----------
        trial : Trial or dict
            A pending trial, or the params of any setting of the space: a known default, results of earlier work. A
            trial that was asked for is told by itself: told by its params it stays pending, beside a second one.
        value : float, optional
            What was measured; needed with status "ok", and absent (None or NaN) otherwise. With "failed" the exception
            may stand here, whose text `trials_` then shows.
        y_var : float, optional
            Known noise variance of the value, a squared standard error.
        constraints : dict of str to float, optional
            Values of all constrained outcomes; needed with status "ok" where the campaign has any.
        cost : float, optional
            What the trial has cost, above 0; needed with status "ok" in a campaign with ``cost="learned"``.
        environment : dict, optional
            With params for a trial: what they were evaluated in; needed where the campaign has one.
        fidelity : object, optional
            With params for a trial: what they were evaluated with; the fidelity that counts by default.
        status : {"ok", "failed", "abandoned"}, default "ok"
            "failed": it was tried and crashed, diverged, ran out of memory. "abandoned": it was not tried to the end
            for reasons of its own; nothing is learned, and it is not suggested again.

        Raises
        ------
        InputError
            For a trial of another campaign, one that was told before, params outside of the space, and values that are
            not finite. Nothing is changed then.
        LogError
            Where the log cannot be written; nothing is changed then.

        Warns
        -----
        UserWarning
            For the params of a trial that is pending, and stays so.
        """
        owner = "BayesianOptimizer.tell"
        campaign = self._begin()
        with campaign.turn:
            event = {"event": "tell", **check_trial(trial, campaign, owner, environment, fidelity)}
            event["status"] = status = check_status(status, owner)
            error, value = reason_of(value), check_value(value, status, owner)
            if error is not None:
                event["error"] = error
            if status == "ok":
                event["value"] = value
                if y_var is not None:
                    event["y_var"] = check_value(y_var, "variance", owner)
                told = check_told_constraints(constraints, campaign.settings.constraints, owner)
                if told is not None:
                    event["constraints"] = told
            cost = check_told_cost(cost, campaign.settings.cost, status, owner)
            if cost is not None:
                event["cost"] = cost
            if "params" in event and (twins := campaign.pending_like(event)):
                warnings.warn(
                    f"{owner}: trial {twins[0]} has the same params and stays pending beside this result. If it is its "
                    "result, tell the trial; pending_ has it. If it will never have one, tell status='abandoned'.",
                    UserWarning,
                    stacklevel=2,
                )
            campaign.happen(event)

    # ---- whole campaigns

    def run(self, f, n_trials, executor=None, n_parallel=None) -> "BayesianOptimizer":
        """Ask, evaluate and tell.

        Parameters
        ----------
        f : callable
            ``f(params)`` returns the value, or a dict with "value" and, as in `tell`, "y_var", "constraints" and
            "cost". Environment and fidelity are passed by name, ``f(params, environment={...}, fidelity=...)``, where
            the campaign has them. If it raises, or the value is not a finite number, the trial has failed and the
            campaign goes on.
        n_trials : int
            Trials to evaluate in this call. Those that an interrupted `run` left pending come first.
        executor : concurrent.futures.Executor, optional
            Where `f` runs: threads, processes, or a Dask cluster (``client.get_executor()``). In this thread by
            default. A result is told when it comes, and the next setting asked for.
        n_parallel : int, optional
            Trials that are pending at a time; by default the number of the executor's workers, where it tells, else 4.

        Returns
        -------
        self

        Raises
        ------
        InputError
            For an `f` that cannot be called, does not take params (nor environment and fidelity by name, where there
            are any), or cannot be sent to processes; numbers below 1, and what is no executor.
        LogError
            Where the log cannot be written.
        concurrent.futures.BrokenExecutor
            Where a worker died, as one that runs out of memory. Its trial is told as failed if it was the only one
            that ran; else they remain pending, and ``run(..., n_parallel=1)`` on a new executor finds out which it was.

        Warns
        -----
        UserWarning
            Where all trials of this call failed, with the last error; and where a finite space is exhausted early.

        Notes
        -----
        **Guarantee.** Whatever stops it, an interrupt included, results that were told are in the log, and trials that
        were not remain pending, for `resume` and the next `run`.
        """
        run_trials(self, f, n_trials, executor, n_parallel)
        return self

    @classmethod
    def resume(cls, path, *, surrogate=None, acquisition=None, cost=None) -> "BayesianOptimizer":
        """Return the optimizer of a log, as it was before its process ended.

        Parameters
        ----------
        path : str or path
            The `storage` of the campaign.
        surrogate : GaussianProcess, optional
            Needed where that of the campaign held a function, which no log can hold.
        acquisition : callable, optional
            Needed where that of the campaign was a function.
        cost : callable, optional
            Likewise.

        Returns
        -------
        BayesianOptimizer
            Pending trials are pending still.

        Raises
        ------
        LogError
            For a file that is no log, damaged, or in use by another process.
        InputError
            Where `surrogate`, `acquisition` or `cost` is missing, or not wanted.

        Warns
        -----
        UserWarning
            Where a last line was incomplete, as a kill or a power cut leaves it: it is cut off; its event was never
            answered.
        UntestedAssumptionWarning
            Where the log was written by other versions.
        """
        made, made._campaign = resumed(cls, path, surrogate, acquisition, cost)
        return made

    def close(self) -> None:
        """Give the log back, so that another process may resume the campaign."""
        campaign = getattr(self, "_campaign", None)
        if campaign is not None and campaign.log is not None:
            campaign.log.close()
