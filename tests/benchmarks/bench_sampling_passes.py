"""pass@k of a million problems against the per-problem loop that evaluation scripts use."""

import numpy as np
from harness import compare

from uq.sampling import CoverageCurve, pass_at_k

N = 10**6


def loop(n_trials, n_correct, k):
    """Return pass@k problem by problem: the product over the last c factors."""
    values = []
    for c in n_correct:
        if n_trials - c < k:
            values.append(1.0)
        else:
            values.append(1.0 - np.prod(1.0 - k / np.arange(n_trials - c + 1, n_trials + 1)))
    return np.array(values)


def agree(mine, theirs):
    mine = mine.estimate if hasattr(mine, "estimate") else mine.mean()
    gap = abs(mine - theirs.mean())
    assert gap < 1e-12, gap
    return f"means equal to {gap:.0e}"


def rows():
    rng = np.random.default_rng(0)
    c = rng.binomial(100, rng.beta(0.3, 2, N))
    peer = "the loop over problems"
    for task, options in (
        ("values", {"average": None}),
        ("mean and error", {"method": "t"}),
        ("mean and betting law", {}),
    ):
        yield compare(
            f"pass@10, 10^6 problems, {task}",
            lambda options=options: pass_at_k(c, 100, 10, **options),
            lambda: loop(100, c, 10),
            peer,
            agree,
            turns=2,
        )
    few = rng.binomial(100, rng.beta(0.3, 2, 128))

    def fit():
        return CoverageCurve(random_state=0).fit(few, 100).predict_interval([1, 10, 100])

    def naive():
        from scipy.optimize import minimize
        from scipy.special import betaln

        def loss(theta, c):
            a, b = np.exp(theta)
            return -np.sum(betaln(a + c, b + 100 - c) - betaln(a, b))

        draws = [minimize(loss, [0.0, 0.0], (few[rng.integers(0, 128, 128)],), method="L-BFGS-B").x for _ in range(999)]
        return np.exp(np.array(draws))

    yield compare(
        "999 refits of a beta-binomial law, 128 problems",
        fit,
        naive,
        "L-BFGS from a fixed start for each",
        lambda mine, theirs: (
            f"widths at k=1: {mine.width[0]:.4f} and "
            f"{np.ptp(np.quantile(theirs[:, 0] / theirs.sum(axis=1), [0.025, 0.975])):.4f} (percentile)"
        ),
        turns=1,
    )
