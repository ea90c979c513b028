"""How far the mean of n values in [0, 1] lies from its expectation: Hoeffding's width, and the Chernoff-kl test."""

import math

__all__ = ["chernoff_allows", "hoeffding_width"]

_HAIR = 1e-13  # more than the rounding error of kl


def hoeffding_width(n, log_count, alpha):
    """Return the width that `exp(log_count)` means of n values all keep to, both sides, with probability 1 - alpha."""
    return math.sqrt((math.log(2) + log_count - math.log(alpha)) / (2 * n))


def chernoff_allows(mean, center, tolerance, budget):
    """Tell whether every p with kl(mean || p) < budget lies within `tolerance` of `center`.

    `budget` is ln(2 / alpha) / n. An end outside of [0, 1] needs no proof.
    """
    low, high = center - tolerance, center + tolerance
    if not low <= mean <= high:  # both ends could be far on one side of the mean
        return False
    return (high >= 1 or _kl(mean, high) >= budget + _HAIR) and (low <= 0 or _kl(mean, low) >= budget + _HAIR)


def _kl(p, q):
    """Return the relative entropy of coins p and q in nats, for 0 < q < 1."""
    head = p * math.log(p / q) if p > 0 else 0.0
    tail = (1 - p) * math.log((1 - p) / (1 - q)) if p < 1 else 0.0
    return head + tail
