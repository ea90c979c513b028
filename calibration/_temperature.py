"""Temperature scaling: one parameter, found by a safeguarded Newton search over rows in blocks."""

import math
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from uq._base.citation import cites
from uq._base.exceptions import InputError
from uq._base.sklearn import StrOptions

from ._recalibrator import Recalibrator, log_odds

__all__ = ["TemperatureScaling", "inverse_temperature"]

LOW, HIGH = 1e-3, 1e3  # of the inverse temperature
TINY = np.finfo(np.float64).tiny
RULED_OUT = -1e100  # finite, so that 0 times it is 0; below -1e6 the weight is 0 at every temperature allowed
CELLS = 65536
EVERY = 16


def _logs(p):
    """Return log probabilities; an exact 0, which rounding made, counts as half a rounding error of 1."""
    return np.log(np.where(p == 0, 2.0**-53, np.maximum(p, TINY)))


class _Blocks:
    """Logits of classes, the largest of each row subtracted; transposed, so that sums over classes run along rows."""

    def __init__(self, outputs, y, weights, logits):
        n, k = outputs.shape
        size = max(256, CELLS // k)
        self.parts, self.own = [], 0.0
        for start in range(0, n, size):
            rows = slice(start, start + size)
            block = np.array(outputs[rows].T, order="C")  # a copy always: it is written to
            if not logits:
                block = _logs(block)
            with np.errstate(over="ignore"):
                block -= block.max(axis=0)
            np.maximum(block, RULED_OUT, out=block)
            w = None if weights is None else weights[rows]
            own = block[y[rows], np.arange(block.shape[1])]
            self.parts.append((block, w, float(own.sum() if w is None else w @ own)))

    def slope(self, beta, every=1):
        """Return the derivative of the total log loss in beta, and the second one."""
        first = second = 0.0
        for u, w, own in self.parts[::every]:
            weight = np.exp(beta * u)
            total = weight.sum(axis=0)
            weight *= u
            mean = weight.sum(axis=0) / total
            weight *= u
            variance = weight.sum(axis=0) / total - mean * mean
            first += float(mean.sum() if w is None else w @ mean) - own
            second += float(variance.sum() if w is None else w @ variance)
        return first, max(second, 0.0)

    def __len__(self):
        return len(self.parts)


class _Binary:
    """One column of log-odds, held against y in [0, 1]."""

    def __init__(self, z, y, weights):
        self.z, self.y, self.weights = np.clip(z, RULED_OUT, -RULED_OUT), y, weights

    def slope(self, beta, every=1):
        z, y = self.z[::every], self.y[::every]
        p = expit(beta * z)
        # z**2 may be huge only where the product with p (1 - p) is 0
        spread = p * expit(-beta * z)
        w = 1.0 if self.weights is None else self.weights[::every]
        return float(np.sum(w * z * (p - y))), float(np.sum(w * (spread * z) * z))

    def __len__(self):
        return len(self.z) // CELLS


def inverse_temperature(rows):
    """Return (beta, "" | "low" | "high"): the root of the slope of the log loss, or the bound that it lies beyond."""
    start, _ = _search(lambda beta: rows.slope(beta, EVERY), 0.0) if len(rows) >= 2 * EVERY else (0.0, "")
    s, bound = _search(rows.slope, start)
    return {"low": LOW, "high": HIGH}.get(bound, math.exp(s)), bound


def _search(slope, s):
    """Find the root in s = log(beta) within a bracket, whose ends are looked at only where a step leads beyond them."""
    low, high = ends = math.log(LOW), math.log(HIGH)
    tried, before = set(), None
    for _ in range(200):
        g, h = slope(math.exp(s))
        if s in ends:
            tried.add(s)
            if g >= 0 and s == ends[0]:
                return s, "low"
            if g <= 0 and s == ends[1]:
                return s, "high"
        if g < 0:
            low = s
        else:
            high = s
        curve = math.exp(s) * h
        new = s - g / curve if curve > 0 else math.copysign(math.inf, -g)
        if g == 0 or high - low <= 1e-15:
            return s, ""
        if low < new < high:
            step = abs(new - s)
            if step <= 1e-7:
                return new, ""
            if before is not None and step <= 1e-4 and abs(s - before[0]) <= 0.1:
                return _inverse_hermite(before, (s, g, curve)), ""
            before = (s, g, curve)
        else:
            new, before = (low if new <= low else high), None
            if new not in ends or new in tried:
                new = (low + high) / 2
        s = new
    return s, ""


def _inverse_hermite(one, two):
    """Return s at slope 0 of the cubic s(g) through two points with their derivatives."""
    (s0, g0, c0), (s1, g1, c1) = one, two
    width = g1 - g0
    t = -g0 / width
    bend0, bend1 = t * (1 - t) ** 2, t * t * (t - 1)
    return s1 + (s0 - s1) * (1 + 2 * t) * (1 - t) ** 2 + width * (bend0 / c0 + bend1 / c1)


@cites("guo2017")
class TemperatureScaling(Recalibrator):
    """Fit p = softmax(logits / temperature): one parameter for all classes, which never changes the likeliest one.

    Parameters
    ----------
    input : {"prob", "logit"}, default "prob"
        What `y_prob` holds. Probabilities give logits up to a constant of each row, which cancels. With logits of
        several classes, -inf rules a class out.

    Attributes
    ----------
    temperature_ : float
        Within [.001, 1000]. Above 1 the outputs were too confident.
    classes_ : ndarray of shape (n_classes,) or None

    Raises
    ------
    InputError
        From `fit` and `predict_proba`, for probabilities outside [0, 1] or rows that do not sum to 1, missing values,
        no rows, lengths that differ, labels of no column, weights that are negative or sum to 0, and a label whose own
        logit is -inf.

    Warns
    -----
    UserWarning
        Where the optimum lies beyond the bounds: the likeliest class always came true, or the outputs point away from
        the truth.

    See Also
    --------
    DirichletCalibration : a scale and a shift per class, or a whole matrix.
    PlattScaling : for one column, with an intercept.

    Notes
    -----
    One column is P(y = 1) or its log-odds, and y may then hold shares in [0, 1]. A probability of 0 counts as the
    smallest normal float (2e-308). The temperature is exact to 1e-9 of the optimum.

    **Guarantee.** Asymptotic: on calibration rows that are i.i.d. with the later ones, the temperature converges to the
    one of least log loss, and the expected excess over it is about 1 / (2 n). Whether the result is calibrated depends
    on the truth being in the family; nothing is promised for it.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger (2017). On calibration of modern neural networks.
       arXiv:1706.04599.

    Examples
    --------
    >>> import numpy as np
    >>> from calibration import TemperatureScaling
    >>> rng = np.random.default_rng(0)
    >>> logits = 2 * rng.normal(size=(5000, 3))
    >>> y = (logits + rng.gumbel(size=(5000, 3))).argmax(axis=1)
    >>> scaling = TemperatureScaling(input="logit").fit(1.7 * logits, y)
    >>> round(scaling.temperature_, 2)
    1.75
    >>> scaling.predict_proba([[2.0, 0.0, 0.0]]).round(3)
    array([[0.61 , 0.195, 0.195]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"input": [StrOptions({"prob", "logit"})]}

    def __init__(self, input="prob"):
        self.input = input

    def _learn(self, outputs, y, weights, owner):
        if weights is not None:
            weights = weights / weights.sum() * len(weights)
        if outputs.ndim == 1:
            rows: Any = _Binary(log_odds(outputs, self._logits), y, weights)
        else:
            if self._logits and np.isneginf(own := outputs[np.arange(len(y)), y]).any():
                raise InputError(
                    f"{owner}: the class of each row must not be ruled out by a logit of -inf; got one in row "
                    f"{int(np.isneginf(own).argmax())} (counting from 0, rows of weight 0 left out). No temperature "
                    "makes it possible."
                )
            rows = _Blocks(outputs, y, weights, self._logits)
        beta, bound = inverse_temperature(rows)
        words = {
            "": "",
            "low": "the logit of the true class does not exceed the average one, so that no temperature is best; it "
            "was set to its upper bound of 1000, nearly equal probabilities. Are the columns in the order of classes?",
            "high": "the likeliest class always came true, so that no temperature is best; it was set to its lower "
            "bound of .001. Use more rows.",
        }[bound]
        return {"temperature_": 1 / beta}, words

    def _predict(self, outputs):
        if outputs.ndim == 1:
            with np.errstate(over="ignore"):
                return expit(log_odds(outputs, self._logits) / self.temperature_)
        z = outputs if self._logits else _logs(outputs)
        with np.errstate(over="ignore", under="ignore"):
            z = z - z.max(axis=1, keepdims=True)
            z /= self.temperature_
            np.exp(z, out=z)
        z /= z.sum(axis=1, keepdims=True)
        return z
