"""Joints from responses alone: counts of votes on items that are alike, a sampler's own pairs of answers."""

import numpy as np

from uq._base.answers import check_answers
from uq._base.containers import as_labels, frame_columns
from uq._base.exceptions import InputError
from uq._base.groups import cluster_sums
from uq._base.validation import check_groups

from ._class_names import check_class_names, column_labels, plain
from ._pair_input import check_counts
from ._ustatistics import pair_targets

__all__ = ["answer_pairs", "joint_of_answers", "joint_of_counts"]

MOST_NUMBERS = 10**9


def joint_of_counts(counts, groups, classes, owner):
    """Return J, m, the names of the classes and the labels of the groups, one row per group."""
    given = None if classes is None else tuple(as_labels(classes, owner, "classes").tolist())
    c = check_counts(counts, owner, "counts", classes=given, of="classes")
    names = check_class_names(column_labels(counts, owner, "counts") if given is None else given, c.shape[1], owner)
    codes, labels = np.zeros(len(c), dtype=np.intp), None
    if groups is not None:
        codes, labels = check_groups(groups, owner, len(c), min_groups=1)
    sizes = np.bincount(codes)
    if sizes.min() < 2:
        raise InputError(
            f"{owner}: each group must hold at least 2 items, whose differences show what x leaves open; got "
            f"{int(sizes.min())} in {'the only group' if labels is None else repr(plain(labels[sizes.argmin()]))}."
        )
    k, share = c.shape[1], c / c.sum(axis=1, keepdims=True)
    joint = cluster_sums(pair_targets(c).reshape(len(c), -1), codes).reshape(-1, k, k) / sizes[:, None, None]
    marginal = cluster_sums(share, codes) / sizes[:, None]
    joint += _mean_noise(share, marginal, codes, sizes)
    return joint, marginal, names, None if labels is None else tuple(labels.tolist())


def joint_of_answers(first, second, classes, owner):
    """Return J, m, asymmetries and the names of the classes, one row per question."""
    question, a, b, n, labels = answer_pairs(first, second, owner)
    names, a, b = _common_classes(labels, classes, a, b, owner)
    k = len(names)
    sizes = np.bincount(question, minlength=n)
    if sizes.min() < 2:
        raise InputError(
            f"{owner}: each question must have at least 2 pairs of answers; got {int(sizes.min())} in row "
            f"{int(sizes.argmin())} (counting from 0)."
        )
    if n * k * k > MOST_NUMBERS:
        raise InputError(
            f"{owner}: {k} different answers make a joint of {n} x {k} x {k}, which is too large. Use "
            "repeated_answer_scores, which needs the answers of each question alone."
        )
    pairs = np.bincount(question * (k * k) + a * k + b, minlength=n * k * k).reshape(n, k, k)
    joint = pairs / sizes[:, None, None]
    swapped = joint.transpose(0, 2, 1)
    asymmetry = np.abs(joint - swapped).max(axis=(1, 2))
    joint = (joint + swapped) / 2
    marginal = joint.sum(axis=2)
    share = np.zeros((len(a), k))
    share[np.arange(len(a)), a] += 0.5
    share[np.arange(len(a)), b] += 0.5
    joint += _mean_noise(share, marginal, question, sizes)
    return joint, marginal, asymmetry, names


def answer_pairs(first, second, owner):
    """Return (question, first answer, second answer) of each complete pair as codes, and the labels of the answers."""
    one, two = (check_answers(given, owner, name) for given, name in ((first, "first"), (second, "second")))
    same = one.n_given == two.n_given and one.n_questions == two.n_questions
    if one.lengths is None or two.lengths is None:
        same = same and one.lengths is two.lengths and _long_questions(first) == _long_questions(second)
    else:
        same = same and np.array_equal(one.lengths, two.lengths)
    if not same:
        raise InputError(
            f"{owner}: second must have the form of first, one answer for each of its draws; got {two.n_given} draws "
            f"on {two.n_questions} questions for {one.n_given} on {one.n_questions}."
        )
    codes: dict[object, int] = {}
    per_draw = []
    for answers in (one, two):
        known = np.array([codes.setdefault(label, len(codes)) for label in answers.labels.tolist()], dtype=np.intp)
        drawn = np.full(one.n_given, -1, dtype=np.intp)
        drawn[answers.present] = known[answers.answer] if len(known) else 0
        per_draw.append(drawn)
    question = np.full(one.n_given, -1, dtype=np.intp)
    question[one.present] = one.question
    whole = (per_draw[0] >= 0) & (per_draw[1] >= 0)
    if not whole.any():
        raise InputError(f"{owner}: first and second must hold at least one complete pair; got none.")
    return question[whole], per_draw[0][whole], per_draw[1][whole], one.n_questions, list(codes)


def _long_questions(frame):
    columns, values = frame_columns(frame)
    return values[columns.index("question")]


def _common_classes(labels, classes, a, b, owner):
    given = as_labels(labels, owner, "answers") if labels else np.array([])
    if classes is None:
        codes, names = check_groups(given, owner, len(given), name="answers", min_groups=1)
        if len(names) < 2:
            got = names.tolist()
            raise InputError(f"{owner}: answers must hold at least 2 different ones, or pass classes; got {got!r}.")
        return tuple(names.tolist()), codes[a], codes[b]
    names = check_class_names(classes, len(as_labels(classes, owner, "classes")), owner)
    if len(names) < 2:
        raise InputError(f"{owner}: classes must name at least 2 answers; got {names!r}.")
    place = {label: j for j, label in enumerate(names)}
    codes = np.array([place.get(label, -1) for label in given.tolist()], dtype=np.intp)
    if (codes < 0).any():
        got = plain(labels[int((codes < 0).argmax())])
        raise InputError(f"{owner}: answers must be among the classes ({names!r:.200}); got {got!r}.")
    return names, codes[a], codes[b]


def _mean_noise(share, marginal, codes, sizes):
    """Return the unbiased covariance of the estimated marginals, which m m' holds beside what it should."""
    k = share.shape[1]
    gap = share - marginal[codes]
    squares = cluster_sums((gap[:, :, None] * gap[:, None, :]).reshape(len(gap), -1), codes)
    return squares.reshape(-1, k, k) / (sizes * (sizes - 1.0))[:, None, None]
