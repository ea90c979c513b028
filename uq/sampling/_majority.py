"""Accuracy of the majority of k answers, from more answers than that."""

from dataclasses import replace
from numbers import Number

import numpy as np

from uq._base.answers import check_answers
from uq._base.citation import cites
from uq._base.containers import as_labels, is_missing
from uq._base.exceptions import InputError
from uq._base.random import check_rng
from uq._base.results import Estimate
from uq._base.validation import check_groups, check_matrix, check_option, check_vector

from ._counts import check_k
from ._majority_core import exact_credit, exact_work, sampled_credit
from ._over_problems import check_mean_options, combine, random_mean, too_few_samples, warn_few_problems
from ._within import random_cov

__all__ = ["majority_at_k"]

MOST_WORK = 1e8  # about a tenth of a second for one question
MOST_TOTAL = 2e9  # a few seconds for all questions and k
MOST_DRAWN = 2 * 10**7  # counts of one answer in one choice, all questions and k: about two seconds
MOST_VOTES = 10**9 - 1  # what NumPy draws without replacement from


@cites("wang2022", "hoeffding1963", "waudbysmith2024", "miller2024")
def majority_at_k(
    answers,
    y,
    k,
    *,
    form="answers",
    groups=None,
    average="problems",
    method="auto",
    too_few="raise",
    n_resamples=9999,
    rng=None,
    n_jobs=None,
) -> Estimate | np.ndarray:
    """Estimate how often the most frequent of k answers is right, as a mean over questions.

    Parameters
    ----------
    answers : array-like of shape (n_questions, n_draws), list of lists, or frame
        Sampled answers; a long frame has the columns ``question`` and ``answer``. Missing values are draws that were
        not made. For ``form="counts"``: how often each answer was given, of shape (n_questions, n_answers).
    y : array-like of shape (n_questions,)
        The right answer of each question (of a long frame: in the order in which its questions first appear); for
        counts the place of its column, from 0. It need not be among the answers.
    k : int or array-like of int of shape (n_k,)
        Answers that vote; several numbers must differ.
    form : {"answers", "counts"}, default "answers"
    groups : array-like of shape (n_questions,), optional
        Clusters of questions that are not independent.
    average : {"problems", None}, default "problems"
        None returns the estimate of every question.
    method : {"auto", "betting", "t", "cluster", "bootstrap"}, default "auto"
        As in `pass_at_k` for random problems.
    too_few : {"raise", "omit"}, default "raise"
        What to do with questions that have fewer than k answers; as in `pass_at_k`.
    n_resamples : int, default 9999
        Resamples of "bootstrap"; choices of k answers, at most, where there are too many to sum over all.
    rng : None, int or numpy.random.Generator, optional
        For those choices, for "bootstrap", and for the order in which "betting" takes the questions.
    n_jobs : int, optional
        For "bootstrap".

    Returns
    -------
    Estimate or ndarray
        As from `pass_at_k`, with the names "majority@1", .... Its `method` ends in "sampled votes" where choices were
        drawn at random, and in "250 sampled votes" where 250 of them for a question, fewer than `n_resamples`, had to
        do.

    Raises
    ------
    InputError
        For no answers, a `y` of another length, of another type than all answers or with missing values, k that
        repeats or lies above the number of answers (unless omitted) and options that do not belong together.

    Warns
    -----
    SmallSampleWarning
        As from `pass_at_k`.

    Notes
    -----
    **Guarantee.** The estimate of each question is unbiased for the chance that the right answer wins the vote of k new
    answers, where the answers at hand are independent, of one law, and their number was not chosen by what they were;
    the interval keeps what its method promises over questions (see `pass_at_k`). Which answers are the same is the
    caller's to say.

    An answer that ties with s others for the most votes wins 1/(s+1) of the question. The estimate is the mean over all
    choices of k of the n answers, summed exactly (to about 12 digits) answer by answer. What would take more than about
    a tenth of a second for a question and k, or, the cheapest first, more than a few seconds for all of them, is
    averaged over random choices instead: `n_resamples` for each question and k, or as many as keep the numbers drawn
    (choices times different answers) below 20 million in all, at least one. Their noise over m choices has a standard
    error of at most 1/(2 sqrt(m)) for a question and 1/(2 sqrt(m n_questions)) for the mean, leaves the estimate
    unbiased, and is part of what the interval covers.

    References
    ----------
    .. [1] X. Wang et al. (2022). Self-consistency improves chain of thought reasoning in language models.
       arXiv:2203.11171.

    Examples
    --------
    >>> from uq.sampling import majority_at_k
    >>> answers = [["4", "4", "5", "4"], ["7", "8", "8", "9"], ["1", "2", "1", "2"]]
    >>> majority_at_k(answers, ["4", "7", "1"], [1, 3], average=None).round(4).tolist()
    [[0.75, 1.0], [0.25, 0.1667], [0.5, 0.5]]
    """
    owner = "majority_at_k"
    check_option(form, ("answers", "counts"), owner, "form")
    profiles = _from_counts(answers, y, owner) if form == "counts" else _from_answers(answers, y, owner)
    ks, single = check_k(k, owner, named=True)
    sizes = np.array([profile.sum() for profile in profiles])
    options = check_mean_options(
        owner, len(sizes), groups, average, "random", method, too_few, n_resamples, rng, n_jobs
    )
    kept = too_few_samples(owner, ks, sizes, options)
    generator = options.rng if options.rng is not None else check_rng(None, owner)
    values, drawn = _credits(profiles, ks, kept if average else None, n_resamples, generator)
    if options.average is None:
        return values[:, 0] if single else values
    codes, n_dropped = options.codes, int(len(kept) - kept.sum())
    if n_dropped:
        values = values[kept]
        codes = None if codes is None else check_groups(codes[kept], owner, len(values))[0]
    parts = random_mean(owner, values.T, codes, options, n_dropped)
    warn_few_problems(parts[0], options, stacklevel=2)
    one_each = np.ones(len(values))
    cov = random_cov(values, np.arange(len(values)), one_each, codes)
    estimate = combine(parts, cov, None if single else tuple(f"majority@{k:.0f}" for k in ks))
    if not drawn:
        return estimate
    return replace(estimate, method=f"{estimate.method}, {f'{drawn} ' if drawn < n_resamples else ''}sampled votes")


def _from_answers(answers, y, owner):
    """Return, per question, the counts of its answers, the right one first (0 where it was never given)."""
    found = check_answers(answers, owner)
    truth = _check_truth(y, found.n_questions, owner)
    counts, labels = found.sums(), found.labels.tolist()
    written, asked = ({_kind(label) for label in some} for some in (labels, truth))
    if not written & asked:
        raise InputError(
            f"{owner}: y must be written as the answers are, or none can be right; got {' and '.join(sorted(asked))} "
            f"for answers that are {' and '.join(sorted(written))}, such as {truth[0]!r:.40} and {labels[0]!r:.40}. "
            "Convert one to the type of the other."
        )
    profiles = []
    for i, right in enumerate(truth):
        first, last = found.starts[i], found.starts[i + 1]
        votes = counts[first:last]
        hit = np.array([label == right for label in labels[first:last]], dtype=bool)
        profiles.append(np.concatenate([[votes[hit].sum()], votes[~hit]]))
    return profiles


def _kind(label):
    if isinstance(label, str):
        return "strings"
    return "numbers" if isinstance(label, Number) else type(label).__name__


def _check_truth(y, n, owner):
    truth = as_labels(y, owner, "y").tolist()
    if len(truth) != n or any(is_missing(label) for label in truth):
        raise InputError(
            f"{owner}: y must hold the right answer of each question ({n}), none missing; got {len(truth)} values."
        )
    return truth


def _from_counts(counts, y, owner):
    counts = check_matrix(counts, owner, "answers")
    if (counts < 0).any() or (counts != np.rint(counts)).any() or counts.sum(axis=1).max() > MOST_VOTES:
        raise InputError(
            f"{owner}: answers must be whole numbers of votes of at least 0, below 10**9 per question, for "
            f"form='counts'; got values from {counts.min():g} to {counts.max():g}."
        )
    right = check_vector(y, owner, "y")
    if (
        len(right) != len(counts)
        or (right != np.rint(right)).any()
        or right.min() < 0
        or right.max() >= counts.shape[1]
    ):
        raise InputError(
            f"{owner}: y must be the place of the right answer's column, from 0 to {counts.shape[1] - 1}, for each of "
            f"{len(counts)} questions; got {len(right)} values from {right.min():g} to {right.max():g}."
        )
    profiles = []
    for row, place in zip(counts, right.astype(np.intp), strict=True):
        others = np.delete(row, place)
        profiles.append(np.concatenate([[row[place]], others[others > 0]]))
    return profiles


def _credits(profiles, ks, kept, size, rng):
    """Return the values, NaN where a question has too few answers or is left out, and how many choices were drawn.

    The last is 0 where all choices were summed over.
    """
    values = np.full((len(profiles), len(ks)), np.nan)
    asked: dict[tuple, list] = {}  # questions that are alike need one sum
    for i, counts in enumerate(profiles):
        for j, k in enumerate(ks.astype(np.int64).tolist()):
            if counts.sum() >= k and (kept is None or kept[i]):
                asked.setdefault((k, counts[0], *np.sort(counts[1:])), []).append((i, j))
    summed = _affordable(np.array([exact_work(profiles[places[0][0]], key[0]) for key, places in asked.items()]))
    rest = [place for places, cheap in zip(asked.values(), summed, strict=True) if not cheap for place in places]
    cells = sum(len(profiles[i]) for i, _ in rest)
    size = min(size, max(1, MOST_DRAWN // max(cells, 1)))
    for (key, places), cheap in zip(asked.items(), summed, strict=True):
        if cheap:
            values[tuple(zip(*places, strict=True))] = exact_credit(profiles[places[0][0]], key[0])
            continue
        for i, j in places:
            values[i, j] = sampled_credit(profiles[i], key[0], size, rng)
    return np.clip(values, 0.0, 1.0), 0 if summed.all() else size


def _affordable(work):
    """Return which sums are made: those within the bound of one, the cheapest first, up to the bound of all."""
    order = np.argsort(work, kind="stable")
    out = np.empty(len(work), dtype=bool)
    out[order] = np.cumsum(work[order]) <= MOST_TOTAL
    return out & (work <= MOST_WORK)
