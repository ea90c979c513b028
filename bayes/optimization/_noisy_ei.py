"""Expected improvement where observations are noisy: how much better the best evaluated point is expected to become."""

import math

import numpy as np

from uq._base.citation import cites
from uq._base.validation import check_switch

from ._lookahead import Lookahead
from ._utility import Average, check_gp, check_noise, check_points, evaluate

__all__ = ["NoisyEI", "evaluated_points", "noisy_expected_improvement"]


def evaluated_points(posterior):
    """Return the evaluated points of a posterior, pending ones included, each once."""
    X = posterior.X
    unique = np.unique(X, axis=0)
    return X if len(unique) == len(X) else unique


class NoisyEI(Average):
    """The utility of `noisy_expected_improvement`; `y_var` is None or a number in squared units of y."""

    def __init__(self, gp, y_var=None):
        parts = [
            Lookahead(
                posterior, evaluated_points(posterior), noise=None if y_var is None else y_var / posterior.scale**2
            )
            for posterior in gp.posteriors_
        ]
        super().__init__(parts, [math.log(posterior.scale) for posterior in gp.posteriors_])


@cites("frazier2018", "frazier2009")
def noisy_expected_improvement(gp, X, *, y_var=None, log=False, return_grad=False):
    """Return how much an observation at each point is expected to raise the best posterior mean of what was evaluated.

    Parameters
    ----------
    gp : GaussianProcess
        Fitted; larger values of y are better. Fit -y to minimise.
    X : array-like of shape (n_points, n_columns)
        Where the next observation could be made; columns as in fit.
    y_var : float, optional
        Noise variance of the next observation, in squared units of y. By default the median of those of the rows seen:
        the fitted one, and what was given to fit.
    log : bool, default False
        Return the logarithm, which does not underflow: maximise this one.
    return_grad : bool, default False
        Also return the gradient in the points.

    Returns
    -------
    value : ndarray of shape (n_points,)
        In units of y, never negative. With `return_grad` a tuple ``(value, gradient)``, the gradient of shape
        (n_points, n_columns).

    Raises
    ------
    InputError
        For a process that is not fitted, NaN, infinite or no points, columns other than in fit, and a negative `y_var`.

    See Also
    --------
    expected_improvement : the same without noise.
    knowledge_gradient : where a point that was never evaluated may be used in the end.

    Notes
    -----
    The value of what is known is the largest posterior mean among evaluated points. After one more observation at x it
    is the largest of the new means, at the old points and at x. These are lines in one standard normal variable, with
    slopes cov(x_i, x) / sqrt(var(x) + noise), so the expectation is `expected_max_affine` plus the amount by which
    the mean at x exceeds the best one already. That second part is easily forgotten, and is most of the value where a
    point promises much. Points that are pending count as evaluated ones.

    Two other quantities share the name. A plug-in puts the best y, or the best mean, into the formula without noise.
    BoTorch's (Letham et al.) averages the improvement of f(x) over the unknown best of f at evaluated points: it
    asks how far f exceeds them, not how well one will know it. Here an observation that cannot change the choice is
    worth nothing, and repeating an evaluated point can be worth most.

    **Guarantee.** Exact for the process as fitted, and its gradient wherever means are not tied. If its model is true
    and an evaluated point is what will be used, judged by its mean, a point of largest value is the best next one if it
    is the last. Without noise it is expected improvement. Nothing is promised about estimated length scales, nor
    about several steps.

    References
    ----------
    .. [1] P. Frazier (2018). A tutorial on Bayesian optimization. arXiv:1807.02811.
    .. [2] P. Frazier, W. Powell, S. Dayanik (2009). The knowledge-gradient policy for correlated normal beliefs.
       doi:10.1287/ijoc.1080.0314.
    .. [3] B. Letham, B. Karrer, G. Ottoni, E. Bakshy (2019). Constrained Bayesian optimization with noisy experiments.
       doi:10.1214/18-BA1110.

    Examples
    --------
    Under noise it is worth something to look at the best point again:

    >>> import numpy as np
    >>> from bayes import GaussianProcess, noisy_expected_improvement
    >>> X = np.array([[0.0], [0.4], [1.0]])
    >>> gp = GaussianProcess(
    ...     length_scale=0.3, signal_variance=1.0, noise_variance=0.5, hyperparameters="fixed", normalize_y=False
    ... )
    >>> gp = gp.fit(X, np.array([0.0, 1.0, 0.5]))
    >>> noisy_expected_improvement(gp, [[0.4], [0.7]]).round(3)
    array([0.039, 0.126])
    """
    owner = "noisy_expected_improvement"
    posteriors = check_gp(gp, owner)
    X = check_points(X, owner, posteriors)
    y_var = check_noise(y_var, owner)
    log, return_grad = check_switch(log, owner, "log"), check_switch(return_grad, owner, "return_grad")
    return evaluate(NoisyEI(gp, y_var), X, log, return_grad)
