"""pass@k and pass^k: from counts of right answers to a mean over problems with its error."""

import warnings

import numpy as np

from uq._base.citation import cites
from uq._base.exceptions import UntestedAssumptionWarning
from uq._base.results import Estimate
from uq._base.validation import check_groups

from ._counts import check_counts, check_k, unique_pairs
from ._over_problems import (
    check_mean_options,
    combine,
    fixed_mean,
    random_mean,
    too_few_samples,
    warn_few_problems,
)
from ._sampling_rule import SamplingRule, check_rule, looks_stopped
from ._within import random_cov, within_cov

__all__ = ["STOPPED", "pass_all_k", "pass_at_k"]

STOPPED = (
    "{owner}: these counts look as if sampling had stopped at a success: every problem with fewer samples than the "
    "most has a right answer. Estimates for a fixed number of samples are then too high. Name the rule "
    "(sampling='inverse' or 'batch'), or use CoverageCurve(model='beta_binomial'), which stays valid under any rule "
    "that looks at outcomes."
)


@cites("chen2021", "girshick1946", "hoeffding1963", "waudbysmith2024", "miller2024")
def pass_at_k(
    n_correct,
    n_trials,
    k,
    *,
    sampling="fixed",
    target=None,
    batch_size=None,
    cap=None,
    groups=None,
    average="problems",
    problems="random",
    method="auto",
    too_few="raise",
    n_resamples=9999,
    rng=None,
    n_jobs=None,
) -> Estimate | np.ndarray:
    """Estimate the probability that at least one of k samples of a problem is right, as a mean over problems.

    Parameters
    ----------
    n_correct : array-like of shape (n_problems,)
        Right answers among the samples of each problem.
    n_trials : int or array-like of shape (n_problems,)
        Samples drawn for each problem.
    k : int or array-like of int of shape (n_k,)
        Samples that may be spent on a problem; several must differ.
    sampling : {"fixed", "inverse", "batch"}, default "fixed"
        How the number of samples came about:

        - "fixed": chosen without a look at the outcomes.
        - "inverse": a problem was sampled until it had `target` right answers.
        - "batch": it was sampled `batch_size` at a time, until a batch held a right answer.
    target : int or array-like of shape (n_problems,), optional
        For "inverse"; `n_correct` itself where there is no `cap`.
    batch_size : int, optional
        For "batch".
    cap : int, optional
        For "inverse" and "batch": the number of samples at which sampling ended in any case.
    groups : array-like of shape (n_problems,), optional
        Clusters of problems that are not independent (one subject, one source text).
    average : {"problems", None}, default "problems"
        None returns the estimate of every problem.
    problems : {"random", "fixed"}, default "random"
        "random": the mean over the population from which the problems were drawn. "fixed": over these very problems,
        sampled again; the error is that within problems alone.
    method : str, default "auto"
        For problems "random":

        - "betting": values in [0, 1], with a promise at any number of problems; the choice of "auto".
        - "t", or "cluster" where there are `groups`: Student's t.
        - "bootstrap": bias-corrected and accelerated, over problems or clusters.

        For problems "fixed":

        - "kl": Hoeffding's bound, with a promise at any number of samples; the choice of "auto".
        - "normal": from the unbiased estimate of the variance within problems.
    too_few : {"raise", "omit"}, default "raise"
        What to do with problems that have fewer than k samples (for a `cap`: where that is below k). "omit" leaves
        them out, for all k alike, and reports how many; for ``average=None`` they are NaN.
    n_resamples : int, default 9999
        For "bootstrap".
    rng : None, int or numpy.random.Generator, optional
        For "bootstrap", and for the order in which "betting" takes the problems (None: one fixed order).
    n_jobs : int, optional
        For "bootstrap".

    Returns
    -------
    Estimate or ndarray
        One number, or one per k with `names` ("pass@1", ...) and `cov`; intervals are for each k by itself. For
        ``average=None`` an array of shape (n_problems,) or (n_problems, n_k).

    Raises
    ------
    InputError
        For counts that are not whole or exceed the samples, k that repeats or lies above the number of samples (unless
        omitted), counts that the rule named by `sampling` cannot have given, and options that do not belong together.

    Warns
    -----
    UntestedAssumptionWarning
        Where "fixed" counts look as if sampling had stopped at a success.
    SmallSampleWarning
        For "t" and "bootstrap" below 30 problems, "cluster" below 20 clusters.

    See Also
    --------
    CoverageCurve : beyond the number of samples, by a model.

    Notes
    -----
    **Guarantee.** The estimate of each problem is unbiased, if its samples are independent with one probability of
    being right and ended by the rule that `sampling` names (checked by enumeration of all outcomes). "betting":
    finite-sample, for independent problems from one population, or independent clusters whose size says nothing about
    their mean. "kl": finite-sample, for these problems, whatever their probabilities. "t", "cluster", "normal" and
    "bootstrap": asymptotic; where most problems are never or always solved they fall short, also at 50 problems.
    Nothing is promised about another population, about samples that depend on each other, or about counts whose n was
    chosen by outcomes under another rule than the one named: stopping at the first success makes "fixed" too high.

    For n samples of which c are right, pass@k is 1 - C(n-c, k) / C(n, k); after stopping at the c-th right answer it is
    the same of n-1 and c-1; after batches of size b only the last one counts, k-n+b samples of it. All are the share of
    the orders of outcomes with one right answer or more among the first k.

    References
    ----------
    .. [1] M. Chen et al. (2021). Evaluating large language models trained on code. arXiv:2107.03374.
    .. [2] M. Girshick, F. Mosteller, L. Savage (1946). Unbiased estimates for certain binomial sampling problems with
       applications. doi:10.1214/aoms/1177731018.
    .. [3] W. Hoeffding (1963). Probability inequalities for sums of bounded random variables.
       doi:10.1080/01621459.1963.10500830.

    Examples
    --------
    >>> from uq.datasets import make_counts
    >>> from uq.sampling import pass_at_k
    >>> counts = make_counts(200, 50, a=.3, b=2, rng=0)
    >>> found = pass_at_k(counts["n_correct"], counts["n_trials"], [1, 10])
    >>> print(found.conf_int())
    95 % interval
      name    lower   upper
    pass@1  0.09811  0.1593
    pass@10   0.3585  0.4679
    method: betting, guarantee: finite-sample

    These problems alone, sampled again:

    >>> pass_at_k(counts["n_correct"], counts["n_trials"], 10, problems="fixed").conf_int()
    [0.3836, 0.4684] (95 % interval, method: kl, guarantee: finite-sample)
    """
    owner = "pass_at_k"
    c, n = check_counts(n_correct, n_trials, owner)
    ks, single = check_k(k, owner, named=True)
    rule = check_rule(sampling, target, batch_size, cap, c, n, owner)
    options = check_mean_options(owner, len(c), groups, average, problems, method, too_few, n_resamples, rng, n_jobs)
    kept = too_few_samples(owner, ks, rule.most(n), options)
    if rule.sampling == "fixed" and looks_stopped(c, n):
        warnings.warn(STOPPED.format(owner=owner), UntestedAssumptionWarning, stacklevel=2)
    n, c = rule.reduced(n, c)
    if options.average is None:
        return _per_problem(rule, n, c, ks, single, complement=True)
    parts, cov = _mean(owner, rule, n, c, ks, kept, options, complement=True)
    return combine(parts, cov, None if single else tuple(f"pass@{k:.0f}" for k in ks))


@cites("yao2024", "hoeffding1963", "waudbysmith2024", "miller2024")
def pass_all_k(
    n_correct,
    n_trials,
    k,
    *,
    groups=None,
    average="problems",
    problems="random",
    method="auto",
    too_few="raise",
    n_resamples=9999,
    rng=None,
    n_jobs=None,
) -> Estimate | np.ndarray:
    """Estimate the probability that all of k samples of a problem are right (pass^k), as a mean over problems.

    Parameters
    ----------
    n_correct : array-like of shape (n_problems,)
        Right answers among the samples of each problem.
    n_trials : int or array-like of shape (n_problems,)
        Samples drawn for each problem, their number chosen without a look at the outcomes.
    k : int or array-like of int of shape (n_k,)
        Samples that must all be right; several must differ.
    groups, average, problems, method, too_few, n_resamples, rng, n_jobs
        As in `pass_at_k`.

    Returns
    -------
    Estimate or ndarray
        As from `pass_at_k`, with the names "pass^1", ....

    Raises
    ------
    InputError
        As from `pass_at_k`.

    Warns
    -----
    UntestedAssumptionWarning
        Where the counts look as if sampling had stopped at a success.
    SmallSampleWarning
        As from `pass_at_k`.

    Notes
    -----
    **Guarantee.** As for `pass_at_k` with a fixed number of samples: C(c, k) / C(n, k) is unbiased for the k-th power
    of the problem's probability of being right, and the interval keeps what its method promises.

    References
    ----------
    .. [1] S. Yao, N. Shinn, P. Razavi, K. Narasimhan (2024). tau-bench: a benchmark for tool-agent-user interaction in
       real-world domains. arXiv:2406.12045.

    Examples
    --------
    >>> from uq.sampling import pass_all_k
    >>> pass_all_k([4, 2, 3, 0], 4, 2, average=None).round(4).tolist()
    [1.0, 0.1667, 0.5, 0.0]
    """
    owner = "pass_all_k"
    c, n = check_counts(n_correct, n_trials, owner)
    ks, single = check_k(k, owner, named=True)
    options = check_mean_options(owner, len(c), groups, average, problems, method, too_few, n_resamples, rng, n_jobs)
    rule = SamplingRule()
    kept = too_few_samples(owner, ks, n, options)
    if looks_stopped(c, n):
        warnings.warn(STOPPED.format(owner=owner), UntestedAssumptionWarning, stacklevel=2)
    if options.average is None:
        return _per_problem(rule, n, n - c, ks, single, complement=False)
    parts, cov = _mean(owner, rule, n, n - c, ks, kept, options, complement=False)
    return combine(parts, cov, None if single else tuple(f"pass^{k:.0f}" for k in ks))


def _per_problem(rule, n, c, ks, single, complement):
    """Return the estimates of each problem, NaN where it has too few samples."""
    n, c, place, _ = unique_pairs(n, c)
    most = rule.most(n)
    columns = [np.where(k <= most, _values(rule, n, c, k, complement), np.nan)[place] for k in ks]
    return columns[0] if single else np.column_stack(columns)


def _values(rule, n, c, k, complement):
    log = rule.log_failure(n, c, k)
    return -np.expm1(log) if complement else np.exp(log)


def _mean(owner, rule, n, c, ks, kept, options, complement):
    """Return one Estimate per k, and the covariance of all."""
    codes, n_dropped = options.codes, int(len(kept) - kept.sum())
    if n_dropped:
        n, c = n[kept], c[kept]
        codes = None if codes is None else check_groups(codes[kept], owner, len(n))[0]  # some may have gone whole
    n, c, place, many = unique_pairs(n, c)
    g = np.column_stack([_values(rule, n, c, k, complement) for k in ks])
    if options.problems == "fixed":
        cov = within_cov(rule, n, c, ks, many, owner)
        # a mean over all choices of k samples is bounded like one over disjoint choices (Hoeffding 1963, section 5)
        blocks = len(place) * (np.floor(n.min() / ks) if rule.sampling == "fixed" else np.ones(len(ks)))
        return fixed_mean(many @ g / len(place), cov, blocks, len(place), options.method, n_dropped), cov
    parts = random_mean(owner, (column[place] for column in g.T), codes, options, n_dropped)
    warn_few_problems(parts[0], options, stacklevel=3)
    return parts, random_cov(g, place, many, codes)
