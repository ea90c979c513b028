"""One rule for all linear estimands: what the labels say, plus lambda times what the predictions add.

``theta = T_lab(y) + lambda (T_unl(f) - T_lab(f))`` for a linear functional T: a mean, an effect, least squares. Each
side answers a few questions about itself, whether it holds its rows or only their moments.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.exceptions import InputError
from uq._base.laws import TLaw
from uq._base.results import Estimate

from ._functional import satterthwaite
from ._influence import Influence

__all__ = ["ENOUGH_LABELS", "PoweredEstimate", "combined", "enough", "tuned"]

ENOUGH_LABELS = 50  # below, an estimated lambda costs more coverage than it gains width


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PoweredEstimate(Estimate):
    """An Estimate that also says how much it leaned on the predictions.

    Parameters
    ----------
    power : float or ndarray of shape (k,)
        The lambda that was used: 0 ignores the predictions, 1 takes them in full; one per coefficient of least squares.
    """

    power: Any = 1.0

    def _columns(self, interval=None):
        return {**Estimate._columns(self, interval), "power": np.broadcast_to(self.power, np.size(self.estimate))}


def enough(units):
    """Tell whether labels are enough for an estimated lambda; rounding shall not decide."""
    return np.asarray(units) >= ENOUGH_LABELS * (1 - 1e-9)


def tuned(labelled, unlabelled):
    """Return the lambda of least variance for each coefficient, within [0, 1].

    For the plain mean the variance of the predictions is pooled over all rows (Angelopoulos, Duchi and Zrnic 2023);
    elsewhere it is the sum of the two sides.
    """
    ab, bb, cc = labelled.cross, labelled.square, unlabelled.square
    if labelled.plain and unlabelled.plain:
        n, many = labelled.n, unlabelled.n
        apart = labelled.value_f - unlabelled.value
        within = (n - 1) * n * bb + ((many - 1) * many * cc if many > 1 else 0.0)
        pooled = (within + n * many / (n + many) * apart**2) / (n + many - 1)
        numerator, denominator = (n - 1) * ab, (1 + n / many) * pooled
    else:
        numerator, denominator = ab, bb + cc
    with np.errstate(invalid="ignore", over="ignore"):
        nothing = ~(denominator > labelled.rounding_f**2) | ~np.isfinite(cc) | ~np.isfinite(numerator)
        power = np.clip(np.where(nothing, 0.0, numerator) / np.where(nothing, 1.0, denominator), 0.0, 1.0)
    return np.where(np.isfinite(power), power, 0.0)


def combined(owner, labelled, unlabelled, power, *, method):
    """Return the Estimate of two sides at the given lambda, shape (k,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        value = labelled.value_y + power * (unlabelled.value - labelled.value_f)
    if not np.isfinite(value).all():
        raise InputError(f"{owner}: the estimate exceeds the floats. Rescale y_pred, y or X.")
    parts = labelled.cov(power), unlabelled.cov(power)
    variances = [np.diag(part) for part in parts]
    # labels without any variation about the predictions say nothing about how wrong these can be
    unusable = ~(np.sqrt(variances[0]) > labelled.rounding(power)) | ~np.isfinite(variances[0] + variances[1])
    known = not unusable.any()
    std_error = np.where(unusable, np.inf, np.sqrt(np.where(unusable, 0.0, variances[0] + variances[1])))
    total = np.where(unusable, 1.0, std_error) ** 2
    df = satterthwaite(
        [np.where(unusable, 0.0, v) / total for v in variances], [labelled.df(power), unlabelled.df(power)]
    )
    scalar, influence = labelled.scalar, None
    if known:
        fit, apply = labelled.influence(power), unlabelled.influence(power)
        if fit is not None and apply is not None:
            influence = Influence.of(fit, apply, labelled.source, unlabelled.source, owner.rpartition(".")[2])
    pick = (lambda a: float(a[0])) if scalar else np.asarray
    return PoweredEstimate(
        estimate=pick(value),
        std_error=pick(std_error),
        n=labelled.n + unlabelled.n,
        method=method,
        guarantee="asymptotic",
        law=TLaw(estimate=pick(value), std_error=pick(std_error), df=pick(df)),
        names=labelled.names,
        cov=None if scalar or not known else parts[0] + parts[1],
        n_groups=_clusters(labelled, unlabelled),
        influence=influence,
        power=pick(power),
    )


def _clusters(labelled, unlabelled):
    counts = [side.n_groups for side in (labelled, unlabelled) if side.n_groups is not None]
    return sum(counts) if counts else None
