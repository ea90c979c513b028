"""Max-value entropy search: how much an observation tells about the largest value of f."""

import numpy as np
from scipy.special import log_ndtr

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.random import check_rng
from uq._base.validation import check_count, check_option, check_switch, check_vector

from ._box import check_where, seen_box
from ._information import information, noisy_information
from ._mean_maxima import mean_maxima, spread_points
from ._noisy_ei import evaluated_points
from ._utility import Average, check_gp, check_noise, check_points, evaluate, next_noise

__all__ = ["MaxValueEntropy", "gumbel_maxima", "max_value_entropy_search", "sampled_maxima"]

_N_POOL, _N_DRAWS = 400, 256
_MOST_VALUES = 10_000
_SURE = 5.0  # f lies at most so many sd below its mean, for all that follows
_FARTHEST = 1e4  # sd ahead: the logarithm is -5e7, and all that matters is that it is a number
_NOISELESS = 1e-12
_FAINT = 1e-6  # share of f in the variance of y, below which the information is proportional to it


class MaxValueEntropy(Average):
    """The utility of `max_value_entropy_search`.

    `max_values` is "sampled", "gumbel" or an array in units of y. Points that stand for the box are settled: `settle`
    returns those that may be chosen in their stead.
    """

    def __init__(
        self,
        gp,
        candidates=None,
        bounds=None,
        max_values="sampled",
        n_max_values=16,
        y_var=None,
        observation="noisy",
        rng=None,
        settle=None,
    ):
        parts = []
        for post in gp.posteriors_:
            if isinstance(max_values, str):
                pool = _pool(post, candidates, bounds, _N_POOL, settle)
                if max_values == "gumbel":
                    mu, var = post.mean_var(pool)
                    maxima = gumbel_maxima(mu, var, n_max_values)
                else:
                    maxima = sampled_maxima(post, pool, n_max_values, rng)
            else:
                maxima = (max_values - post.offset) / post.scale
            noise = next_noise(post) if y_var is None else y_var / post.scale**2
            parts.append(_Entropy(post, maxima, noise if observation == "noisy" else 0.0))
        super().__init__(parts, np.zeros(len(parts)))


def _pool(posterior, candidates, bounds, most, settle=None):
    """Return at most so many points where the maximum is sought: of large mean, of large mean + 2 sd, others."""
    pool = candidates
    if pool is None:
        box = seen_box(posterior) if bounds is None else bounds
        pool = np.vstack([evaluated_points(posterior), mean_maxima(posterior, box, 5), spread_points(box)])
        pool = pool if settle is None else settle(pool)
    if len(pool) <= most:
        return pool
    mu, var = posterior.mean_var(pool)
    orders = np.argsort(-mu, kind="stable"), np.argsort(-(mu + 2 * np.sqrt(var)), kind="stable")
    evenly = np.linspace(0, len(pool) - 1, most // 3).astype(int)
    return pool[np.unique(np.concatenate([evenly, *(order[: most // 3] for order in orders)]))]


def sampled_maxima(posterior, pool, size, rng):
    """Return `size` quantiles, at (k - 1/2) / size, of the largest value of joint draws of f at the pool."""
    largest = posterior.sample(pool, max(_N_DRAWS, size), rng).max(axis=1)
    mu, var = posterior.mean_var(pool)
    quantiles = np.quantile(largest, (np.arange(size) + 0.5) / size)
    return np.maximum(quantiles, (mu - _SURE * np.sqrt(var)).max())


def gumbel_maxima(mu, var, size):
    """Return `size` quantiles, at (k - 1/2) / size, of a Gumbel law fitted to the maximum of independent normals.

    It meets the quartiles of prod Phi((y - mu) / sd). No value lies below what f surely exceeds somewhere.
    """
    sd = np.sqrt(var)
    low, high, sure = (mu - sd).max(), (mu + 6 * sd).max(), (mu - _SURE * sd).max()
    if low == high:
        return np.full(size, high)
    near = (mu + 6 * sd > low) & (sd > 0)
    levels = np.log([0.25, 0.5, 0.75])
    left, right = np.full(3, low), np.full(3, high)
    for _ in range(50):
        middle = (left + right) / 2
        below = log_ndtr((middle[:, None] - mu[near]) / sd[near]).sum(axis=1) < levels
        left, right = np.where(below, middle, left), np.where(below, right, middle)
    q25, q50, q75 = np.maximum((left + right) / 2, mu[sd == 0].max(initial=-np.inf))
    width = (q75 - q25) / (np.log(np.log(4)) - np.log(np.log(4 / 3)))
    probabilities = (np.arange(size) + 0.5) / size
    return np.maximum(q50 + width * (np.log(np.log(2)) - np.log(-np.log(probabilities))), sure)


class _Entropy:
    """Mean over maxima of the information of one observation, of one posterior, in nats."""

    def __init__(self, posterior, maxima, noise):
        self._targets, self._maxima, self._noise = posterior.targets(), np.asarray(maxima, dtype=float), noise

    def at(self, x):
        mu, var, dmu, dvar, *_ = self._targets.at(x)
        if var == 0.0:
            return -np.inf, np.zeros(len(x))
        sd = np.sqrt(var)
        ahead = (self._maxima - mu) / sd
        gamma = np.clip(ahead, -_SURE, _FARTHEST)
        share, c = var / (var + self._noise), self._noise / (var + self._noise)
        if share == 0.0:
            return -np.inf, np.zeros(len(x))
        in_rho = np.zeros(len(gamma))
        if c < _NOISELESS:
            values, in_gamma = information(gamma)
        else:
            values, in_gamma, in_rho = noisy_information(gamma, np.full(len(gamma), min(c, 1 - _FAINT)))
            values = values + min(np.log(share / _FAINT), 0.0)
        top = values.max()
        if top == -np.inf:
            return top, np.zeros(len(x))
        shares = np.exp(values - top)
        total = shares.sum()
        shares /= total
        in_gamma = np.where(ahead == gamma, in_gamma, 0.0)
        by_mu = -(shares @ in_gamma) / sd
        by_var = -(shares @ (in_gamma * gamma)) / (2 * var)
        by_var += (shares @ in_rho) * np.sqrt(max(share, _FAINT)) * c / (2 * var)
        return top + np.log(total / len(gamma)), by_mu * dmu + by_var * dvar

    def screen(self, A):
        """Return what an exact observation would tell, in the share of the variance that is not noise: a ranking."""
        mu, var, _ = self._targets.many(A)
        known = var <= 0
        var = np.where(known, 1.0, var)
        values = information(np.clip((self._maxima - mu[:, None]) / np.sqrt(var)[:, None], -_SURE, _FARTHEST))[0]
        top = values.max(axis=1)
        top = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore"):
            logs = top + np.log(np.exp(values - top[:, None]).mean(axis=1)) + np.log(var / (var + self._noise))
        return np.where(known, -np.inf, logs)


@cites("wang2017", "takeno2020")
def max_value_entropy_search(
    gp,
    X,
    *,
    candidates=None,
    bounds=None,
    max_values="sampled",
    n_max_values=16,
    y_var=None,
    observation="noisy",
    rng=None,
    log=False,
    return_grad=False,
):
    """Return how much an observation at each point is expected to tell about the largest value of f, in nats.

    Parameters
    ----------
    gp : GaussianProcess
        Fitted; larger values of y are better. Fit -y to minimise.
    X : array-like of shape (n_points, n_columns)
        Where the next observation could be made; columns as in fit.
    candidates : array-like of shape (n_candidates, n_columns), optional
        All points among which the largest value is meant. By default those of the box `bounds`.
    bounds : array-like of shape (n_columns, 2), optional
        Smallest and largest value of each column; the range of the rows seen by default. Not together with
        `candidates`.
    max_values : {"sampled", "gumbel"} or array-like of shape (n,), default "sampled"
        What the largest value of f may be: quantiles of the maxima of joint draws of f, quantiles of a Gumbel law (see
        Notes), or values in units of y that the caller knows or has drawn, equally probable.
    n_max_values : int, default 16
        How many quantiles, at most 10,000.
    y_var : float, optional
        Noise variance of the next observation, in squared units of y. By default the median of those of the rows seen.
    observation : {"noisy", "exact"}, default "noisy"
        What is observed: y, or f itself, for which there is a closed form.
    rng : None, int, Generator, SeedSequence or RandomState, default None
        Seed of the joint draws.
    log : bool, default False
        Return the logarithm, which does not underflow: maximise this one.
    return_grad : bool, default False
        Also return the gradient in the points.

    Returns
    -------
    value : ndarray of shape (n_points,)
        Never negative. With `return_grad` a tuple ``(value, gradient)``, the gradient of shape (n_points, n_columns).

    Raises
    ------
    InputError
        For a process that is not fitted, NaN, infinite or no points, columns other than in fit, bounds that are not in
        order, a negative `y_var`, and candidates together with bounds.

    See Also
    --------
    noisy_expected_improvement : in units of y, where what counts is the next choice.
    BayesianOptimizer : campaigns, with ``acquisition="max_value_entropy_search"``.

    Notes
    -----
    Given its largest value m, f(x) is a normal law cut off at m. The value is the entropy of the observation less what
    is left of it given m, averaged over m. For f itself that is, with g = (m - mean) / sd, the average of
    g phi(g) / (2 Phi(g)) - log Phi(g); for y the integral over y is done by quadrature, to seven digits. "sampled"
    takes 256 joint draws of f at the candidates, or at the evaluated points, the largest local maxima of the mean and a
    net of 256 points in the box; of more than 400, those of large mean, of large mean + 2 sd, and every so many of the
    others. "gumbel" is the reference's: a Gumbel law through the quartiles that the largest value would have if f were
    independent from point to point; with one or two columns it is far too large. No value lies below what f surely
    exceeds: the largest of mean - 5 sd, there and at the point itself.

    **Guarantee.** None beyond the integral given m. The law of m has random error and ends at the points that were
    looked at, or takes f to be independent; that f(x) is cut off at m ignores where the maximum lies. The choice does
    not aim at what will be reported.

    References
    ----------
    .. [1] Z. Wang, S. Jegelka (2017). Max-value entropy search for efficient Bayesian optimization. arXiv:1703.01968.
    .. [2] S. Takeno, H. Fukuoka, Y. Tsukada, T. Koyama, M. Shiga, I. Takeuchi, M. Karasuyama (2020). Multi-fidelity
       Bayesian optimization with max-value entropy search and its parallelization. arXiv:1901.08275.

    Examples
    --------
    >>> import numpy as np
    >>> from bayes import GaussianProcess, max_value_entropy_search
    >>> X = np.array([[0.0], [0.4], [1.0]])
    >>> gp = GaussianProcess(
    ...     length_scale=0.3, signal_variance=1.0, noise_variance=0.1, hyperparameters="fixed", normalize_y=False
    ... )
    >>> gp = gp.fit(X, np.array([0.0, 1.0, 0.5]))
    >>> max_value_entropy_search(gp, [[0.4], [0.7]], rng=0).round(2)
    array([0.09, 0.25])
    """
    owner = "max_value_entropy_search"
    posteriors = check_gp(gp, owner)
    X = check_points(X, owner, posteriors)
    candidates, bounds = check_where(candidates, bounds, owner, posteriors, X.shape[1])
    if not isinstance(max_values, str):
        max_values = check_vector(max_values, owner, "max_values")
    elif max_values not in ("sampled", "gumbel"):
        raise InputError(f"{owner}: max_values must be 'sampled', 'gumbel' or numbers; got {max_values!r:.100}.")
    n_max_values = check_count(n_max_values, owner, "n_max_values")
    if n_max_values > _MOST_VALUES:
        raise InputError(
            f"{owner}: n_max_values must be at most {_MOST_VALUES:,}, as each is integrated over; got {n_max_values}."
        )
    y_var = check_noise(y_var, owner)
    observation = check_option(observation, ("noisy", "exact"), owner, "observation")
    rng = check_rng(rng, owner)
    log, return_grad = check_switch(log, owner, "log"), check_switch(return_grad, owner, "return_grad")
    utility = MaxValueEntropy(gp, candidates, bounds, max_values, n_max_values, y_var, observation, rng)
    values, gradients = evaluate(utility, X, log, True)  # the screen only ranks
    return (values, gradients) if return_grad else values
