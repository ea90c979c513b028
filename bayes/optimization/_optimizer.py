"""`BayesianOptimizer`: which setting to try next, one at a time or many at once, through crashes and restarts."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator

from uq._base.citation import cites
from uq._base.exceptions import InfiniteBoundWarning, SpaceExhaustedError
from uq._base.results import Interval
from uq._base.threads import one_blas_thread
from uq._base.validation import check_level, check_option

from ._campaign import Campaign
from ._constraints import check_told_constraints
from ._log import EventLog, check_storage
from ._models import best_trial, fit_models, forecast
from ._optimizer_report import OptimizerDiagnostics, diagnose
from ._propose import propose
from ._resume import resumed
from ._run import run_trials
from ._settings import check_optimizer
from ._surrogate import make_surrogate
from ._told import check_some, check_status, check_trial, check_value
from ._trials import Trial, Trials

__all__ = ["BayesianOptimizer"]


@cites("frazier2018")
class BayesianOptimizer(BaseEstimator):
    """Find the best setting of an expensive, noisy, crashing evaluation in few trials.

    Parameters
    ----------
    space : dict of str to Real, Integer or Categorical
        The parameters, in the order in which they are shown.
    acquisition : str or callable, default "auto"
        What makes a setting worth trying. "auto" is "noisy_expected_improvement"; others are "expected_improvement",
        "knowledge_gradient", "upper_confidence_bound" and "thompson_sample", functions of this package, or a function
        ``f(gp, X, log=..., return_grad=...)`` like them, on rows of the unit cube and for larger values being better.
        Each is multiplied by the probability of success and of keeping the constraints.
    direction : {"maximize", "minimize"}, default "maximize"
    surrogate : GaussianProcess, optional
        Unfitted; a default one otherwise. ``GaussianProcess(noise_variance=0)`` states that there is no noise: no
        setting is then suggested twice.
    constraints : dict of str to str, or list of str, optional
        Outcomes that must keep a bound, measured with each trial: ``{"latency": "<= 2", "recall": ">= .9"}``. A list
        names outcomes that must not exceed 0.
    failures : {"classifier", "drop", "abandon"}, default "classifier"
        What failed trials are used for. "classifier": they are not suggested again, and a model of what succeeds steers
        away from their surroundings. "abandon": they are not suggested again. "drop": nothing.
    n_initial : int or "auto", default "auto"
        Trials before the model decides, spread over the space; ``max(5, 2 * n_parameters)`` by default. Settings told
        without being asked for count, and failed and pending trials.
    storage : str or path, optional
        File of the log, which must not exist yet: one line of JSON per event, on the disk before `ask` returns. Go on
        with `resume`. A file ``<storage>.lock`` beside it keeps a second process out.
    random_state : None, int, Generator or RandomState, default None
        An int makes suggestions repeatable, for the same results told in the same order.

    Attributes
    ----------
    best_params_ : dict
        The evaluated setting with the best posterior mean, among those that keep the constraints: never merely that of
        the luckiest observation.
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

    In a space where nothing has succeeded, or nothing has kept the constraints, the most probable setting to do so is
    suggested. Where a finite space has no setting left that may be suggested, `ask` raises `SpaceExhaustedError`.

    **Guarantee.** None of finding the optimum: each suggestion is the best for one more step, if the model is right and
    its maximum was found. `best_params_` is an evaluated setting. After `resume` suggestions are bit for bit those of
    the uninterrupted campaign, on the same kind of machine, with the same versions, and results told in the same
    order. An event of the log is complete or was never answered.

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
    """

    def __init__(
        self,
        space,
        acquisition="auto",
        direction="maximize",
        surrogate=None,
        constraints=None,
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
        self.failures = failures
        self.n_initial = n_initial
        self.storage = storage
        self.random_state = random_state

    # ---- the campaign behind it

    def _begin(self) -> Campaign:
        """Return the campaign; the first call checks all parameters and opens the log."""
        campaign = getattr(self, "_campaign", None)
        if campaign is None:
            settings = check_optimizer(self)
            path = check_storage(self.storage, "BayesianOptimizer")
            log = None if path is None else EventLog(path, new=True)
            campaign = self._campaign = Campaign(settings, log)
            if log is not None:
                log.append(settings.event())
        return campaign

    def _models(self, campaign):
        """Return the models of the campaign as it stands, fitted once for the results told so far."""
        n_told, models = getattr(self, "_fitted", (None, None))
        if n_told != campaign.n_told:  # asking changes no model
            models = fit_models(campaign, make_surrogate(self.surrogate))
            self._fitted = campaign.n_told, models
        return models

    def _is_noise_free(self, campaign):
        return getattr(self.surrogate, "noise_variance", None) == 0 or campaign.looks_noise_free()

    # ---- ask and tell

    def ask(self) -> Trial:
        """Return the next setting to evaluate.

        Returns
        -------
        trial : Trial
            Its `id`, and a value for each parameter in `params`. It is pending until it is told.

        Raises
        ------
        InputError
            For parameters of the constructor that are not what they may be; on the first call.
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
                row, origin, gp = propose(campaign, models, self.acquisition, self._is_noise_free(campaign))
            if row is None:
                raise SpaceExhaustedError(
                    f"BayesianOptimizer: none of the {int(campaign.settings.space.size)} settings is left to try: all "
                    "were evaluated without noise, failed, or were abandoned. Take best_params_, or widen the space."
                )
            event = {
                "event": "ask",
                "id": len(campaign.records),
                "params": campaign.settings.space.decode(row),
                "origin": origin,
            }
            if gp is not None:
                mean, event["std"] = forecast(gp, campaign.settings.space.encode(event["params"]))
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

    def tell(self, trial, value=None, *, y_var=None, constraints=None, status="ok") -> None:
        """Tell what became of a trial, or of a setting that was evaluated anyway.

        Parameters
        ----------
        trial : Trial or dict
            A pending trial, or the params of any setting of the space: a known default, results of earlier work.
        value : float, optional
            What was measured; needed with status "ok", and absent (None or NaN) otherwise.
        y_var : float, optional
            Known noise variance of the value, a squared standard error.
        constraints : dict of str to float, optional
            Values of all constrained outcomes; needed with status "ok" where the campaign has any.
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
        """
        owner = "BayesianOptimizer.tell"
        campaign = self._begin()
        with campaign.turn:
            event = {"event": "tell", **check_trial(trial, campaign, owner)}
            event["status"] = status = check_status(status, owner)
            value = check_value(value, status, owner)
            if status == "ok":
                event["value"] = value
                if y_var is not None:
                    event["y_var"] = check_value(y_var, "variance", owner)
                told = check_told_constraints(constraints, campaign.settings.constraints, owner)
                if told is not None:
                    event["constraints"] = told
            campaign.happen(event)

    # ---- what was found

    def _best(self):
        campaign = self._begin()
        with campaign.turn, one_blas_thread():
            models = self._models(campaign)
            return campaign, models, *best_trial(campaign, models)

    @property
    def best_params_(self):
        """The evaluated setting with the best posterior mean."""
        campaign, _, i, _, _ = self._best()
        return dict(campaign.records[i].params)

    @property
    def best_value_(self):
        """The posterior mean at `best_params_`."""
        campaign, _, _, _, mean = self._best()
        return campaign.settings.sign * mean

    def best_interval(self, confidence_level=0.9) -> Interval:
        """Return an interval for a new observation at `best_params_`, its noise included.

        Parameters
        ----------
        confidence_level : float, default .9
            In (0, 1).

        Returns
        -------
        Interval
            As `GaussianProcess.predict_interval` makes it: its width is calibrated by refitting per fold.

        Raises
        ------
        InputError
            For a level outside of (0, 1), and before any trial has a value and keeps the constraints.

        Warns
        -----
        InfiniteBoundWarning
            Where there are too few values for the level, fewer than 9 for 90 %: the interval is infinite.

        Notes
        -----
        **Guarantee.** None: settings were chosen by the very model that the interval comes from, and the best of them
        is the one whose error is most favourable. Evaluate `best_params_` afresh a few times, and use
        `uq.estimate_mean` on what comes.
        """
        level = check_level(confidence_level, "BayesianOptimizer.best_interval")
        campaign, models, _, row, _ = self._best()
        with warnings.catch_warnings(), np.errstate(over="ignore"):
            warnings.simplefilter("ignore", InfiniteBoundWarning)
            found = models.objective.predict_interval(row[None], confidence_level=level)
        if np.isinf(found.lower[0]):
            warnings.warn(
                f"BayesianOptimizer.best_interval: {len(models.X)} values are too few to calibrate an interval at "
                f"level {level:g}, which is infinite. Tell more, or ask a lower level.",
                InfiniteBoundWarning,
                stacklevel=2,
            )
        ends = sorted(campaign.settings.sign * float(end[0]) for end in (found.lower, found.upper))
        return Interval(lower=ends[0], upper=ends[1], confidence_level=level, guarantee="none", method=found.method)

    @property
    def trials_(self) -> Trials:
        """All trials so far."""
        return self._begin().table()

    @property
    def pending_(self) -> tuple[Trial, ...]:
        """Trials whose result was not told yet."""
        campaign = self._begin()
        return tuple(campaign.records[i].trial() for i in campaign.which("pending"))

    def diagnostics(self) -> OptimizerDiagnostics:
        """Return how well the model foresaw the values, and what it has learned of each parameter.

        Returns
        -------
        OptimizerDiagnostics

        Raises
        ------
        InputError
            Before any trial has a value.
        """
        campaign = self._begin()
        with campaign.turn, one_blas_thread():
            return diagnose(campaign, self._models(campaign))

    def plot(self, kind="progress", *, params=None, ax=None):
        """Draw the campaign.

        Parameters
        ----------
        kind : {"progress", "slice", "surrogate"}, default "progress"
            "progress": values in the order of trials, with the best so far. "slice": the model along one parameter, all
            others as in `best_params_`, with a 90 % band. "surrogate": the model over two parameters, likewise.
        params : str or list of str, optional
            The one parameter of a slice, the two of a surrogate; the first ones by default.
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        InputError
            For another kind, unknown parameters, and before any trial has a value.
        MissingExtraError
            Without matplotlib.
        """
        from ._optimizer_plot import plot_campaign

        check_option(kind, ("progress", "slice", "surrogate"), "BayesianOptimizer.plot", "kind")
        if kind == "progress":
            return self.trials_.plot(ax)
        campaign, models, best, _, _ = self._best()
        return plot_campaign(campaign, models, best, kind, params, ax)

    # ---- whole campaigns

    def run(self, f, n_trials, executor=None, n_parallel=None) -> "BayesianOptimizer":
        """Ask, evaluate and tell.

        Parameters
        ----------
        f : callable
            ``f(params)`` returns the value, or a dict with "value" and, as in `tell`, "y_var" and "constraints". If it
            raises, or the value is not a finite number, the trial has failed and the campaign goes on.
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
            For an `f` that cannot be called, numbers below 1, and what is no executor.
        LogError
            Where the log cannot be written.

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
    def resume(cls, path, *, surrogate=None, acquisition=None) -> "BayesianOptimizer":
        """Return the optimizer of a log, as it was before its process ended.

        Parameters
        ----------
        path : str or path
            The `storage` of the campaign.
        surrogate : GaussianProcess, optional
            Needed where that of the campaign held a function, which no log can hold.
        acquisition : callable, optional
            Needed where that of the campaign was a function.

        Returns
        -------
        BayesianOptimizer
            Pending trials are pending still.

        Raises
        ------
        LogError
            For a file that is no log, damaged, or in use by another process.
        InputError
            Where `surrogate` or `acquisition` is missing, or not wanted.

        Warns
        -----
        UserWarning
            Where a last line was incomplete, as a kill or a power cut leaves it: it is cut off; its event was never
            answered.
        UntestedAssumptionWarning
            Where the log was written by other versions.
        """
        made, made._campaign = resumed(cls, path, surrogate, acquisition)
        return made

    def close(self) -> None:
        """Give the log back, so that another process may resume the campaign."""
        campaign = getattr(self, "_campaign", None)
        if campaign is not None and campaign.log is not None:
            campaign.log.close()
