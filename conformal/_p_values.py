"""Conformal p-values: how strange each test score is among the calibration scores."""

import numpy as np

from uq._base.citation import cites
from uq._base.containers import as_numeric
from uq._base.random import check_rng
from uq._base.validation import check_vector

__all__ = ["conformal_p_values"]


@cites("vovk2022", "bates2023", "jin2023")
def conformal_p_values(*, calibration_scores, test_scores, rng=None) -> np.ndarray:
    """Return the conformal p-value of each test score; high scores are strange.

    Parameters
    ----------
    calibration_scores : array-like of shape (n_calibration,)
        Scores of rows of which the null hypothesis holds. -inf is allowed and is below everything.
    test_scores : array-like of shape (n_test,)
    rng : None, int or numpy.random.Generator, optional
        Breaks ties at random, the test score's own place included, which makes the p-value of a null row exactly
        uniform. None: no randomness; ties count against the test score, which is valid and a little larger.

    Returns
    -------
    ndarray of shape (n_test,)
        In (0, 1]: ``(1 + #{calibration >= test}) / (n + 1)`` or, with `rng`,
        ``(#{calibration > test} + u (1 + #{calibration = test})) / (n + 1)`` with u uniform in (0, 1].

    Raises
    ------
    InputError
        For NaN, +inf or no scores.

    Notes
    -----
    **Guarantee.** Finite-sample: if a test row is exchangeable with the calibration rows, its p-value is at most u with
    probability at most u, for every u. p-values of several test rows share the calibration rows and are positively
    dependent: the procedure of Benjamini and Hochberg keeps the false discovery rate [2]_. That is for hypotheses fixed
    in advance and calibration rows that are all null. Where the hypotheses are random, as in the example (is this
    outcome above 0?), calibration rows that are not null score -inf, it is the event "the null holds and the p-value is
    at most u" whose probability is at most u, and the false discovery rate is kept by a theorem of its own [3]_, for
    calibration and test rows that are independent and of one law.

    References
    ----------
    .. [1] V. Vovk, A. Gammerman, G. Shafer (2022). Algorithmic Learning in a Random World, 2nd ed.
       doi:10.1007/978-3-031-06649-8.
    .. [2] S. Bates, E. Candes, L. Lei, Y. Romano, M. Sesia (2023). Testing for outliers with conformal p-values.
       arXiv:2104.08279.
    .. [3] Y. Jin, E. Candes (2023). Selection by prediction with conformal p-values. arXiv:2210.01408.

    Examples
    --------
    Which predictions exceed 0, with a false discovery rate of 20 %? A calibration row that does exceed it speaks for no
    false claim, and scores -inf.

    >>> import numpy as np
    >>> from scipy.stats import false_discovery_control
    >>> from conformal import conformal_p_values
    >>> rng = np.random.default_rng(0)
    >>> y_pred = rng.normal(size=1100)
    >>> y = y_pred + .3 * rng.normal(size=1100)
    >>> false_claims = np.where(y[:1000] <= 0, y_pred[:1000], -np.inf)
    >>> p = conformal_p_values(calibration_scores=false_claims, test_scores=y_pred[1000:], rng=0)
    >>> selected = false_discovery_control(p) <= .2
    >>> int(selected.sum()), int((y[1000:][selected] <= 0).sum())
    (60, 9)
    """
    owner = "conformal_p_values"
    rng = None if rng is None else check_rng(rng, owner)
    calibration = np.sort(_scores(calibration_scores, owner, "calibration_scores"))
    test = _scores(test_scores, owner, "test_scores")
    n = len(calibration)
    not_below = n - np.searchsorted(calibration, test, side="left")
    if rng is None:
        return (1.0 + not_below) / (n + 1.0)
    above = n - np.searchsorted(calibration, test, side="right")
    return (above + (1.0 - rng.random(len(test))) * (1.0 + not_below - above)) / (n + 1.0)


def _scores(x, owner, name):
    """Return a vector without NaN and +inf; -inf stays."""
    array = as_numeric(x, owner, name)
    lowest = array == -np.inf
    checked = check_vector(np.where(lowest, 0.0, array), owner, name)
    return np.where(lowest.reshape(checked.shape), -np.inf, checked)
