"""Points drawn with the probability of being the best."""

import numpy as np

from uq._base.citation import cites
from uq._base.random import check_rng
from uq._base.validation import check_count

from ._utility import check_gp, check_points

__all__ = ["draw_best", "thompson_sample"]


def draw_best(posteriors, X, size, rng):
    """Return `size` rows of X, each the argmax of one draw of f; the posteriors take turns at random."""
    which = rng.integers(len(posteriors), size=size) if len(posteriors) > 1 else np.zeros(size, dtype=int)
    best = np.empty(size, dtype=int)
    for i, posterior in enumerate(posteriors):
        mine = np.flatnonzero(which == i)
        if len(mine):
            best[mine] = posterior.sample(X, len(mine), rng).argmax(axis=1)
    return best


@cites("thompson1933")
def thompson_sample(gp, X, *, size=1, rng=None):
    """Draw points with the posterior probability that they are the best of those given.

    Parameters
    ----------
    gp : GaussianProcess
        Fitted; larger values of y are better. Fit -y to minimise.
    X : array-like of shape (n_points, n_columns)
        The points to choose from; the work grows as n_points cubed.
    size : int, default 1
        How many draws.
    rng : None, int, Generator, SeedSequence or RandomState, default None
        Seed.

    Returns
    -------
    index : ndarray of int of shape (size,)
        Rows of `X`, each the maximum of one joint draw of f; a row can come more than once.

    Raises
    ------
    InputError
        For a process that is not fitted, NaN, infinite or no points, columns other than in fit, and a `size` below 1.

    Notes
    -----
    With several posteriors each draw takes one of them at random.

    **Guarantee.** Row i is drawn with exactly the posterior probability that f is largest there (up to rounding, which
    decides between points whose values are tied), if the model is true as fitted. Draws are independent.

    References
    ----------
    .. [1] W. Thompson (1933). On the likelihood that one unknown probability exceeds another in view of the evidence of
       two samples. doi:10.1093/biomet/25.3-4.285.

    Examples
    --------
    >>> import numpy as np
    >>> from bayes import GaussianProcess, thompson_sample
    >>> X = np.array([[0.0], [0.4], [1.0]])
    >>> gp = GaussianProcess(
    ...     length_scale=0.3, signal_variance=1.0, noise_variance=0.01, hyperparameters="fixed", normalize_y=False
    ... )
    >>> gp = gp.fit(X, np.array([0.0, 1.0, 0.5]))
    >>> index = thompson_sample(gp, [[0.0], [0.4], [0.7]], size=1000, rng=0)
    >>> np.bincount(index)
    array([  0, 619, 381])
    """
    owner = "thompson_sample"
    posteriors = check_gp(gp, owner)
    X = check_points(X, owner, posteriors)
    size = check_count(size, owner, "size")
    return draw_best(posteriors, X, size, check_rng(rng, owner))
