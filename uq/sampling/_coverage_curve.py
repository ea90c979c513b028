"""Coverage against the number of samples: fitted, drawn, and carried beyond the samples at hand."""

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.citation import cite_methods, cites
from uq._base.curve import Curve
from uq._base.exceptions import (
    ExtrapolationWarning,
    InfiniteBoundWarning,
    InputError,
    NotIdentifiedError,
    SmallSampleWarning,
    UntestedAssumptionWarning,
)
from uq._base.results import Interval
from uq._base.sklearn import StrOptions, as_generator, validate_params
from uq._base.validation import check_count, check_groups, check_level
from uq._evaluation._bca import bca_law
from uq._evaluation._warn import FEW_GROUPS, FEW_ROWS, few

from ._counts import check_counts, check_k, unique_pairs
from ._coverage_models import BetaBinomial, ExpPower, best_start
from ._coverage_resampling import curve_acceleration, left_out_fits, resampled_fits
from ._pass_at_k import STOPPED
from ._sampling_rule import check_rule, looks_stopped

__all__ = ["CoverageCurve"]

POINTS = 40
MOST_TRIALS = 1e9  # of the likelihood; at 1e12 its rounding moves a and b by a percent, at 1e15 they are arbitrary
cite_methods(
    **{
        "beta-binomial coverage": ("schaeffer2025", "griffiths1973", "efron1987"),
        "exponentiated power law": ("brown2024", "efron1987"),
    }
)


@cites("brown2024", "schaeffer2025", "griffiths1973", "efron1987")
class CoverageCurve(BaseEstimator):
    """Coverage, the share of problems solved by k samples or fewer, as a curve that can be extrapolated.

    Parameters
    ----------
    model : {"beta_binomial", "exp_power"}, default "beta_binomial"
        - "beta_binomial": the success rates of problems follow a beta law, fitted to the counts by maximum likelihood;
          coverage is 1 - B(a, b+k) / B(a, b).
        - "exp_power": coverage is exp(a k^b) with negative a and b, fitted by least squares to pass@k at up to 40
          values of k in geometric progression, up to the smallest number of samples of a problem.
    zero_inflated : bool, default False
        For "beta_binomial": a share of problems is never solved, whatever k.
    loss : {"coverage", "loglog"}, default "coverage"
        For "exp_power": squared distances of coverages, or of log(-log coverage), in which the model is a line.
    confidence_level : float, default .95
        In (0, 1); `predict_interval` and `curve` may ask another.
    n_resamples : int, default 999
        Resamples of the problems, to each of which the model is fitted again.
    random_state : None, int, numpy.random.RandomState or Generator, optional

    Attributes
    ----------
    a_, b_ : float
        Parameters of the model: of the beta law, or of exp(a k^b). The counts of problems that do not differ beyond
        chance have a and b at their largest, of those always or never solved at their smallest.
    zero_rate_ : float
        Share of problems that are never solved; 0 without `zero_inflated`.
    n_problems_ : int
    largest_k_ : int
        The largest k on which the fit stands; beyond it the curve is extrapolated.

    Raises
    ------
    InputError
        From `fit`, for counts that are not whole or exceed the samples, counts that the rule named by `sampling` cannot
        have given, more than 1e9 samples of a problem for "beta_binomial", and unknown options.
    NotIdentifiedError
        From `fit`, where one sample per problem cannot tell how rates differ.

    Warns
    -----
    UntestedAssumptionWarning
        From `fit` of "exp_power", where counts for a "fixed" number of samples look as if sampling had stopped at a
        success.
    SmallSampleWarning
        From `fit`, for less than 30 problems or 20 clusters, and where all samples are wrong or all are right.
    ExtrapolationWarning
        From `predict`, `predict_interval` and `curve`, beyond `largest_k_`.
    InfiniteBoundWarning
        From `predict_interval` and `curve`, where an end of the interval is 0 or 1 because the resamples cannot tell.

    See Also
    --------
    pass_at_k : without a model, up to the number of samples.

    Notes
    -----
    **Guarantee.** Asymptotic, under the model: for independent problems (or clusters) whose rates follow it, the
    interval covers the population's coverage at each k by itself as problems become many; nominal 95 % covered 87 to
    98 % at 20 problems, 92 to 97 % at 50 (simulated, three beta laws). "exp_power", whose curve no law of rates has
    exactly, covers the one that ever more problems would end at: 92 to 99 % at 20 problems, 91 to 98 % at 50 and 300
    (two beta laws, both losses). Beyond `largest_k_` the guarantee is "none": counts of n samples say nothing about
    rates far below 1/n, and the two models, which agree on the data, part there. Nothing is promised where the model is
    wrong, which `pass_at_k` shows up to n.

    Outcome-dependent stopping: the likelihood of "beta_binomial" is the same under any rule that looks at nothing but
    the outcomes so far (until the first success, in batches, a cap), so that it needs not be told the rule. "exp_power"
    is fitted to pass@k and is valid under the rule that `sampling` names, only. Neither is valid where problems got
    more samples because they were known to be hard.

    Intervals are bias-corrected and accelerated, from problems drawn with replacement and models refitted; points of
    one curve depend on the same counts, so that an error of least squares across k would mean nothing. The power law
    of failure has the exponent a only for k far above b.

    References
    ----------
    .. [1] B. Brown et al. (2024). Large language monkeys: scaling inference compute with repeated sampling.
       arXiv:2407.21787.
    .. [2] R. Schaeffer et al. (2025). How do large language monkeys get their power (laws)? arXiv:2502.17578.
    .. [3] D. Griffiths (1973). Maximum likelihood estimation for the beta-binomial distribution. doi:10.2307/2529131.
    .. [4] B. Efron (1987). Better bootstrap confidence intervals. doi:10.1080/01621459.1987.10478410.

    Examples
    --------
    >>> from uq.datasets import make_counts
    >>> from uq.sampling import CoverageCurve
    >>> counts = make_counts(200, 100, a=.3, b=3, rng=0)
    >>> curve = CoverageCurve(random_state=0).fit(counts["n_correct"], counts["n_trials"])
    >>> round(curve.a_, 2), round(curve.b_, 2)
    (0.28, 2.36)
    >>> print(curve.curve([1, 10, 100]))
    coverage against k, 95 % band
      x       y    lower   upper
      1  0.1073  0.08711  0.1292
     10  0.3971   0.3459  0.4446
    100  0.6717   0.6047  0.7292
    method: beta-binomial coverage, guarantee: asymptotic

    Beyond the samples that were drawn it warns, and promises nothing:

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always")
    ...     interval = curve.predict_interval(10_000)
    >>> said[0].category.__name__, interval.guarantee
    ('ExtrapolationWarning', 'none')
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "model": [StrOptions({"beta_binomial", "exp_power"})],
        "zero_inflated": ["boolean"],
        "loss": [StrOptions({"coverage", "loglog"})],
    }

    def __init__(
        self,
        model="beta_binomial",
        zero_inflated=False,
        loss="coverage",
        confidence_level=0.95,
        n_resamples=999,
        random_state=None,
    ):
        self.model = model
        self.zero_inflated = zero_inflated
        self.loss = loss
        self.confidence_level = confidence_level
        self.n_resamples = n_resamples
        self.random_state = random_state

    def fit(self, n_correct, n_trials, groups=None, *, sampling="fixed", target=None, batch_size=None, cap=None):
        """Fit the model, and again to resampled problems.

        Parameters
        ----------
        n_correct : array-like of shape (n_problems,)
            Right answers among the samples of each problem.
        n_trials : int or array-like of shape (n_problems,)
            Samples drawn for each problem.
        groups : array-like of shape (n_problems,), optional
            Clusters of problems, which are resampled whole.
        sampling, target, batch_size, cap
            How the number of samples came about, as in `pass_at_k`. Checked for both models, used by "exp_power".

        Returns
        -------
        self
        """
        owner = "CoverageCurve.fit"
        validate_params(self)
        check_level(self.confidence_level, owner)
        size = check_count(self.n_resamples, owner, "n_resamples")
        rng = as_generator(self.random_state, owner)
        c, n = check_counts(n_correct, n_trials, owner)
        rule = check_rule(sampling, target, batch_size, cap, c, n, owner)
        codes = None if groups is None else check_groups(groups, owner, len(c))[0]
        if self.model == "exp_power":
            reach = float(np.minimum(rule.most(n), n.max()).min())
            self._refuse_single(reach, owner)
            ks = np.unique(np.rint(np.geomspace(1, reach, POINTS)))
            if rule.sampling == "fixed" and looks_stopped(c, n):
                warnings.warn(STOPPED.format(owner=owner), UntestedAssumptionWarning, stacklevel=2)
            pairs_n, pairs_c, place, many = unique_pairs(*rule.reduced(n, c))
            values = np.column_stack([-np.expm1(rule.log_failure(pairs_n, pairs_c, k)) for k in ks])
            model: Any = ExpPower(ks, values, self.loss)
        else:
            reach = float(n.max())
            self._refuse_single(reach, owner)
            if reach > MOST_TRIALS:
                raise InputError(
                    f"{owner}: n_trials must be at most {MOST_TRIALS:g} for model='beta_binomial', whose likelihood "
                    f"is lost in rounding beyond; got {reach:g}. Use model='exp_power', or thin the samples."
                )
            pairs_n, pairs_c, place, many = unique_pairs(n, c)
            model = BetaBinomial(pairs_n, pairs_c, self.zero_inflated)
        theta = best_start(model, many / many.sum())
        known = bool(c.any() and (c < n).any())
        if known:
            draws = resampled_fits(model, theta, many, place, codes, size, rng)
            left_out = left_out_fits(model, theta, many, place, codes)
        else:  # one answer for all resamples
            draws, left_out = np.tile(theta, (size, 1)), None
        self._warn_small(known, len(c), None if codes is None else int(codes.max()) + 1)
        self._core, self._theta, self._draws, self._left_out, self._known = model, theta, draws, left_out, known
        self._always = bool(c.any())
        self.a_, self.b_, self.zero_rate_ = model.parameters(theta)
        self.n_problems_, self.largest_k_ = len(c), int(reach)
        return self

    def predict(self, k):
        """Return the coverage at k samples.

        Parameters
        ----------
        k : int or array-like of int of shape (n_k,)

        Returns
        -------
        float or ndarray of shape (n_k,)

        Raises
        ------
        InputError
            For k that is not a whole number of at least 1.
        """
        check_is_fitted(self)
        ks, single = check_k(k, "CoverageCurve.predict")
        self._warn_beyond(ks)
        found = self._coverage(self._theta[None], ks)[0]
        return float(found[0]) if single else found

    def predict_interval(self, k, confidence_level=None):
        """Return an interval for the population's coverage at each k by itself.

        Parameters
        ----------
        k : int or array-like of int of shape (n_k,)
        confidence_level : float, optional
            In place of the estimator's own.

        Returns
        -------
        Interval
            Within [0, 1]; `guarantee` is "none" where any k lies beyond `largest_k_`, else "asymptotic".

        Raises
        ------
        InputError
            For k that is not a whole number of at least 1, or a level outside (0, 1).
        """
        check_is_fitted(self)
        owner = "CoverageCurve.predict_interval"
        ks, single = check_k(k, owner)
        level = check_level(self.confidence_level if confidence_level is None else confidence_level, owner)
        self._warn_beyond(ks)
        lower, upper = self._ends(ks, level)
        if single:
            lower, upper = lower[0], upper[0]
        return Interval(
            lower=lower, upper=upper, confidence_level=level, guarantee=self._guarantee(ks), method=self._method()
        )

    def curve(self, k=None, confidence_level=None):
        """Return the curve with its intervals, each for one k by itself.

        Parameters
        ----------
        k : array-like of int of shape (n_k,), optional
            By default up to 40 values in geometric progression from 1 to `largest_k_`.
        confidence_level : float, optional
            In place of the estimator's own.

        Returns
        -------
        Curve

        Raises
        ------
        InputError
            As from `predict_interval`.
        """
        check_is_fitted(self)
        owner = "CoverageCurve.curve"
        ks = np.unique(np.rint(np.geomspace(1, self.largest_k_, POINTS))) if k is None else check_k(k, owner)[0]
        level = check_level(self.confidence_level if confidence_level is None else confidence_level, owner)
        self._warn_beyond(ks)
        lower, upper = self._ends(ks, level)
        return Curve(
            x=ks,
            y=self._coverage(self._theta[None], ks)[0],
            lower=lower,
            upper=upper,
            confidence_level=level,
            guarantee=self._guarantee(ks),
            method=self._method(),
            x_label="k",
            y_label="coverage",
        )

    def _coverage(self, theta, ks):
        if not self._known:
            return np.full((len(theta), len(ks)), float(self._always))
        return np.clip(self._core.coverage(theta, ks), 0.0, 1.0)

    def _ends(self, ks, level):
        center, draws = self._coverage(self._theta[None], ks)[0], self._coverage(self._draws, ks)
        acceleration = np.zeros(len(ks))
        if self._left_out is not None:
            left_out, shared = self._left_out
            acceleration = curve_acceleration(self._coverage(left_out, ks), shared)
        ends = [bca_law(draws[:, j], center[j], acceleration[j]).interval(level, "two-sided") for j in range(len(ks))]
        lower, upper = np.array(ends).T
        if not np.isfinite(ends).all():
            warnings.warn(
                "CoverageCurve: an end of the interval is 0 or 1 because the resamples cannot tell: the level is too "
                "high for n_resamples, or there are too few problems that differ. More of either would help.",
                InfiniteBoundWarning,
                stacklevel=3,
            )
        return np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0)

    def _guarantee(self, ks):
        return "asymptotic" if ks.max() <= self.largest_k_ else "none"

    def _method(self):
        return "exponentiated power law" if isinstance(self._core, ExpPower) else "beta-binomial coverage"

    def _warn_beyond(self, ks):
        if ks.max() > self.largest_k_:
            warnings.warn(
                f"CoverageCurve: k={ks.max():g} lies beyond the {self.largest_k_} samples on which the fit stands; "
                "there the answer is the model's, and the other model may give another. Draw more samples to test it.",
                ExtrapolationWarning,
                stacklevel=3,
            )

    def _refuse_single(self, reach, owner):
        if reach < 2:
            raise NotIdentifiedError(
                f"{owner}: n_trials must be at least 2 for {'every' if self.model == 'exp_power' else 'some'} problem; "
                "one sample per problem cannot tell problems that are solved half of the time from half of the "
                "problems being solved. Draw more samples, or use pass_at_k with k=1."
            )

    def _warn_small(self, known, n, n_groups):
        units, least, what = (n, FEW_ROWS, "problems") if n_groups is None else (n_groups, FEW_GROUPS, "clusters")
        if not known:
            text = (
                "all samples are wrong, or all are right, which does not tell how rates differ: the curve is flat and "
                "its interval is [0, 1]. Draw more samples, or use pass_at_k, whose interval holds all the same."
            )
        elif units < least:
            text = (
                f"{few(units, what)} for the interval, which may be too short. Collect at least {least}, or use "
                "pass_at_k up to the number of samples, whose interval holds at any number."
            )
        else:
            return
        warnings.warn(f"CoverageCurve: {text}", SmallSampleWarning, stacklevel=3)
