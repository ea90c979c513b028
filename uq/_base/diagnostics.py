"""How far draws can be trusted: rank-normalised R-hat and effective sample sizes of chains, k-hat of weights.

Draws have the shape (chain, draw, ...); what follows the first two axes are quantities, each judged by itself.
"""

import numpy as np
from scipy import fft, special, stats

from .citation import cites
from .exceptions import InputError
from .validation import check_number, check_option

__all__ = ["ess", "khat", "rhat"]

_BLOCK = 1 << 19  # numbers per block of quantities: a few arrays of 4 MB at a time
_TAILS = (0.05, 0.95)


@cites("vehtari2021")
def rhat(draws):
    """Return the rank-normalised split R-hat of each quantity: 1 where the chains tell the same, above 1.01 is suspect.

    Parameters
    ----------
    draws : array-like of shape (n_chains, n_draws, ...)
        At least 4 draws per chain; one chain is compared with itself, half against half.

    Returns
    -------
    float or ndarray of the shape of what follows the first two axes
        The larger one of the bulk (draws) and the tails (their distance from the median). A quantity that is the same
        in all draws has 1; chains that each stand still at different values have inf.

    Raises
    ------
    InputError
        For draws that are not finite or fewer than 4 per chain.

    Notes
    -----
    **Guarantee.** None: it can tell that chains disagree, never that they have found all of the posterior.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021), Rank-normalization, folding, and localization: an improved
    R-hat for assessing convergence of MCMC, doi:10.1214/20-BA1221.

    Examples
    --------
    >>> import numpy as np
    >>> from uq._base.diagnostics import rhat
    >>> draws = np.random.default_rng(0).normal(size=(4, 1000))
    >>> round(rhat(draws), 2)
    1.0
    >>> bool(rhat(draws + np.arange(4)[:, None]) > 1.5)  # each chain stands elsewhere
    True
    """
    return _by_quantity(_rhat, draws, "rhat")


@cites("geyer1992", "vehtari2021")
def ess(draws, kind="bulk"):
    """Return the effective sample size of each quantity: how many independent draws would tell as much.

    Parameters
    ----------
    draws : array-like of shape (n_chains, n_draws, ...)
        At least 4 draws per chain.
    kind : {"bulk", "tail", "mean"}
        "bulk" for ranks and medians (of the rank-normalised draws), "tail" for the ends of a 90 % interval (the smaller
        one of the two), "mean" for the mean itself: sd / sqrt(ess) is its Monte Carlo standard error.

    Returns
    -------
    float or ndarray of the shape of what follows the first two axes
        At most n log10(n) for n draws in all. A quantity that is the same in all draws has n.

    Raises
    ------
    InputError
        For draws that are not finite or fewer than 4 per chain, or an unknown kind.

    Notes
    -----
    **Guarantee.** None: an estimate from the draws themselves, as blind as they are to what the chains never visited.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021), doi:10.1214/20-BA1221.
    Geyer (1992), Practical Markov chain Monte Carlo, doi:10.1214/ss/1177011137.

    Examples
    --------
    >>> import numpy as np
    >>> from uq._base.diagnostics import ess
    >>> draws = np.random.default_rng(0).normal(size=(4, 1000))
    >>> bool(3000 < ess(draws) < 5000)
    True
    >>> bool(ess(np.repeat(draws, 10, axis=1)) < 6000)  # each draw ten times tells nothing new
    True
    """
    check_option(kind, ("bulk", "tail", "mean"), "ess", "kind")
    return _by_quantity({"bulk": _ess_bulk, "tail": _ess_tail, "mean": _ess_mean}[kind], draws, "ess")


@cites("vehtari2024", "zhang2009")
def khat(log_weights, r_eff=1.0):
    """Return the Pareto shape of the largest importance weights: below .7 a weighted mean of the draws can be trusted.

    Parameters
    ----------
    log_weights : array-like of shape (n_draws,) or (n_chains, n_draws, ...)
        Unnormalised, of target over proposal. Chains are pooled.
    r_eff : float, default 1
        Effective sample size of the draws over their number; lower for autocorrelated ones, which widens the tail.

    Returns
    -------
    float or ndarray of the shape of what follows the first two axes
        inf where fewer than 5 weights stand in the tail, so that nothing is known about it (below 25 draws, always);
        -inf where all weights are equal, and where the largest one is shared by more draws than a tail holds.

    Raises
    ------
    InputError
        For log weights that are NaN or +inf, or not one above -inf; an `r_eff` that is not positive.

    Notes
    -----
    **Guarantee.** None: an estimate from the largest weights that were seen.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao and Gabry (2024), Pareto smoothed importance sampling, Journal of Machine Learning
    Research 25(72), arXiv:1507.02646.
    Zhang and Stephens (2009), A new and efficient estimation method for the generalized Pareto distribution,
    doi:10.1198/tech.2009.08017.

    Examples
    --------
    >>> import numpy as np
    >>> from uq._base.diagnostics import khat
    >>> u = np.random.default_rng(0).uniform(size=20_000)
    >>> round(khat(-.5 * np.log(u)), 1)  # weights u ** -.5 have a tail of shape 1/2
    0.5
    """
    check_number(r_eff, "khat", "r_eff", low=0)
    weights = _numbers(log_weights, "khat", "log_weights").astype(float)
    if weights.ndim == 1:
        weights = weights[None]
    if weights.ndim == 0 or weights.shape[0] * weights.shape[1] == 0:
        raise InputError(
            f"khat: log_weights must have shape (n_draws,) or (n_chains, n_draws, ...); got shape {weights.shape}."
        )
    pooled = weights.reshape(weights.shape[0] * weights.shape[1], -1)
    if np.isnan(pooled).any() or (pooled == np.inf).any() or (pooled.max(axis=0, initial=-np.inf) == -np.inf).any():
        raise InputError(
            "khat: log_weights must be below inf and not all -inf; got NaN, +inf, or only weights of 0. "
            "Draws of weight 0 are -inf; a weight that is not a number has no place."
        )
    found = np.array([_khat(column, r_eff) for column in pooled.T])
    return float(found[0]) if weights.ndim == 2 else found.reshape(weights.shape[2:])


def _numbers(x, owner, name):
    """Return an array of numbers, as they are stored."""
    try:
        array = np.asarray(x)
        array = array.astype(float) if array.dtype.kind == "O" else array
    except (TypeError, ValueError, OverflowError):
        array = None
    if array is None or array.dtype.kind not in "biuf":
        got = "a ragged list or other objects" if array is None else f"an array of {array.dtype}"
        raise InputError(f"{owner}: {name} must hold real numbers, in chains of equal length; got {got}.")
    return array


def _by_quantity(function, draws, owner):
    """Apply `function`, which maps (chain, draw, quantity) to (quantity,), block by block."""
    draws = _numbers(draws, owner, "draws")
    if draws.ndim < 2 or draws.shape[0] < 1 or draws.shape[1] < 4:
        raise InputError(
            f"{owner}: draws must have shape (n_chains, n_draws, ...) with at least 4 draws per chain; got shape "
            f"{draws.shape}. One chain is written draws[None]."
        )
    flat = draws.reshape(*draws.shape[:2], -1)
    found = np.empty(flat.shape[2])
    step = max(1, _BLOCK // (flat.shape[0] * flat.shape[1]))
    for start in range(0, flat.shape[2], step):
        block = flat[:, :, start : start + step].astype(float)
        if not np.isfinite(block).all():
            raise InputError(f"{owner}: draws must be finite; got NaN or infinite values. A sampler that diverged?")
        # scaled, so that squares of tiny or huge draws are not lost; no power of two changes a digit
        block = np.ldexp(block, -np.frexp(np.abs(block).max(axis=(0, 1)))[1])
        found[start : start + step] = function(block)
    return float(found[0]) if draws.ndim == 2 else found.reshape(draws.shape[2:])


def _split(x):
    """Cut each chain into halves, which become chains; of an odd number of draws the middle one is left out."""
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[:, -half:]])


def _normal_scores(x):
    """Replace values by the normal quantiles of their ranks over all chains, mid-ranks for ties."""
    n = x.shape[0] * x.shape[1]
    ranks = stats.rankdata(x.reshape(n, -1), axis=0)
    return special.ndtri((ranks - 0.375) / (n + 0.25)).reshape(x.shape)


def _constant(x):
    return x.max(axis=(0, 1)) == x.min(axis=(0, 1))


def _rhat(x):
    halves = _split(x)
    folded = np.abs(halves - np.median(halves, axis=(0, 1)))
    return np.maximum(_plain_rhat(_normal_scores(halves)), _plain_rhat(_normal_scores(folded)))


def _plain_rhat(x):
    n = x.shape[1]
    between = x.mean(axis=1).var(axis=0, ddof=1)
    within = x.var(axis=1, ddof=1).mean(axis=0)
    still = (x == x[:, :1]).all(axis=(0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sqrt(between / within + (n - 1) / n)
    return np.where(still, np.where(_constant(x), 1.0, np.inf), ratio)


def _ess_bulk(x):
    return _ess(_normal_scores(_split(x)))


def _ess_mean(x):
    return _ess(_split(x))


def _ess_tail(x):
    ends = np.quantile(x, _TAILS, axis=(0, 1))
    return np.minimum(*(_ess(_split((x <= end).astype(float))) for end in ends))


def _ess(x):
    """Return n / (1 + 2 * the sum of the autocorrelations), cut where pairs of them are no longer positive."""
    n_chains, n, _ = x.shape
    total = n_chains * n
    covariance = _autocovariance(x).mean(axis=1)
    within = covariance[0] * n / (n - 1)
    pooled = covariance[0] + (x.mean(axis=1).var(axis=0, ddof=1) if n_chains > 1 else 0.0)
    constant = _constant(x)
    correlation = 1 - (within - covariance) / np.where(constant, 1.0, pooled)
    correlation[0] = 1.0
    # pairs of neighbours are positive and decrease for a reversible chain; the pair of the last two lags is noise
    n_pairs = max(1, (n - 1) // 2)
    even = correlation[0 : 2 * n_pairs : 2]
    pairs = even + correlation[1 : 2 * n_pairs : 2]
    last = np.where((pairs <= 0).any(axis=0), (pairs <= 0).argmax(axis=0), n_pairs - 1)
    kept = np.arange(n_pairs)[:, None] < last
    decreasing = np.minimum.accumulate(pairs, axis=0)
    at_last, pair = (np.take_along_axis(a, last[None], axis=0)[0] for a in (even, pairs))
    time = -1 + 2 * np.where(kept, decreasing, 0.0).sum(axis=0) + np.where(pair < 0, np.maximum(at_last, 0), at_last)
    # antithetic chains tell more than independent ones, but an estimate of that is not believed without limit
    return np.where(constant, total, total / np.maximum(time, 1 / np.log10(total)))


def _autocovariance(x):
    """Return the autocovariances, shape (lag, chain, quantity)."""
    n = x.shape[1]
    size = fft.next_fast_len(2 * n, real=True)
    spectrum = fft.rfft(x - x.mean(axis=1, keepdims=True), n=size, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.moveaxis(fft.irfft(power, n=size, axis=1)[:, :n] / n, 1, 0)


def _khat(log_weights, r_eff):
    n = len(log_weights)
    # the cutoff is the largest weight outside of the tail; ties with it stay outside
    n_tail = int(np.ceil(min(n / 5, 3 * np.sqrt(n / r_eff))))
    ordered = np.sort(log_weights - log_weights.max())
    if ordered[0] == 0 or (n_tail >= 5 and ordered[-n_tail - 1] == 0):  # a reward of 0 or 1 has no tail
        return -np.inf
    cutoff = max(ordered[-min(n_tail, n - 1) - 1], np.log(np.finfo(float).tiny))
    tail = np.exp(ordered[ordered > cutoff]) - np.exp(cutoff)
    return _pareto_shape(tail) if len(tail) >= 5 else np.inf


def _pareto_shape(excess):
    """Return the shape of a generalised Pareto law from sorted positive values, drawn towards 1/2 by ten of them.

    The posterior mean of b = -shape / scale under the profile likelihood, on Zhang and Stephens' grid of quantiles of
    their prior for b.
    """
    n = len(excess)
    excess = excess / excess[-1]
    m = 30 + int(np.sqrt(n))
    quartile = excess[int(n / 4 + 0.5) - 1]
    b = 1 + (1 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (3 * quartile)
    b = b[b != 0]
    shape = np.log1p(-b[:, None] * excess).mean(axis=1)
    profile = n * (np.log(-b / shape) - shape - 1)
    weights = special.softmax(profile)
    weights[weights < 10 * np.finfo(float).eps] = 0.0
    best = (b * weights).sum() / weights.sum()
    shape = np.log1p(-best * excess).mean()
    return (n * shape + 10 * 0.5) / (n + 10)
