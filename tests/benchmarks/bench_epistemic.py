"""A million joints in one pass, against copying them and against what one would write in plain NumPy."""

import numpy as np
from harness import compare

from uq.epistemic import (
    PairDistribution,
    decompose_samples,
    pair_counts,
    second_order_calibration_error,
    semantic_entropy,
)

N, K = 10**6, 10


def joints(n=N, k=K):
    rng = np.random.default_rng(0)
    joint = rng.random((n, k, k), dtype=np.float32).astype(np.float64)
    joint /= joint.sum(axis=(1, 2), keepdims=True)
    return joint


def close(tolerance):
    def agree(ours, theirs):
        gap = max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True))
        assert gap <= tolerance, gap
        return f"equal to {gap:.1g}"

    return agree


def pass_rows():
    joint = joints()

    def ours():
        pairs = PairDistribution(joint)
        return pairs.marginal, pairs.epistemic_variance

    def plain():
        both = (joint + joint.transpose(0, 2, 1)) / 2
        assert (joint >= 0).all()
        assert np.isfinite(joint).all()
        assert np.allclose(joint.sum(axis=(1, 2)), 1)
        m = both.sum(axis=2)
        return m, np.diagonal(both, axis1=1, axis2=2) - m**2

    yield compare(
        "checked, symmetric joint, its marginals and variances: 10^6 x 10 x 10", ours, plain, "plain NumPy",
        close(1e-12), turns=2,
    )  # fmt: skip

    def copied():
        # the least that a memory-bound pass can cost: read it all, write it all, and read it once more for the sums
        both = joint.copy()
        return both.reshape(N, -1) @ np.ones(K * K)

    row = compare(
        "the same", lambda: PairDistribution(joint), copied, "one copy and one sum",
        lambda pairs, sums: f"{len(pairs)} rows",
        turns=3,
    )  # fmt: skip
    yield type(row)(row.task, row.peer, row.ours_s, row.peer_s, row.agreement, f"{1 / row.ratio:.1f} times the pass")


def loop_rows():
    rng = np.random.default_rng(1)
    counts = rng.multinomial(5, np.ones(K) / K, size=10**5)

    def outer():
        return [
            np.stack([(np.outer(c, c) - np.diag(c)) / (c.sum() * (c.sum() - 1)) for c in counts.astype(float)]),
        ]

    yield compare(
        "targets of pairs, 10^5 x 10", lambda: [pair_counts(counts)], outer, "np.outer in a loop", close(1e-12)
    )
    pairs = PairDistribution(joints(10**5))
    e_rows = counts

    def metric():
        return second_order_calibration_error(e_rows, pairs).error

    def sorted_bins():
        p, n = pairs.marginal, e_rows.sum(axis=1, keepdims=True)
        e = p**2 - 2 * p * e_rows / n + e_rows * (e_rows - 1) / (n * (n - 1))
        v = pairs.epistemic_variance.ravel()
        order = np.argsort(v, kind="stable")
        return sum(abs(part.sum()) for part in np.array_split((e.ravel() - v)[order], 10)) / v.size

    yield compare(
        "second-order error with floor, bins and score, 10^5 x 10", metric, sorted_bins, "the error alone, by argsort",
        lambda a, b: close(1e-9)([a], [b]),
    )  # fmt: skip
    members = rng.dirichlet(np.ones(K), (10, 10**5))

    def bald():
        mean = members.mean(axis=0)
        total = -(mean * np.log(mean)).sum(axis=1)
        return total, total + (members * np.log(members)).sum(axis=2).mean(axis=0)

    def parts():
        result = decompose_samples(members)
        return result.total, result.epistemic

    yield compare(
        "entropy and information of 10 members, 10^5 x 10", parts, bald, "plain NumPy, unchecked", close(1e-10)
    )
    clusters = rng.integers(0, 6, (10**4, 20))

    def dictionaries():
        out = []
        for row in clusters.tolist():
            p = np.array([row.count(c) for c in set(row)]) / len(row)
            out.append(-(p * np.log(p)).sum())
        return [np.array(out)]

    yield compare(
        "semantic entropy, 10^4 questions x 20", lambda: [semantic_entropy(clusters)], dictionaries,
        "a loop over questions", close(1e-12),
    )  # fmt: skip


def rows():
    return [*pass_rows(), *loop_rows()]
