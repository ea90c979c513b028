"""How far the rounding of the numbers that came in may move what is computed of them. Nothing is validated here.

The slack T of a cell bounds the error of log(m^2 / d): a ratio up to exp(T) may in truth be 1, and one above exp(-T)
may be too. Joints have entries that are off by a factor; logits by a share of their size, which counts for a cell by
how much of it they make up.
"""

from numbers import Number

import numpy as np

from uq._base.classes import OFF_ONE

__all__ = ["DOUBLE", "capped", "eigenvalue_slack", "input_eps", "joint_slack", "kept", "logit_slack", "off_one"]

DOUBLE = 2.0**-52
SINGLE = 2.0**-23
HALF = 2.0**-10
STEPS = {HALF: 2.0**-24}  # what is smaller than half of it may be 0: in half precision, else (subnormal numbers)
STEP = 2.0**-125
LOGIT = 32.0  # in doubles it costs nothing to let logits be so large beside their differences
ENTRIES = 4  # rounding units: two for m^2, one for d, one for the sum to which they are brought


def input_eps(x):
    """Return the rounding unit of the numbers that came in: half and single precision carry noise of their own."""
    if isinstance(x, (list, tuple)):  # of arrays, of tensors, or nested; the dtype of a scalar is its type
        samples = {type(each): each for each in x}
        parts = samples.values() if all(isinstance(each, (Number, np.generic)) for each in samples.values()) else x
        return max(map(input_eps, parts), default=DOUBLE)
    kinds = getattr(x, "dtypes", None) if hasattr(x, "columns") else None  # of a frame, one for each column
    if kinds is None:
        kinds = getattr(getattr(x, "schema", None), "types", None)
    kinds = [getattr(x, "dtype", "")] if kinds is None else kinds
    return max((_eps_of(str(kind).lower()) for kind in kinds), default=DOUBLE)


def off_one(eps, entries):
    """Return by how much the sum of so many probabilities may be off 1."""
    return max(OFF_ONE, eps) + entries * STEPS.get(eps, 0.0) / 2


def _eps_of(kind):
    for word, eps in (("bfloat16", 2.0**-7), ("float16", HALF), ("halffloat", HALF), ("float32", SINGLE)):
        if kind.endswith(word):
            return eps
    return SINGLE if kind == "float" else DOUBLE  # so pyarrow calls single precision


def joint_slack(m, eps):
    """Return T (n, K) for probabilities."""
    k = m.shape[1]
    with np.errstate(divide="ignore"):
        size = np.where(m > 0, -np.log(m), 0.0)
    # a softmax rounds logits before it rounds the rest (in single precision, where half comes in). They are about as
    # large as the logarithms that they become, or as the largest of these, which counts for all but a class that is
    # nearly certain: its logits cancel
    size += (1 - m) * size.max(axis=1, keepdims=True)
    if eps <= DOUBLE:
        return DOUBLE * (k + 8 + ENTRIES * (LOGIT + size))
    slack = (k + 8) * DOUBLE + ENTRIES * (eps + SINGLE * size)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        lost = np.where(m > 0, STEPS.get(eps, STEP) * (0.5 + k * m) / (m * m), 0.0)
        return slack - np.log1p(-np.minimum(lost, 1.0))


def logit_slack(log_m, size, eps):
    """Return T (n, K) for logits, where `size` is how much the sizes of logits weigh in m, d and the sum of all."""
    with np.errstate(invalid="ignore"):
        own = (log_m.shape[1] + 8) * DOUBLE * (1 + np.where(np.isneginf(log_m), 0.0, np.abs(log_m)))
    return own + eps / 2 * size


def kept(variance, ratio, slack, coarse):
    """Return variances, 0 where they are below it by rounding alone, and confidences, NaN beyond.

    Of a coarse kind of number a confidence is the least that it may be.
    """
    good = ratio <= np.exp(slack)
    sure = np.exp(-np.asarray(slack))
    confidence = np.minimum(ratio, 1.0) * sure if coarse else np.where(ratio >= sure, 1.0, ratio)
    return np.where(good, np.maximum(variance, 0.0), variance), np.where(good, confidence, np.nan)


def capped(variance, m, slack):
    """Return the most that variances may be: d exp(T) - m^2 bounds d' - m'^2 where m^2 / d is off by exp(T)."""
    with np.errstate(over="ignore", invalid="ignore"):
        most = np.maximum(variance, 0.0) * np.exp(slack) + m * m * np.expm1(slack)
    return np.where(m > 0, np.where(np.isinf(slack), np.inf, most), variance)


def eigenvalue_slack(joint, m, slack):
    """Return how far the least eigenvalue of each covariance may lie below 0 by rounding, of shape (n,).

    The errors of different entries are taken to be unlike each other: their largest eigenvalue is then about that of
    the longest row.
    """
    length = np.sqrt(np.einsum("ikl,ikl->ik", joint, joint))
    with np.errstate(invalid="ignore"):
        weighed = np.where(length > 0, np.minimum(np.expm1(slack), 1.0) * length, 0.0)
    return weighed.max(axis=1) + (m.shape[1] + 8) * DOUBLE * m.max(axis=1)
