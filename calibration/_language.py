"""P(True): the confidence of a language model that was asked whether its own answer is right."""

import numpy as np
from scipy import special

from uq._base.citation import cites
from uq._base.containers import as_numeric
from uq._base.exceptions import InputError

__all__ = ["p_true"]


@cites("kadavath2022")
def p_true(logprob_true, logprob_false):
    """Return P(True) from the log-probabilities of the two answers, all other tokens left aside.

    Parameters
    ----------
    logprob_true, logprob_false : float or array-like of one shape
        Natural log-probabilities (or logits) of the tokens that say "true" and "false". -inf for a token of probability
        0; one of the two must be finite.

    Returns
    -------
    float or ndarray
        exp(true) / (exp(true) + exp(false)), of the shape that came in.

    Raises
    ------
    InputError
        For NaN, +inf, -inf on both sides, shapes that differ, or what is not numbers.

    Notes
    -----
    **Guarantee.** None: it is what the model says. Hold it against truth (`expected_calibration_error`,
    `reliability_curve`) and recalibrate it; Kadavath et al. [1]_ found a temperature of 2.5 for tuned models.

    References
    ----------
    .. [1] S. Kadavath, T. Conerly, A. Askell et al. (2022). Language models (mostly) know what they know.
       arXiv:2207.05221.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import p_true
    >>> p_true([-.1, -3., -np.inf], [-2.4, -.05, -.01]).round(3)
    array([0.909, 0.05 , 0.   ])
    """
    sides = {"logprob_true": logprob_true, "logprob_false": logprob_false}
    arrays = {name: _check(x, name) for name, x in sides.items()}
    true, false = arrays.values()
    if true.shape != false.shape:
        raise InputError(
            f"p_true: logprob_true and logprob_false must have one shape; got {true.shape} and {false.shape}."
        )
    nowhere = np.isneginf(true) & np.isneginf(false)
    if nowhere.any():
        raise InputError(
            f"p_true: one of the two log-probabilities must be finite; got -inf for both in {int(nowhere.sum())} of "
            f"{nowhere.size} places, first at position {int(nowhere.reshape(-1).argmax())} (counting from 0). Neither "
            "answer was possible: ask again, or leave it out."
        )
    p = special.expit(true - false)
    return p if p.ndim else float(p)


def _check(x, name):
    # one number is no container
    array = as_numeric([x], "p_true", name)[0] if np.isscalar(x) else as_numeric(x, "p_true", name)
    array = np.asarray(array, dtype=np.float64)
    bad = np.isnan(array) | (array > 1e150) | ((array < -1e150) & np.isfinite(array))
    if bad.any():
        raise InputError(
            f"p_true: {name} must hold log-probabilities: numbers, or -inf for probability 0; got "
            f"{array.reshape(-1)[bad.reshape(-1).argmax()]:g} among {array.size} values."
        )
    return array
