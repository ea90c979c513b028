"""What pairs of responses say about p(y|x): inputs are few, so that what is claimed of all of them is summed."""

import functools

import numpy as np

from uq.epistemic import (
    PairDistribution,
    SecondOrderCalibration,
    repeated_answer_scores,
    second_order_calibration_error,
    selective_answer,
)

from ._row import Row, Seen

__all__ = ["NO_INTERVAL", "ROWS"]

LEVEL = 0.9


# ---- an input drawn from a calibrated model's groups


def groups_of_inputs(zeros):
    """Return 8 groups of 12 inputs, and the pairs of a calibrated model, which cannot tell those of a group apart."""
    world = np.random.default_rng(0)
    p = world.dirichlet(np.full(3, 0.7), (8, 12)) * (world.random((8, 12, 3)) > zeros)
    p[..., 0] += p.sum(axis=-1) == 0
    p /= p.sum(axis=-1, keepdims=True)
    return p, PairDistribution(np.einsum("gik,gil->gkl", p, p) / 12)


def calibrated(zeros):
    """Return a run over one input of one group: what the model says of a group is the mean over its inputs."""
    p, pairs = groups_of_inputs(zeros)
    intervals = pairs.interval(LEVEL)
    top = pairs.marginal.argmax(axis=1)

    def run(rng):
        group, at = rng.integers(8), rng.integers(12)
        truth = p[group, at, top[group]]
        covered = intervals.lower[group] - 1e-12 <= truth <= intervals.upper[group] + 1e-12
        return Seen(np.array([covered]), intervals.guarantee)

    return run


def possible(method):
    """Return a run over one input that got an answer: can it be?"""
    p, pairs = groups_of_inputs(0.3)

    def run(rng):
        answers = np.full(8, -1)
        while (answers < 0).all():
            chosen = selective_answer(pairs, 0.4, method, rng=rng)
            answers = chosen.answers
        group = rng.choice(np.flatnonzero(answers >= 0))
        return Seen(np.array([p[group, rng.integers(12), answers[group]] > 0]), chosen.guarantee)

    return run


# ---- the distribution-free factor


def skewed(rng, n):
    return rng.beta(0.3, 3, n), np.full(n, 0.09), np.full(n, 0.01)


def rare(rng, n):
    return (rng.random(n) < 0.02).astype(float), np.full(n, 0.02), np.full(n, 0.0)


def overconfident(rng, n):
    said = rng.random(n)
    return rng.beta(3 * said + 1e-3, 3 * (1 - said) + 1e-3), said, 0.05 * said * (1 - said)


def pairs_of(m, v):
    """Return the pairs of two classes with this mean and this variance of the second."""
    both = v + m * m
    return PairDistribution(np.stack([np.stack([1 - 2 * m + both, m - both], 1), np.stack([m - both, both], 1)], 1))


@functools.cache
def inputs(law, n=20_000):
    """Return the population: p(1|x), the model's pairs, and p of the class that the model likes best."""
    p, m, v = law(np.random.default_rng(1), n)
    pairs = pairs_of(m, v)
    return p, pairs, np.where(pairs.marginal.argmax(axis=1) == 1, p, 1 - p)


def enough(law, bound, n, responses=2):
    """The share of all inputs outside of their intervals is at most what is allowed, at three coverages at once."""

    def run(rng):
        p, pairs, truth = inputs(law)
        at = rng.integers(0, len(p), n)
        c = rng.binomial(responses, p[at])
        fitted = SecondOrderCalibration(bound, floor=0.02).fit(pairs[at], np.column_stack([responses - c, c]))
        fine = True
        for coverage in (0.5, 0.8, 0.9):
            interval = fitted.predict_interval(pairs, coverage)
            missed = (truth < interval.lower - 1e-12) | (truth > interval.upper + 1e-12)
            fine &= missed.mean() <= 1 - coverage + 1e-12
        return Seen(np.array([fine]), interval.guarantee)

    return run


# ---- errors of a bin, and a sampler's own answers


def second_order(n):
    """The model is calibrated, so that every bin's gap is 0; the first bin counts."""

    def run(rng):
        said = rng.dirichlet(np.full(3, 2.0), n)
        p = rng.standard_gamma(np.maximum(4 * said, 1e-9))
        p /= p.sum(axis=1, keepdims=True)
        joint = 0.8 * said[:, :, None] * said[:, None, :] + 0.2 * said[:, :, None] * np.eye(3)
        error = second_order_calibration_error(rng.multinomial(3, p), PairDistribution(joint), n_bins=5)
        interval = error.interval(LEVEL)
        return Seen(np.array([bool(interval.contains(np.zeros(len(error.gap)))[0])]), interval.guarantee)

    return run


def repeated(n, m, again):
    """The covariance of an answer with itself, for the first answer of one question."""

    def run(rng):
        first = rng.random(n) < m
        second = np.where(first, rng.random(n) < again, rng.random(n) < 0.2)
        scores = repeated_answer_scores(first[None].astype(int), second[None].astype(int))
        interval = scores.interval(LEVEL)
        at = np.flatnonzero(scores.answer == 1)
        truth = m * again - m * m
        return Seen(np.array([not len(at) or interval.lower[at[0]] <= truth <= interval.upper[at[0]]]),
                    interval.guarantee)  # fmt: skip

    return run


ROWS = [
    *(Row(of="uq.epistemic.PairDistribution.interval", method="Chebyshev", law=f"calibrated, {zeros:.0%} impossible",
          n="8 groups", level=LEVEL, guarantee="none", floor=LEVEL, run=calibrated(zeros)) for zeros in (0.0, 0.6)),
    *(Row(of="uq.epistemic.selective_answer", method=f"{method}, answers that can be", law="calibrated, 30% impossible",
          n="8 groups", level=0.6, guarantee="none", floor=0.6, run=possible(method))
      for method in ("filter", "rejection", "argmax")),
    *(Row(of="uq.epistemic.SecondOrderCalibration.predict_interval", method=bound, law=law.__name__, n=f"{n}, pairs",
          guarantee="finite-sample", reps=80, run=enough(law, bound, n))
      for law in (skewed, rare, overconfident)
      for bound, n in (("betting", 30), ("betting", 200), ("empirical_bernstein", 200), ("hoeffding", 200))),
    *(Row(of="uq.epistemic.SecondOrderError.interval", method="betting", law="calibrated", n=f"{n}, 5 bins",
          level=LEVEL, guarantee="asymptotic", floor=LEVEL, reps=150, run=second_order(n)) for n in (50, 300)),
    *(Row(of="uq.epistemic.RepeatedAnswers.interval", method="exact binomial limits", law=f"p {m}, again {again}",
          n=str(n), level=LEVEL, guarantee="finite-sample", run=repeated(n, m, again))
      for n in (10, 100) for m, again in ((0.5, 0.9), (0.1, 0.6))),
]  # fmt: skip

NO_INTERVAL = {
    "in the rows of what makes it": ("uq.epistemic.SelectiveAnswers",),
    "in the rows of what it returns": (
        "uq.epistemic.repeated_answer_scores",
        "uq.epistemic.second_order_calibration_error",
    ),
    "numbers without an interval": (
        "uq.epistemic.Decomposition",
        "uq.epistemic.PairDiagnosis",
        "uq.epistemic.decompose_samples",
        "uq.epistemic.pair_counts",
        "uq.epistemic.second_order_score",
        "uq.epistemic.semantic_entropy",
        "uq.epistemic.squared_error_ustatistic",
    ),
    "pairs, whose intervals promise nothing of their own": (
        "uq.epistemic.PairHeadClassifier",
        "uq.epistemic.PairHeadClassifier.predict_pair",
        "uq.epistemic.ScaledVariance",
        "uq.epistemic.ScaledVariance.predict_pair",
    ),
}
