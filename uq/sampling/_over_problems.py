"""The mean over problems of what each problem's samples estimate, with the error of the mean that is meant."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.citation import cite_methods
from uq._base.exceptions import InputError, SmallSampleWarning
from uq._base.laws import NormalLaw, TLaw
from uq._base.random import check_rng
from uq._base.results import Estimate
from uq._base.validation import check_count, check_groups, check_jobs, check_option
from uq._evaluation._mean import mean_estimate
from uq._evaluation._warn import FEW_GROUPS, FEW_ROWS, few, needs

from ._kl_law import KLLaw, Laws

__all__ = [
    "MeanOptions",
    "check_mean_options",
    "combine",
    "fixed_mean",
    "random_mean",
    "too_few_samples",
    "warn_few_problems",
]

cite_methods(kl="hoeffding1963", normal=())
METHODS = {"random": ("auto", "betting", "t", "cluster", "bootstrap"), "fixed": ("auto", "kl", "normal")}


@dataclass(frozen=True)
class MeanOptions:
    """How a mean over problems was asked for, checked."""

    average: str | None
    problems: str
    method: str
    too_few: str
    codes: Any
    n_resamples: int
    rng: Any
    n_jobs: int | None


def check_mean_options(owner, n, groups, average, problems, method, too_few, n_resamples, rng, n_jobs):
    """Return the options; `rng` stays None where nobody seeded it, except for the bootstrap."""
    if average is not None:
        check_option(average, ("problems",), owner, "average")
    check_option(problems, ("random", "fixed"), owner, "problems")
    check_option(method, METHODS[problems], owner, "method")
    check_option(too_few, ("raise", "omit"), owner, "too_few")
    n_resamples = check_count(n_resamples, owner, "n_resamples")
    check_jobs(n_jobs, owner)
    generator = check_rng(rng, owner)
    codes = None if groups is None else check_groups(groups, owner, n)[0]
    if problems == "fixed" and codes is not None:
        raise InputError(
            f"{owner}: problems='fixed' takes no groups: once the problems are given, only their samples vary. "
            "Clusters of problems matter to problems='random'."
        )
    if method == "auto":
        method = "betting" if problems == "random" else "kl"
    if method == "cluster":
        needs(owner, method, groups=codes)
    if method == "t" and codes is not None:
        raise InputError(f"{owner}: method='t' takes no groups: it treats problems as independent. Use 'cluster'.")
    rng = generator if rng is not None or method == "bootstrap" else None
    return MeanOptions(average, problems, method, too_few, codes, n_resamples, rng, n_jobs)


def too_few_samples(owner, ks, most, options):
    """Return which problems have samples enough for every k; an error where some must, and do not."""
    enough = most >= ks.max()
    if enough.all() or (options.average is None and options.too_few == "omit"):
        return enough
    row = int(np.argmin(enough))
    if options.too_few == "raise" or not enough.any():
        raise InputError(
            f"{owner}: k must not exceed the samples that a problem can have had; got k={ks.max():g} for {most[row]:g} "
            f"in row {row} (counting from 0), and for {int((~enough).sum())} of {len(most)} problems. Ask for k up to "
            f"{most.min():g}, draw more samples, leave such problems out with too_few='omit', or extrapolate with "
            "CoverageCurve."
        )
    return enough


def random_mean(owner, columns, codes, options, n_dropped):
    """Return the means over problems that stand for others; `columns` yields one vector of values per estimand."""
    bounds = (0.0, 1.0) if options.method == "betting" else None
    parts = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)  # the caller warns once, not once per estimand
        for values in columns:
            parts.append(
                mean_estimate(
                    owner, values, codes, bounds, options.method, options.n_resamples, options.rng, options.n_jobs,
                    n_dropped,
                )
            )  # fmt: skip
    return parts


def warn_few_problems(first, options, *, stacklevel):
    """Warn where an asymptotic interval has too few problems or clusters behind it."""
    if options.method in ("t", "cluster", "bootstrap"):
        n, least, kind = (
            (first.n, FEW_ROWS, "problems") if first.n_groups is None else (first.n_groups, FEW_GROUPS, "clusters")
        )
        if n < least:
            warnings.warn(
                f"{few(n, kind)} for an asymptotic interval, which may be too short; use method='betting', "
                f"or collect at least {least}.",
                SmallSampleWarning,
                stacklevel=stacklevel + 1,
            )


def combine(parts, cov, names):
    """Return one Estimate of several numbers, or the only one as it is."""
    first = parts[0]
    if names is None:
        return first
    estimate, std_error = (np.array([getattr(part, name) for part in parts]) for name in ("estimate", "std_error"))
    if isinstance(first.law, TLaw):
        law: Any = TLaw(estimate=estimate, std_error=std_error, df=first.law.df)
    elif isinstance(first.law, NormalLaw):
        law = NormalLaw(estimate=estimate, std_error=std_error)
    else:
        law = Laws(laws=tuple(part.law for part in parts))
    return Estimate(
        estimate=estimate,
        std_error=std_error,
        n=first.n,
        method=first.method,
        guarantee=first.guarantee,
        law=law,
        names=names,
        cov=cov,
        n_groups=first.n_groups,
        n_dropped=first.n_dropped,
    )


def fixed_mean(estimates, cov, blocks, n, method, n_dropped):
    """Return the means over these very problems; `blocks` are the independent values that each mean is worth."""
    parts = []
    for estimate, variance, size in zip(estimates, np.diag(cov), blocks, strict=True):
        estimate, error = float(estimate), float(np.sqrt(max(variance, 0.0)))
        law: Any = KLLaw(estimate=estimate, n=float(size))
        if method == "normal":
            law = NormalLaw(estimate=estimate, std_error=error)
        guarantee = "finite-sample" if method == "kl" else "asymptotic"
        parts.append(
            Estimate(
                estimate=estimate, std_error=error, n=n, method=method, guarantee=guarantee, law=law,
                n_dropped=n_dropped,
            )
        )  # fmt: skip
    return parts
