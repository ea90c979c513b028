"""Draws that the sampler is made of: Dirichlet vectors in logarithms, and the number of tables of a restaurant."""

import numpy as np

__all__ = ["LEAST", "log_dirichlet", "log_normalised", "over_last", "tables"]

LEAST = 1e-100  # of a Dirichlet parameter: the logarithm of such a draw is still a number
DIRECT = 32  # trials drawn one by one before blocks of them


def over_last(function, array):
    """Return a ufunc's reduction over a short last axis, for which NumPy's own takes several times as long."""
    out = array[..., 0].copy()
    for i in range(1, array.shape[-1]):
        function(out, array[..., i], out=out)
    return out


def log_normalised(x, axis):
    """Return x - log(sum(exp(x))) along an axis."""
    x = x - x.max(axis=axis, keepdims=True)
    x -= np.log(np.exp(x).sum(axis=axis, keepdims=True))
    return x


def log_dirichlet(rng, a, axis):
    """Return logarithms of Dirichlet vectors along `axis`; exact for parameters so small that the draws underflow."""
    a = np.maximum(a, LEAST)
    small = a < 1
    out = np.log(rng.standard_gamma(a + small))
    if small.any():  # Gamma(a) = Gamma(a + 1) U^(1/a)
        few = a[small]
        out[small] -= rng.standard_exponential(few.size) / few
    return log_normalised(out, axis)


def tables(rng, n, a):
    """Return draws of sum_{i < n} Bernoulli(a / (a + i)), elementwise for integers `n` and positive `a` of one shape.

    The trials from DIRECT on are drawn in blocks, whose probabilities differ little: those that succeed at the least
    probability of the block are one binomial number, and few remain whose position matters.
    """
    shape = n.shape
    n, a = n.ravel(), np.maximum(a, LEAST).ravel()
    out = (n > 0).astype(np.int64)  # the first trial succeeds
    start, stop = 1, DIRECT
    some = np.flatnonzero(n > start)
    if some.size:
        size = np.minimum(n[some], stop) - start
        offsets = np.r_[0, np.cumsum(size)]
        position = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - start, size)
        each = np.repeat(a[some], size)
        success = rng.random(len(each)) * (each + position) < each
        out[some] += np.add.reduceat(success, offsets[:-1], dtype=np.int64)
    while some.size:
        # short enough that few of a block's positions are asked for: rejection of repeated ones stays cheap
        start, stop = stop, stop + int(2 * stop ** (2 / 3))
        some = np.flatnonzero(n > start)
        if some.size:
            out[some] += _block(rng, a[some], start, np.minimum(n[some], stop) - start)
    return out.reshape(shape)


def _block(rng, a, start, size):
    """Return the successes among the trials start, ..., start + size - 1."""
    most, least = a / (a + start), a / (a + start + size - 1)
    sure = rng.binomial(size, least)
    # the others succeed with at most this probability more; where they stand decides
    maybe = rng.binomial(size - sure, np.clip((most - least) / (1 - least), 0, 1))
    owner, position = _distinct(rng, maybe, size)
    p = a[owner] / (a[owner] + start + position)
    kept = rng.random(len(owner)) * (most - least)[owner] < p - least[owner]
    return sure + np.bincount(owner[kept], minlength=len(a))


def _distinct(rng, k, size):
    """Return, for each entry, k different numbers below its size, all sets alike likely: (entries, numbers)."""
    owner = np.repeat(np.arange(len(k)), k)
    number = rng.integers(0, size[owner])
    again = np.arange(len(owner))
    stride = int(size.max())
    while True:
        key = owner[again] * stride + number[again]
        order = np.argsort(key, kind="stable")
        twice = np.flatnonzero(key[order][1:] == key[order][:-1])
        if not len(twice):
            return owner, number
        # a whole entry is drawn anew, lest some sets become likelier
        again = again[np.isin(owner[again], owner[again][order[twice]])]
        number[again] = rng.integers(0, size[owner[again]])
