"""Betting without knowing when to stop: several gamblers, each with bets for another number of rows, share the capital.

Gambler k starts with an equal part and bets as for HORIZONS[k] rows; the shared capital (1/K) sum_k M_t^k(m) is a
martingale at the true mean and non-increasing in m, as each of its parts is. So {m : max_t M_t(m) < 1/alpha} holds at
all t at once. Near each horizon the bound is that of a known number of rows at the level alpha / K: from 1,000 rows on
much shorter than with bets that fall as 1 / sqrt(t log t) (half as wide at 10^4 rows), a little wider below 20.
Behind PATIENCE times their horizon gamblers stop, because their bets have become too large to win.

References
----------
Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting, arXiv:2010.09686.
"""

import numpy as np

from uq._base.betting import BOLDNESS, CAP, CHUNK, past_variance, rounding_error

__all__ = ["Gamblers", "running_lower"]

HORIZONS = 10.0 ** np.arange(1, 7)
PATIENCE = 20
# a bound is as good as solved where the log capital exceeds the threshold by no more: .2 % of the width
SLACK = 0.01


class Gamblers:
    """The shared capital on rows `x` in [0, 1], for bets tuned to `alpha`."""

    def __init__(self, x, alpha):
        self.x = x
        self.base = 1 / np.sqrt(past_variance(x, np.broadcast_to(np.ones(1), x.shape)))
        self.stakes = BOLDNESS * np.sqrt(2 * np.log(len(HORIZONS) / alpha) / HORIZONS)
        self.stops = (PATIENCE * HORIZONS).astype(int)
        self.start = (np.full(len(HORIZONS), -np.log(len(HORIZONS))), 0.0)

    def walk(self, m, begin, end, state):
        """Return the largest log capital after the rows begin ... end - 1, rounded down, and the state behind them.

        A state is the log capital of each gambler and a bound of the rounding error.
        """
        cap = CAP / m if m > 0 else np.inf
        totals, error = state[0].copy(), state[1]
        best = -np.inf
        for i in range(begin, end, CHUNK):
            part = slice(i, min(i + CHUNK, end))
            gain = self.x[part] - m
            logs = []
            for k, stop in enumerate(self.stops):
                if i < stop:
                    log = np.minimum(self.stakes[k] * self.base[part], cap)
                    log *= gain
                    log[stop - i :] = 0.0
                    np.log1p(log, out=log)
                    log[0] += totals[k]
                    logs.append((k, np.cumsum(log, out=log)))
            shift = max([totals.max(), *(float(log.max()) for _, log in logs)])
            stopped = np.exp(np.delete(totals, [k for k, _ in logs]) - shift).sum()
            shared = np.full(part.stop - i, stopped)
            grown = 0.0
            for k, log in logs:
                grown = max(grown, rounding_error(log, totals[k]))
                totals[k] = log[-1]
                log -= shift
                shared += np.exp(log, out=log)
            error += grown
            best = max(best, shift + float(np.log(shared.max())) - error)
        return best, (totals, error)


def running_lower(x, alpha, looks):
    """Return the lower limits after each number of rows in `looks`, increasing; each is the largest so far.

    A look reads its rows again only where the bound rises; elsewhere the capital at the old bound is carried on.
    """
    gamblers, threshold = Gamblers(x, alpha), -np.log(alpha)
    limits = np.empty(len(looks))
    m, state, seen, rise = 0.0, gamblers.start, 0, 0.1
    for k, n in enumerate(looks):
        top, state = gamblers.walk(m, seen, int(n), state)
        seen = int(n)
        if top > threshold + SLACK:
            old = m
            m, state = _raise(gamblers, seen, threshold, (old, top - threshold, state), rise)
            rise = max(m - old, 1e-9)
        limits[k] = m
    return limits


def _raise(gamblers, n, threshold, best, step):
    """Return an m whose excess over the threshold lies in [0, SLACK], and the state there.

    `best` is (m, excess, state) where the excess is larger; secants on a bracket find the rest, because the log capital
    is nearly linear in m over so short a way.
    """
    high, high_excess = 1.0, None
    for trial in range(200):
        m, excess, _ = best
        if high_excess is None:
            at = min(m + step, (m + 1) / 2)
            step *= 4
        elif trial % 3 == 2:
            at = (m + high) / 2
        else:
            at = m + (high - m) * (excess - SLACK / 2) / (excess - high_excess)
        if not m < at < high:
            break
        top, state_there = gamblers.walk(at, 0, n, gamblers.start)
        if top >= threshold:
            best = (at, top - threshold, state_there)
            if top <= threshold + SLACK:
                break
        else:
            high, high_excess = at, top - threshold
    return best[0], best[2]
