"""How the sampling of a problem came to its end, and what that makes of its counts.

The chance that k new samples all fail has one unbiased estimate under every rule that looks only at the outcomes so
far: of all the orders of outcomes that lead to the same end, the share that begins with k failures. Each rule below is
a case of it, and each case is a ratio of two binomial coefficients.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.containers import dimensions
from uq._base.exceptions import InputError
from uq._base.validation import check_count, check_option, check_vector

from ._log_product import log_failure

__all__ = ["SAMPLING", "SamplingRule", "check_rule", "looks_stopped"]

SAMPLING = ("fixed", "inverse", "batch")
SUSPICIOUS = 5
MISSED = 4.0  # problems without a success; none of so many expected has a chance of 2 %


@dataclass(frozen=True)
class SamplingRule:
    """A rule that has been checked against its counts; `target` is one number per problem, or None."""

    sampling: str = "fixed"
    target: Any = None
    batch_size: float | None = None
    cap: float | None = None

    def most(self, n):
        """Return the largest k that is estimated without bias, per problem."""
        return n if self.sampling == "fixed" else np.full(len(n), np.inf if self.cap is None else self.cap)

    def reduced(self, n, c):
        """Return the counts that `failure` takes, which tell all that the estimates depend on."""
        if self.sampling == "inverse":  # the last sample was a success, and may not be moved
            stopped = c == self.target
            return n - stopped, c - stopped
        return n, c

    def log_failure(self, n, c, k):
        """Return the logarithm of the estimated chance that k samples fail, for counts from `reduced`."""
        if self.sampling == "batch":  # all successes lie in the last batch
            k, n = np.maximum(k - (n - self.batch_size), 0.0), self.batch_size
        return log_failure(np.broadcast_to(n, c.shape), c, np.broadcast_to(k, c.shape))

    def failure(self, n, c, k):
        """Return the estimated chance itself."""
        return np.exp(self.log_failure(n, c, k))


def check_rule(sampling, target, batch_size, cap, c, n, owner):
    """Return the rule, or raise where the counts cannot have come about by it."""
    check_option(sampling, SAMPLING, owner, "sampling")
    needed = {"fixed": (), "inverse": ("target", "cap"), "batch": ("batch_size", "cap")}[sampling]
    for name, value in (("target", target), ("batch_size", batch_size), ("cap", cap)):
        if value is not None and name not in needed:
            raise InputError(
                f"{owner}: sampling={sampling!r} takes no {name}; got {name}={value!r:.100}. target belongs to "
                "'inverse', batch_size to 'batch', cap to both."
            )
    if cap is not None:
        cap = float(_check_small(cap, owner, "cap"))
        if (n > cap).any():
            raise InputError(f"{owner}: n_trials must not exceed the cap of {cap:g}; got {n.max():g}.")
    if sampling == "inverse":
        return SamplingRule(sampling, _check_target(target, cap, c, n, owner), None, cap)
    if sampling == "batch":
        return SamplingRule(sampling, None, _check_batches(batch_size, cap, c, n, owner), cap)
    return SamplingRule()


def _check_small(value, owner, name):
    value = check_count(value, owner, name)
    if value > 2**52:
        raise InputError(f"{owner}: {name} must be at most 2**52, as counts are; got {value!r:.40}.")
    return value


def _check_target(target, cap, c, n, owner):
    if target is None:
        if cap is not None:
            raise InputError(
                f"{owner}: sampling='inverse' with a cap needs target, the number of right answers at which sampling "
                "stopped, to tell who reached it from who ran into the cap; got target=None."
            )
        target = c
    else:
        single = isinstance(target, (int, float, str)) or dimensions(target) == 0
        target = np.full(len(c), _check_small(target, owner, "target")) if single else target
        target = check_vector(target, owner, "target")
        if len(target) != len(c) or (target < 1).any() or (target != np.rint(target)).any():
            raise InputError(
                f"{owner}: target must be a whole number of at least 1, or one per problem ({len(c)}); got "
                f"{len(target)} values from {target.min():g} to {target.max():g}."
            )
    wrong = (c != target) | (c < 1)
    if cap is not None:
        wrong &= ~((c < target) & (n == cap))
    _refuse(wrong, c, n, owner, "'inverse' stops at the last of target right answers" + _or_cap(cap))
    return target


def _check_batches(batch_size, cap, c, n, owner):
    if batch_size is None:
        raise InputError(f"{owner}: sampling='batch' needs batch_size, the samples drawn at a time; got None.")
    size = float(_check_small(batch_size, owner, "batch_size"))
    if cap is not None and cap % size:
        raise InputError(f"{owner}: cap must be a multiple of batch_size ({size:g}); got {cap:g}.")
    wrong = (n % size != 0) | (c > size) | ((c == 0) & (n != cap if cap is not None else True))
    _refuse(wrong, c, n, owner, "'batch' stops after the first batch that holds a right answer" + _or_cap(cap))
    return size


def _or_cap(cap):
    return ", and no cap was given" if cap is None else f", or at the cap of {cap:g}"


def _refuse(wrong, c, n, owner, rule):
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"{owner}: sampling={rule}, which cannot give {c[row]:g} right answers of {n[row]:g} in row {row} "
            f"(counting from 0; {int(wrong.sum())} such rows). Name the rule by which these samples were drawn."
        )


def looks_stopped(c, n):
    """Tell counts that a fixed number of samples would hardly give: whoever was sampled less had just succeeded.

    Either no problem below the largest number of samples is without a right answer although several have one only and
    several would have none at the rate of all, or all of them have the same number.
    """
    below = n < n.max()
    if below.sum() < SUSPICIOUS or len(np.unique(n[below])) < 3:
        return False
    c, n = c[below], n[below]
    if c.min() == c.max():
        return bool(c[0] > 0)
    missed = ((1 - c.sum() / n.sum()) ** n).sum()
    return bool(c.min() > 0 and (c == 1).sum() >= SUSPICIOUS and missed >= MISSED)
