"""The chance that the right answer wins the vote of k samples drawn without replacement from those at hand.

Averaged over all choices of k of the n samples it is unbiased for k new ones. The samples of each answer are drawn in
turn: given how many of the k are left to draw, the number that falls on the next answer is hypergeometric.
"""

import numpy as np

__all__ = ["exact_credit", "exact_work", "sampled_credit"]

_OVERHEAD = 4000  # of a step in Python, in numbers that NumPy could have added meanwhile


def exact_work(counts, k):
    """Return how many elementary steps `exact_credit` takes, about."""
    others = counts[1:]
    state = float(min(k, counts[0])) * (min(len(others), k) + 1) * (k + 1)
    return (state + _OVERHEAD) * float(1 + len(others) + np.minimum(others, k).sum())


def exact_credit(counts, k):
    """Return the expected credit of answer 0: 1 for more votes than any other, 1/(s+1) where it ties with s others.

    `counts` are whole numbers of at least 1, except for the first, and sum to at least k.
    """
    right, others = int(counts[0]), np.sort(counts[1:].astype(np.intp))[::-1]
    votes = np.arange(1, min(right, k) + 1)  # of the right answer; none wins nothing
    if not votes.size:
        return 0.0
    left = int(counts.sum()) - right
    # state[t, s, r]: chance of s ties and r samples left to draw where the right answer has votes[t]
    state = np.zeros((len(votes), min(len(others), k) + 1, k + 1))
    state[np.arange(len(votes)), 0, k - votes] = _hypergeometric(right, left, k, votes)
    for many in others.tolist():
        left -= many
        pick, rest, both = (_choose(size, k) for size in (many, left, many + left))
        after = np.zeros_like(state)
        for i in range(min(many, k) + 1):
            # i votes for this answer, whatever r still was to be drawn
            chance = np.exp(pick[i] + rest[: k + 1 - i] - both[i:])
            chance[left + 1 :] = 0.0
            after[i:, :, : k + 1 - i] += state[i:, :, i:] * chance
            if 1 <= i <= len(votes):  # as many as the right answer has
                after[i - 1, 1:, : k + 1 - i] += state[i - 1, :-1, i:] * chance
        state = after
    return float((state[:, :, 0].sum(axis=0) / np.arange(1, state.shape[1] + 1)).sum())


def _hypergeometric(many, rest, drawn, hits):
    """Return the chance of `hits` among `drawn` samples of `many` and `rest`; 0 where there is none."""
    possible = (hits <= many) & (drawn - hits <= rest) & (drawn >= hits)
    most = int(np.max(drawn))
    log = _choose(many, most)[np.minimum(hits, most)] + _choose(rest, most)[np.maximum(drawn - hits, 0)]
    return np.where(possible, np.exp(log - _choose(many + rest, most)[drawn]), 0.0)


def _choose(n, most):
    """Return log C(n, k) for k = 0 ... most, 0 where k > n; a sum of logarithms keeps the digits for large n."""
    i = np.arange(most)
    return np.concatenate([[0.0], np.cumsum(np.log(np.maximum(n - i, 1.0)) - np.log(i + 1.0))])


def sampled_credit(counts, k, size, rng):
    """Return the mean credit over `size` random choices of k samples."""
    counts, total = counts.astype(np.int64), 0.0
    step = max(1, 10**6 // len(counts))
    for done in range(0, size, step):
        drawn = rng.multivariate_hypergeometric(counts, k, size=min(step, size - done), method="marginals")
        best = drawn.max(axis=1)
        total += float(((drawn[:, 0] == best) / (drawn == best[:, None]).sum(axis=1)).sum())
    return total / size
