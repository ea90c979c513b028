"""What a campaign has found: its best setting, how good it is, its trials, its pictures."""

import warnings
from typing import Any

import numpy as np

from uq._base.exceptions import InfiniteBoundWarning, UntestedAssumptionWarning
from uq._base.results import Interval
from uq._base.threads import one_blas_thread
from uq._base.validation import check_level, check_option

from ._best import average_interval, best_params, unmeasured
from ._optimizer_report import OptimizerDiagnostics, diagnose
from ._trials import Trial, Trials

__all__ = ["Findings"]


class Findings:
    """What `BayesianOptimizer` tells of its campaign."""

    _begin: Any
    _models: Any

    def _best(self):
        campaign = self._begin()
        with campaign.turn, one_blas_thread():
            models = self._models(campaign)
            return campaign, models, *best_params(campaign, models)

    @property
    def best_params_(self):
        """The evaluated setting with the best posterior mean; of an average any setting with the best one."""
        return dict(self._best()[2])

    @property
    def best_value_(self):
        """The posterior mean at `best_params_`."""
        campaign, *_, mean = self._best()
        return campaign.settings.sign * mean

    def best_interval(self, confidence_level=0.9) -> Interval:
        """Return an interval for a new observation at `best_params_`, its noise included, or for their average.

        Parameters
        ----------
        confidence_level : float, default .9
            In (0, 1).

        Returns
        -------
        Interval
            As `GaussianProcess.predict_interval` makes it: its width is calibrated by refitting per fold. Where values
            were told with a `y_var`, the new one is given the median of these, values without one counting as 0. With
            an environment or a fidelity it is for the average itself, at the fidelity that counts, without noise: the
            standard deviation of the average times the factor that calibrates single observations.

        Raises
        ------
        InputError
            For a level outside of (0, 1), and before any trial has a value and keeps the constraints.

        Warns
        -----
        InfiniteBoundWarning
            Where there are too few values for the level, fewer than 9 for 90 %: the interval is infinite.
        UntestedAssumptionWarning
            With an environment or a fidelity, where `best_params_` have no value at the fidelity that counts, or none
            in some of the environments: what the model promises there was never seen.

        Notes
        -----
        **Guarantee.** None: settings were chosen by the very model that the interval comes from, and the best of them
        is the one whose error is most favourable. Evaluate `best_params_` afresh a few times, and use
        `uq.estimate_mean` on what comes.
        """
        level = check_level(confidence_level, "BayesianOptimizer.best_interval")
        campaign, models, params, row, _ = self._best()
        with warnings.catch_warnings(), np.errstate(over="ignore"):
            warnings.simplefilter("ignore", InfiniteBoundWarning)
            if campaign.settings.context:
                found = average_interval(models.objective, campaign.settings.context, row, level)
            else:
                found = models.objective.predict_interval(row[None], confidence_level=level, y_var=_typical(campaign))
        if np.isinf(found.lower[0]):
            warnings.warn(
                f"BayesianOptimizer.best_interval: {len(models.X)} values are too few to calibrate an interval at "
                f"level {level:g}, which is infinite. Tell more, or ask a lower level.",
                InfiniteBoundWarning,
                stacklevel=2,
            )
        missing, share = unmeasured(campaign, params) if campaign.settings.context else ([], 0.0)
        if missing:
            warnings.warn(
                "BayesianOptimizer.best_interval: best_params_ were not measured "
                f"{_where(missing, share, campaign.settings.context)}, where the model may be far off: evaluate them "
                "there and tell it.",
                UntestedAssumptionWarning,
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
            others as in `best_params_`, with a 90 % band. "surrogate": the model over two parameters, likewise. With an
            environment or a fidelity the model's average is drawn.
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


def _where(missing, share, context):
    if missing == [{}]:
        return f"at fidelity={context.target!r:.40}" if context.has_fidelity else "at all"
    shown = ", ".join(f"{cell!r:.80}" for cell in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"in the environments {shown}{more}, which have {100 * share:.3g} % of the weight"


def _typical(campaign):
    """Return the noise variance to expect beside the common one: the median of what was told."""
    y_var = campaign.told()[2]
    return None if y_var is None else float(np.median(y_var))
