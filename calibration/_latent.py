"""The Brier score against probabilities that were only seen through a few trials each."""

import numpy as np

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.validation import check_groups, check_same_length, check_vector, check_weights

from ._forecast import check_probabilities

__all__ = ["latent_brier_score"]

OWNER = "latent_brier_score"


@cites("kadavath2022")
def latent_brier_score(n_correct, n_trials, y_prob, *, sample_weight=None, groups=None) -> float:
    """Return the mean squared distance of forecasts from the success probabilities behind counts.

    A question is answered several times, and `n_correct` of the answers are right. The squared distance from the share
    of right answers holds the noise of that share, which is taken away here.

    Parameters
    ----------
    n_correct : array-like of shape (n_samples,)
        Whole numbers from 0 to `n_trials`.
    n_trials : int or array-like of shape (n_samples,)
        At least 2 trials per row.
    y_prob : array-like of shape (n_samples,)
        Forecast of each row's success probability.
    sample_weight : array-like of shape (n_samples,), optional
        Non-negative.
    groups : array-like of shape (n_samples,), optional
        Cluster labels. They change nothing here and matter to the interval, which `uq.estimate_metric` gives.

    Returns
    -------
    float
        It may be negative, as an unbiased estimate of a number near 0 must be able to be.

    Raises
    ------
    InputError
        For counts that are not whole or exceed the trials, fewer than 2 trials, probabilities outside [0, 1], missing
        values and lengths that differ.

    Notes
    -----
    **Guarantee.** Unbiased, at any number of rows and trials, for the mean of (q - p)^2 over rows, q the forecast and p
    the success probability, where the trials of a row are independent given p and q was made without them. A forecast
    that has seen the trials looks better than it is.

    A row contributes (q - c/m)^2 - c (m - c) / (m^2 (m - 1)) for c right answers of m. The mean over rows is an
    average of such numbers, so that its interval is that of a mean.

    References
    ----------
    .. [1] S. Kadavath et al. (2022). Language models (mostly) know what they know. arXiv:2207.05221.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import latent_brier_score
    >>> from uq import estimate_metric
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(2, 2, 500)
    >>> q = np.clip(p + rng.normal(0, .1, 500), 0, 1)
    >>> right = rng.binomial(10, p)
    >>> round(latent_brier_score(right, 10, q), 4), round(float(np.mean((q - p) ** 2)), 4)
    (0.0069, 0.0096)

    Its interval, with counts and trials as two columns:

    >>> counts = np.column_stack([right, np.full(500, 10)])
    >>> score = estimate_metric(lambda y, q: latent_brier_score(*y.T, q), counts, q, n_resamples=999, rng=1)
    >>> bool(score.conf_int().contains(np.mean((q - p) ** 2)))
    True
    """
    right = check_vector(n_correct, OWNER, "n_correct")
    q = check_probabilities(y_prob, OWNER)
    if q.ndim != 1:
        raise InputError(f"{OWNER}: y_prob must be one probability per row, of shape (n,); got shape {q.shape}.")
    n = check_same_length(OWNER, n_correct=right, y_prob=q)
    trials = check_vector(np.full(n, n_trials) if np.isscalar(n_trials) else n_trials, OWNER, "n_trials")
    check_same_length(OWNER, n_correct=right, n_trials=trials)
    weights = check_weights(sample_weight, OWNER, n)
    if groups is not None:
        check_groups(groups, OWNER, n)
    if (trials != np.rint(trials)).any() or trials.min() < 2:
        raise InputError(
            f"{OWNER}: n_trials must be whole numbers of at least 2; got {trials.min():g} at the least. The noise of a "
            "single trial cannot be told from the forecast's error: take the Brier score itself."
        )
    if (right != np.rint(right)).any() or right.min() < 0 or (right > trials).any():
        raise InputError(
            f"{OWNER}: n_correct must be whole numbers from 0 to n_trials; got values from {right.min():g} to "
            f"{right.max():g}."
        )
    share = right / trials
    scores = (q - share) ** 2 - share * (1 - share) / (trials - 1)
    # in units of the largest, whose sum cannot overflow
    return float(np.average(scores, weights=None if weights is None else weights / weights.max()))
