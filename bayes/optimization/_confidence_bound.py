"""The mean and a multiple of the standard deviation: optimism."""

import math

import numpy as np
from scipy.special import expit

from uq._base.citation import cites
from uq._base.validation import check_number, check_switch

from ._noisy_ei import evaluated_points
from ._utility import check_gp, check_points

__all__ = ["UpperConfidenceBound", "upper_confidence_bound"]


class UpperConfidenceBound:
    """The utility of `upper_confidence_bound`: log(1 + exp(t)), t = (bound - best mean) / signal sd, in logs.

    Rising in the bound, so the best point is the same one; positive, so that it can be multiplied by probabilities.
    """

    def __init__(self, gp, beta=4.0):
        self._bound = _Bound(gp.posteriors_, beta)
        first = gp.posteriors_[0]
        points = evaluated_points(first)
        best = float(first.targets(points).mu.max()) if len(points) else 0.0
        self._best = first.offset + first.scale * best
        self._unit = first.scale * math.sqrt(first.kernel.signal_variance)

    def at(self, x):
        """Return (value, gradient (d,)) at one point x (d,)."""
        bound, gradient = self._bound.at(x)
        t = (bound - self._best) / self._unit
        softplus = float(np.logaddexp(0.0, t))
        if softplus == 0.0:  # far below: log(1 + exp(t)) is exp(t)
            return t, gradient / self._unit
        return math.log(softplus), gradient * (float(expit(t)) / (self._unit * softplus))

    def screen(self, A):
        """Return the values at the rows of A, of shape (m,)."""
        t = (self._bound.screen(A) - self._best) / self._unit
        softplus = np.logaddexp(0.0, t)
        return np.where(softplus > 0, np.log(np.where(softplus > 0, softplus, 1.0)), t)


class _Bound:
    """mean + sqrt(beta) sd in units of y, averaged over the posteriors."""

    def __init__(self, posteriors, beta):
        self._root = math.sqrt(beta)
        self._parts = [(post.targets(), post.offset, post.scale) for post in posteriors]

    def at(self, x):
        value, gradient = 0.0, np.zeros(len(x))
        for targets, offset, scale in self._parts:
            mu, var, dmu, dvar, *_ = targets.at(x)
            sd = math.sqrt(var)
            value += offset + scale * (mu + self._root * sd)
            gradient += scale * (dmu + (self._root * dvar / (2 * sd) if sd > 0 else 0.0))
        return value / len(self._parts), gradient / len(self._parts)

    def screen(self, A):
        value = np.zeros(len(A))
        for targets, offset, scale in self._parts:
            mu, var, _ = targets.many(A)
            value += offset + scale * (mu + self._root * np.sqrt(var))
        return value / len(self._parts)


@cites("srinivas2012")
def upper_confidence_bound(gp, X, *, beta=4.0, return_grad=False):
    """Return mean + sqrt(beta) standard deviations of f at each point.

    Parameters
    ----------
    gp : GaussianProcess
        Fitted; larger values of y are better. Fit -y to minimise.
    X : array-like of shape (n_points, n_columns)
        Where to evaluate; columns as in fit.
    beta : float, default 4
        Not negative; the square of the number of standard deviations. 0 trusts the mean, large values explore.
    return_grad : bool, default False
        Also return the gradient in the points.

    Returns
    -------
    value : ndarray of shape (n_points,)
        In units of y. With `return_grad` a tuple ``(value, gradient)``, the gradient of shape (n_points, n_columns).

    Raises
    ------
    InputError
        For a process that is not fitted, NaN, infinite or no points, columns other than in fit, and a negative `beta`.

    Notes
    -----
    Where f is known already the standard deviation has a kink, and the gradient is that of the mean. With several
    posteriors it is the mean of the bounds of each.

    **Guarantee.** At one point that was fixed in advance, f lies below with the posterior probability Phi(sqrt(beta)),
    97.7 % by default, if the model and its length scales are true. It is not a bound for all points together: that of
    the reference has a beta that grows with the logarithm of the number of points and of rounds, and is far larger.

    References
    ----------
    .. [1] N. Srinivas, A. Krause, S. Kakade, M. Seeger (2012). Information-theoretic regret bounds for Gaussian process
       optimization in the bandit setting. arXiv:0912.3995.

    Examples
    --------
    >>> import numpy as np
    >>> from bayes import GaussianProcess, upper_confidence_bound
    >>> X = np.array([[0.0], [0.4], [1.0]])
    >>> gp = GaussianProcess(
    ...     length_scale=0.3, signal_variance=1.0, noise_variance=0.0, hyperparameters="fixed", normalize_y=False
    ... )
    >>> gp = gp.fit(X, np.array([0.0, 1.0, 0.5]))
    >>> upper_confidence_bound(gp, [[0.4], [0.7]]).round(3)
    array([1.   , 2.198])
    """
    owner = "upper_confidence_bound"
    posteriors = check_gp(gp, owner)
    X = check_points(X, owner, posteriors)
    beta = check_number(beta, owner, "beta", low=0, high=1e150, closed=True)
    bound = _Bound(posteriors, beta)
    if not check_switch(return_grad, owner, "return_grad"):
        return bound.screen(X)
    values, gradients = zip(*(bound.at(x) for x in X), strict=True)
    return np.array(values), np.array(gradients)
