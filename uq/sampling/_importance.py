"""What importance weights tell of a target: its constant, its distance from the draws, whether to believe either."""

import math
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from uq._base.citation import cites
from uq._base.containers import as_numeric
from uq._base.diagnostics import khat as pareto_shape
from uq._base.exceptions import InputError, SmallSampleWarning
from uq._base.laws import NormalLaw
from uq._base.record import Result, format_count, format_number
from uq._base.results import Estimate
from uq._base.validation import check_vector

__all__ = ["ImportanceSummary", "importance_summary"]

KHAT = 0.7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImportanceSummary(Result):
    """A target known up to its constant, seen through weighted draws of a proposal.

    Parameters
    ----------
    log_z : Estimate
        Logarithm of the mean weight: of the constant of the target, if the log weights are those of an unnormalised
        target over a normalised proposal.
    kl_target : float
        KL(target || proposal) in nats; never above log n, whatever the truth.
    kl_proposal : float
        KL(proposal || target), inf where a weight is 0.
    chi_square : float
        Chi-square divergence of the target from the proposal, n / ess - 1.
    total_variation : float
        In [0, 1].
    kl_target_reference, kl_reference_target : float or None
        The same divergences between the target and the reference, where `log_reference` was given.
    ess : float
        Effective sample size, 1 over the sum of squared normalised weights.
    khat : float
        Pareto shape of the largest weights of the target; above .7 none of the numbers here can be trusted.
    n : int
    guarantee, method : str

    Examples
    --------
    >>> import numpy as np
    >>> from uq.sampling import importance_summary
    >>> rewards = np.random.default_rng(0).normal(size=4000)
    >>> summary = importance_summary(rewards / 2)
    >>> round(summary.kl_target, 2), summary.khat < .7
    (0.12, True)
    """

    log_z: Estimate
    kl_target: float
    kl_proposal: float
    chi_square: float
    total_variation: float
    kl_target_reference: float | None = None
    kl_reference_target: float | None = None
    ess: float
    khat: float
    n: int
    guarantee: str = "asymptotic"
    method: str = "importance weights"

    def _table(self):
        names = ["kl_target", "kl_proposal", "chi_square", "total_variation"]
        if self.kl_target_reference is not None:
            names += ["kl_target_reference", "kl_reference_target"]
        names += ["ess", "khat"]
        return {"name": ["log_z", *names], "value": [self.log_z.estimate, *(getattr(self, name) for name in names)]}

    def _title(self):
        size = f"effective size {format_number(self.ess)}"
        return f"{format_count(self.n, 'weights')}, {size}, k-hat {format_number(self.khat)}"

    def __repr__(self):
        return f"<{self._title()}; {self._caption()}>"

    def _draw(self, ax):
        from uq._base import plot

        return plot.text(ax, str(self))


@cites("vehtari2024", "kong1994")
def importance_summary(log_weights, *, log_reference=None) -> ImportanceSummary:
    """Return constant, divergences and diagnostics of a target from the log weights of draws.

    Parameters
    ----------
    log_weights : array-like of shape (n,)
        Logarithm of target over proposal at each draw of the proposal, up to a constant; -inf for weight 0. For the
        target a(x) exp(r(x) / beta) and draws from a these are the rewards over beta, for draws from q they are
        log a + r / beta - log q.
    log_reference : array-like of shape (n,), optional
        Logarithm of a third law over the proposal at each draw, up to a constant, such as log a - log q: divergences
        between the target and that law are then given as well.

    Returns
    -------
    ImportanceSummary
        `log_z` is an Estimate.

    Raises
    ------
    InputError
        For log weights that are NaN or +inf, or none above -inf.

    Warns
    -----
    SmallSampleWarning
        For k-hat above .7, or KL(target || proposal) above log n - 2: the estimate of this divergence is log n minus
        the entropy of the normalised weights and cannot exceed log n, so that it saturates where the truth is larger.
        The same for the reference in place of the target.

    Notes
    -----
    With normalised weights w of n draws, KL(target || proposal) is the mean of log w + log n under w, and KL(proposal
    || target) the mean of -log w - log n over draws. All divergences are *from the proposal*: those from another law
    need `log_reference`. The error of log Z is sqrt((n / ess - 1) / n) by the delta method; the largest mean reward
    less beta times the divergence from a is beta log Z.

    **Guarantee.** Asymptotic for independent draws, if the squared weights have a mean; a normal interval for log Z,
    none for the divergences. "none" where the warning above is due: errors of weights with heavy tails look small
    until the tail is seen.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao and Gabry (2024), Pareto smoothed importance sampling, arXiv:1507.02646.
    Kong, Liu and Wong (1994), Sequential imputations and Bayesian missing data problems,
    doi:10.1080/01621459.1994.10476469.

    Examples
    --------
    >>> import numpy as np
    >>> from uq.sampling import importance_summary
    >>> rewards = np.random.default_rng(0).normal(size=2000)
    >>> summary = importance_summary(rewards)  # log Z and both divergences are 1/2
    >>> round(summary.kl_target, 1), round(summary.kl_proposal, 1)
    (0.5, 0.5)
    >>> round(summary.log_z.std_error, 3)
    0.027
    """
    owner = "importance_summary"
    logs = _check_logs(log_weights, owner, "log_weights")
    reference = None if log_reference is None else _check_logs(log_reference, owner, "log_reference")
    if reference is not None and len(reference) != len(logs):
        raise InputError(f"{owner}: log_reference must have one entry per draw ({len(logs)}); got {len(reference)}.")
    n = len(logs)
    log_n = math.log(n)
    log_w, kl_target, k, trusted = _seen(logs)
    w = np.exp(log_w)
    ess = min(max(1 / float(w @ w), 1.0), float(n))
    chi_square = max(n / ess - 1, 0.0)
    guarantee = "asymptotic" if trusted else "none"
    log_z = float(logs.max() + logsumexp(logs - logs.max()) - log_n)
    error = math.sqrt(chi_square / n)
    if not trusted:
        _warn("target", k, kl_target, n)
    between: tuple[float | None, float | None] = (None, None)
    all_told = trusted
    if reference is not None:
        log_v, kl, shape, told = _seen(reference)
        between = _between(log_w, log_v)
        all_told = trusted and told
        if not told:
            _warn("reference", shape, kl, n)
    return ImportanceSummary(
        log_z=Estimate(
            estimate=log_z,
            std_error=error,
            n=n,
            method="delta",
            guarantee=guarantee,
            law=NormalLaw(estimate=log_z, std_error=error),
        ),
        kl_target=kl_target,
        kl_proposal=max(float(np.mean(-log_w - log_n)), 0.0),
        chi_square=chi_square,
        total_variation=float(np.clip(np.abs(n * w - 1).mean() / 2, 0.0, 1.0)),
        kl_target_reference=between[0],
        kl_reference_target=between[1],
        ess=ess,
        khat=k,
        n=n,
        guarantee="asymptotic" if all_told else "none",
    )


def _seen(logs):
    """Return normalised log weights, KL from the proposal, k-hat, and whether the draws tell that law."""
    log_n = math.log(len(logs))
    with np.errstate(over="ignore"):
        log_w = logs - logs.max()
        log_w = log_w - logsumexp(log_w)
    w = np.exp(log_w)
    kl = float(np.clip(w @ np.where(w > 0, log_w, 0.0) + log_n, 0.0, log_n))
    k = float(pareto_shape(np.where(np.isfinite(log_w), log_w, -np.inf)))
    return log_w, kl, k, k <= KHAT and kl <= log_n - 2


def _warn(name, k, kl, n):
    warnings.warn(
        f"the weights do not tell the {name}: k-hat is {k:.2g} (.7 at most), and KL({name} || proposal) {kl:.3g} of "
        f"log n = {math.log(n):.3g} at most, near which it saturates. Draw more, or from a proposal that is nearer to "
        f"the {name} (for a tilted one, a larger beta or steps between).",
        SmallSampleWarning,
        stacklevel=3,
    )


def _between(log_w, log_v):
    """Return KL(one || two) and KL(two || one) of two laws from the normalised log weights of both."""
    out = []
    for one, two in ((log_w, log_v), (log_v, log_w)):
        mass = np.exp(one)
        seen = mass > 0
        with np.errstate(over="ignore"):
            out.append(max(float(mass[seen] @ (one[seen] - two[seen])), 0.0))
    return out[0], out[1]


def _check_logs(x, owner, name):
    array = as_numeric(x, owner, name)
    if array.ndim == 1 and array.size and (array == -np.inf).any() and (array > -np.inf).any():
        check_vector(array[array > -np.inf], owner, name)  # a weight of 0 is no error
        return array
    return check_vector(array, owner, name)
