"""The few points of a box that one more observation may make the best: they stand for the box."""

import math

import numpy as np

from ._lookahead import Lookahead
from ._mean_maxima import climb, mean_maxima, spread_points
from ._noisy_ei import evaluated_points

__all__ = ["likely_choices"]

_N_MAXIMA, _N_PROMISING = 5, 12
_OUTCOMES = (-1.5, -0.5, 0.5, 1.5)


def likely_choices(posterior, bounds, noise):
    """Return evaluated points, the largest local maxima of the mean, and those that promising observations would make.

    The last ones count most: whatever is learned moves the maximum to a point that was none before. For the points of
    the box whose knowledge gradient by the first two is largest, the mean after each of four outcomes is maximised.
    """
    known = np.vstack([evaluated_points(posterior), mean_maxima(posterior, bounds, _N_MAXIMA)])
    pool = np.vstack([np.clip(evaluated_points(posterior), *bounds.T), spread_points(bounds)])
    lookahead = Lookahead(posterior, known, noise=noise)
    promising = np.argsort(-lookahead.screen(pool), kind="stable")[:_N_PROMISING]
    starts, found = np.vstack([known, pool]), [known]
    starts = np.clip(starts, *bounds.T)
    for x in pool[promising]:
        targets = posterior.targets(x[None])
        total = targets.at(x).var + lookahead.noise
        if total == 0.0:
            continue
        mu, _, cov = targets.many(starts)
        for z in _OUTCOMES:
            step = z / math.sqrt(total)

            def following(y, targets=targets, step=step):
                at = targets.at(y)
                return at.mu + at.cov[0] * step, at.dmu + at.dcov[0] * step

            found.append(climb(following, starts[int((mu + cov[:, 0] * step).argmax())], bounds)[0][None])
    return np.unique(np.vstack(found), axis=0)
