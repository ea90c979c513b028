"""Expected improvement over the best so far, in logs."""

import math
import numbers

import numpy as np

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.validation import check_number, check_switch

from ._gain import log_gain, log_gain_slope
from ._utility import Average, check_gp, check_points, evaluate

__all__ = ["ExpectedImprovement", "expected_improvement"]


class _Improvement:
    """E(f(x) - best)^+ of one posterior, in model units."""

    def __init__(self, posterior, best):
        self._targets = posterior.targets()
        self._best = _incumbent(posterior, best)

    def at(self, x):
        mu, var, dmu, dvar, *_ = self._targets.at(x)
        if var == 0.0:
            return -np.inf, np.zeros(len(x))
        sd = math.sqrt(var)
        z = np.array((mu - self._best) / sd)
        slope = float(log_gain_slope(z))
        gradient = (slope / sd) * dmu + ((1.0 - slope * float(z)) / (2.0 * var)) * dvar
        return math.log(sd) + float(log_gain(z)), gradient

    def screen(self, A):
        mu, var, _ = self._targets.many(A)
        sd = np.sqrt(np.where(var > 0, var, 1.0))
        return np.where(var > 0, np.log(sd) + log_gain((mu - self._best) / sd), -np.inf)


def _incumbent(posterior, best):
    """Return the value to improve on, in model units; 0, the level before any data, where there is none."""
    if isinstance(best, numbers.Real):
        return (float(best) - posterior.offset) / posterior.scale
    if not len(posterior.X):
        return 0.0
    return float((posterior.y if best == "observed" else posterior.targets(posterior.X).mu).max())


class ExpectedImprovement(Average):
    """The utility of `expected_improvement`; `best` is "mean", "observed" or a number in units of y."""

    def __init__(self, gp, best="mean"):
        parts = [_Improvement(posterior, best) for posterior in gp.posteriors_]
        super().__init__(parts, [math.log(posterior.scale) for posterior in gp.posteriors_])


@cites("jones1998", "ament2023")
def expected_improvement(gp, X, *, best="mean", log=False, return_grad=False):
    """Return by how much f at each point is expected to exceed the best so far, E[(f(x) - best)^+].

    Parameters
    ----------
    gp : GaussianProcess
        Fitted; larger values of y are better. Fit -y to minimise.
    X : array-like of shape (n_points, n_columns)
        Where to evaluate; columns as in fit.
    best : {"mean", "observed"} or float, default "mean"
        The value to improve on: the largest posterior mean at an evaluated point, the largest y (which noise makes too
        large), or a number in units of y.
    log : bool, default False
        Return the logarithm, which does not underflow: maximise this one.
    return_grad : bool, default False
        Also return the gradient in the points.

    Returns
    -------
    value : ndarray of shape (n_points,)
        In units of y. With `return_grad` a tuple ``(value, gradient)``, the gradient of shape (n_points, n_columns).

    Raises
    ------
    InputError
        For a process that is not fitted, NaN, infinite or no points, and columns other than in fit.

    See Also
    --------
    noisy_expected_improvement : counts what noise leaves unknown about the best so far.

    Notes
    -----
    With z = (mean - best) / sd it is sd (phi(z) + z Phi(z)). The logarithm goes through the scaled complementary error
    function, so that points far behind the best still have a slope. Where f is known already (sd = 0) the value is 0.
    With several posteriors (``hyperparameters="slice"``) it is the mean of the expected improvements of each.

    **Guarantee.** Exact for the process as fitted. If its model is true, y has no noise and the best evaluated point is
    what will be used, a point of largest value is the best next one if it is the last. With noise `best` is a plug-in:
    the improvement is counted as if the best so far were known, and as if f(x) were seen without noise; nothing is
    promised then. Nothing is promised either about estimated length scales.

    References
    ----------
    .. [1] D. Jones, M. Schonlau, W. Welch (1998). Efficient global optimization of expensive black-box functions.
       doi:10.1023/A:1008306431147.
    .. [2] S. Ament, S. Daulton, D. Eriksson, M. Balandat, E. Bakshy (2023). Unexpected improvements to expected
       improvement for Bayesian optimization. arXiv:2310.20708.

    Examples
    --------
    >>> import numpy as np
    >>> from bayes import GaussianProcess, expected_improvement
    >>> X = np.array([[0.0], [0.4], [1.0]])
    >>> gp = GaussianProcess(
    ...     length_scale=0.3, signal_variance=1.0, noise_variance=0.0, hyperparameters="fixed", normalize_y=False
    ... )
    >>> gp = gp.fit(X, np.array([0.0, 1.0, 0.5]))
    >>> expected_improvement(gp, [[0.4], [0.7]]).round(3)
    array([0.   , 0.185])
    """
    owner = "expected_improvement"
    posteriors = check_gp(gp, owner)
    X = check_points(X, owner, posteriors)
    if isinstance(best, str):
        if best not in ("mean", "observed"):
            raise InputError(f"{owner}: best must be 'mean', 'observed' or a number; got {best!r:.100}.")
    else:
        best = check_number(best, owner, "best", low=-1e150, high=1e150, remedy="Or use 'mean' or 'observed'.")
    log, return_grad = check_switch(log, owner, "log"), check_switch(return_grad, owner, "return_grad")
    return evaluate(ExpectedImprovement(gp, best), X, log, return_grad)
