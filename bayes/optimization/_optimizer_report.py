"""How well a campaign's model foresaw what came, and what it has learned of each parameter."""

from dataclasses import dataclass

import numpy as np

from uq._base.exceptions import InputError
from uq._base.record import Result

__all__ = ["OptimizerDiagnostics", "diagnose"]

_HALF_WIDTH = 1.6448536269514722  # of a central 90 % interval, in standard deviations


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OptimizerDiagnostics(Result):
    """Counts of trials, forecasts held against values, and hyperparameters.

    Parameters
    ----------
    n_ok, n_failed, n_pending, n_abandoned : int
    n_forecasts : int
        Values that a model had foreseen when their trial was suggested.
    forecast_coverage : float or None
        Share of these values within the 90 % interval that the model gave before: honest, one step ahead. None without
        a forecast.
    forecast_z : ndarray of shape (n_forecasts,)
        (value - mean) / standard deviation of each, standard normal for a calibrated model. A `y_var` that was told
        with the value is part of the deviation.
    left_out_coverage : float or None
        Share of values within the 90 % interval of the model without them, hyperparameters kept; None for one value.
    names : tuple of str
        Parameters, then environments, then "fidelity".
    length_scale : ndarray of shape (n_parameters,)
        In widths of the parameter's range (on its scale), or distances between choices: small ones matter.
    noise_std : float
        In units of the value; of the noise beside what `y_var` told of.
    signal_std : float
    guarantee : str
        "none": settings are chosen, so that coverage describes this campaign and no other.
    """

    n_ok: int
    n_failed: int
    n_pending: int
    n_abandoned: int
    n_forecasts: int
    forecast_coverage: float | None
    forecast_z: np.ndarray
    left_out_coverage: float | None
    names: tuple[str, ...]
    length_scale: np.ndarray
    noise_std: float
    signal_std: float
    guarantee: str = "none"

    def _table(self):
        numbers = {
            "trials with a value": self.n_ok,
            "failed": self.n_failed,
            "pending": self.n_pending,
            "abandoned": self.n_abandoned,
            "forecasts": self.n_forecasts,
            "coverage of 90 % forecasts": _shown(self.forecast_coverage),
            "coverage of 90 % left-out intervals": _shown(self.left_out_coverage),
            "noise, standard deviation": self.noise_std,
            "signal, standard deviation": self.signal_std,
            **{f"length scale of {n}": float(v) for n, v in zip(self.names, self.length_scale, strict=True)},
        }
        return {"quantity": list(numbers), "value": list(numbers.values())}

    def _title(self):
        return "Diagnostics of the model"

    def _draw(self, ax):
        from uq._base import plot

        return plot.text(ax, str(self))


def _shown(value):
    return "unknown" if value is None else value


def diagnose(campaign, models):
    """Return the diagnostics of fitted models."""
    if models.objective is None:
        raise InputError(
            "BayesianOptimizer.diagnostics: a trial with a value is needed; got none. Tell one with status='ok' first."
        )
    told = [campaign.records[i] for i in campaign.which("ok")]
    foreseen = [record for record in told if record.mean is not None]
    z = np.array([_standardised(record) for record in foreseen])
    posteriors = models.objective.posteriors_
    space = campaign.settings.context.joint
    first = [int(np.flatnonzero(space.columns == i)[0]) for i in range(len(space.names))]
    scales = np.exp(np.mean([np.log(p.kernel.length_scale[first]) for p in posteriors], axis=0))
    scale = posteriors[0].scale
    return OptimizerDiagnostics(
        n_ok=len(told),
        n_failed=len(campaign.which("failed")),
        n_pending=len(campaign.which("pending")),
        n_abandoned=len(campaign.which("abandoned")),
        n_forecasts=len(z),
        forecast_coverage=float((np.abs(z) <= _HALF_WIDTH).mean()) if len(z) else None,
        forecast_z=z,
        left_out_coverage=_left_out(posteriors[0]),
        names=space.names,
        length_scale=scales,
        noise_std=scale * float(np.sqrt(np.mean([p.noise_variance for p in posteriors]))),
        signal_std=scale * float(np.sqrt(np.mean([p.kernel.signal_variance for p in posteriors]))),
    )


def _standardised(record):
    gap = record.value - record.mean
    # the forecast could not know the variance that came with the value
    std = np.hypot(record.std, np.sqrt(record.y_var or 0.0))
    with np.errstate(over="ignore", divide="ignore"):
        return float(np.float64(gap) / std) if gap else 0.0


def _left_out(posterior):
    """Return the coverage of each value by the model of all others: z = alpha / sqrt of the diagonal of the inverse."""
    if len(posterior.y) < 2:
        return None
    inverse = np.linalg.inv(posterior.L)
    z = posterior.alpha / np.sqrt(np.einsum("ij,ij->j", inverse, inverse))
    return float((np.abs(z) <= _HALF_WIDTH).mean())
