"""Knowledge gradient: how much better the best of all points, evaluated or not, is expected to become."""

import math

import numpy as np

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.random import check_rng
from uq._base.validation import check_count, check_option, check_switch

from ._box import check_where, seen_box
from ._discretized_box import likely_choices
from ._lookahead import Lookahead
from ._simulated_gain import simulated_gain
from ._utility import Average, check_gp, check_noise, check_points, evaluate

__all__ = ["KnowledgeGradient", "knowledge_gradient"]


class KnowledgeGradient(Average):
    """The utility of `knowledge_gradient`.

    Parameters
    ----------
    gp : GaussianProcess
    candidates : ndarray of shape (n_candidates, d), optional
        All that may be chosen.
    bounds : ndarray of shape (d, 2), optional
        The box to choose from where there are no candidates; the range of the evaluated points by default.
    y_var : float, optional
    settle : callable, optional
        Takes the points that stand for the box, and returns those that may be chosen in their stead.
    """

    def __init__(self, gp, candidates=None, bounds=None, y_var=None, settle=None):
        parts = []
        for posterior in gp.posteriors_:
            noise = None if y_var is None else y_var / posterior.scale**2
            B = candidates
            if B is None:
                B = likely_choices(posterior, seen_box(posterior) if bounds is None else bounds, noise)
                B = B if settle is None else settle(B)
            parts.append(Lookahead(posterior, B, includes_x=candidates is None, noise=noise))
        super().__init__(parts, [math.log(posterior.scale) for posterior in gp.posteriors_])


@cites("frazier2018", "frazier2009", "scott2011")
def knowledge_gradient(
    gp,
    X,
    *,
    candidates=None,
    bounds=None,
    y_var=None,
    method="discretized",
    n_draws=64,
    rng=None,
    log=False,
    return_grad=False,
):
    """Return how much an observation at each point is expected to raise the largest posterior mean there is.

    Parameters
    ----------
    gp : GaussianProcess
        Fitted; larger values of y are better. Fit -y to minimise.
    X : array-like of shape (n_points, n_columns)
        Where the next observation could be made; columns as in fit.
    candidates : array-like of shape (n_candidates, n_columns), optional
        All points that may be used in the end. By default any point of the box `bounds` may.
    bounds : array-like of shape (n_columns, 2), optional
        Smallest and largest value of each column; the range of the rows seen by default. Not together with
        `candidates`.
    y_var : float, optional
        Noise variance of the next observation, in squared units of y. By default the median of those of the rows seen:
        the fitted one, and what was given to fit.
    method : {"discretized", "simulation"}, default "discretized"
        In a box: choose among the evaluated points, the largest local maxima of the mean, those that it would have
        after four outcomes of each of the most promising observations, and the point itself; or maximise the next mean
        over the whole box for each of `n_draws` simulated observations, which is slow and there to check the first
        one. With `candidates` the first is exact.
    n_draws : int, default 64
        Of the simulation: outcomes spread evenly over six standard deviations on both sides, weighed by density.
    rng : None, int, Generator, SeedSequence or RandomState, default None
        Seed of the simulation.
    log : bool, default False
        Return the logarithm, which does not underflow: maximise this one.
    return_grad : bool, default False
        Also return the gradient in the points; not by simulation.

    Returns
    -------
    value : ndarray of shape (n_points,)
        In units of y, never negative. With `return_grad` a tuple ``(value, gradient)``, the gradient of shape
        (n_points, n_columns).

    Raises
    ------
    InputError
        For a process that is not fitted, NaN, infinite or no points, columns other than in fit, bounds that are not in
        order, a negative `y_var`, candidates together with bounds, and a gradient by simulation.

    See Also
    --------
    noisy_expected_improvement : where only what was evaluated may be used in the end.

    Notes
    -----
    The new mean at each point that may be chosen is a line in one standard normal variable, and the gain is
    `expected_max_affine`. In a box the baseline is the largest mean found, the same for all points of X.

    **Guarantee.** With `candidates`, exact for the process as fitted: if its model is true and any candidate may be
    used in the end, judged by its mean, a point of largest value is the best next one if it is the last. In a box the
    discretised value is at most the true one if the largest mean was found, which a search from eight starts does not
    promise; where it was not, the value may be too large by what is missing. It is a lower bound, tight near its own
    maximum and loose elsewhere: in twelve examples with two to six columns and 12 points each its best point was the
    simulation's each time, with 39-98 % of the value simulated there; at lesser points it can be a few percent. The
    simulation has random error, and its inner searches may miss a maximum. Nothing is promised about estimated length
    scales.

    References
    ----------
    .. [1] P. Frazier (2018). A tutorial on Bayesian optimization. arXiv:1807.02811.
    .. [2] P. Frazier, W. Powell, S. Dayanik (2009). The knowledge-gradient policy for correlated normal beliefs.
       doi:10.1287/ijoc.1080.0314.
    .. [3] W. Scott, P. Frazier, W. Powell (2011). The correlated knowledge gradient for simulation optimization of
       continuous parameters using Gaussian process regression. doi:10.1137/100801275.

    Examples
    --------
    >>> import numpy as np
    >>> from bayes import GaussianProcess, knowledge_gradient
    >>> X = np.array([[0.0], [0.4], [1.0]])
    >>> gp = GaussianProcess(
    ...     length_scale=0.3, signal_variance=1.0, noise_variance=0.5, hyperparameters="fixed", normalize_y=False
    ... )
    >>> gp = gp.fit(X, np.array([0.0, 1.0, 0.5]))
    >>> knowledge_gradient(gp, [[0.4], [0.7]], bounds=[[0, 1]]).round(3)
    array([0.035, 0.137])
    """
    owner = "knowledge_gradient"
    posteriors = check_gp(gp, owner)
    X = check_points(X, owner, posteriors)
    candidates, bounds = check_where(candidates, bounds, owner, posteriors, X.shape[1])
    y_var = check_noise(y_var, owner)
    method = check_option(method, ("discretized", "simulation"), owner, "method")
    n_draws = check_count(n_draws, owner, "n_draws")
    rng = check_rng(rng, owner)
    log, return_grad = check_switch(log, owner, "log"), check_switch(return_grad, owner, "return_grad")
    if method == "discretized":
        return evaluate(KnowledgeGradient(gp, candidates, bounds, y_var), X, log, return_grad)
    if return_grad:
        raise InputError(f"{owner}: return_grad must be False by simulation; got True. Use method='discretized'.")
    values = np.zeros(len(X))
    for posterior in posteriors:
        box = seen_box(posterior) if bounds is None else bounds
        noise = None if y_var is None else y_var / posterior.scale**2
        values += posterior.scale * simulated_gain(posterior, X, candidates, box, noise, n_draws, rng)
    with np.errstate(divide="ignore"):
        return np.log(values / len(posteriors)) if log else values / len(posteriors)
