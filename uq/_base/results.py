"""What the user gets back: frozen results that print, plot, compare, pickle and turn into a DataFrame."""

import warnings
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .containers import as_numeric, as_real
from .exceptions import InfiniteBoundWarning, InputError
from .frozen import Frozen
from .laws import Law
from .record import GUARANTEES as GUARANTEES
from .record import Result as Result
from .record import format_number as format_number
from .record import format_percent, rows_figsize
from .validation import check_alternative, check_level, check_number, check_option

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["GUARANTEES", "Estimate", "Interval", "Result", "TestResult", "format_number", "without_empty"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Interval(Result):
    """An interval, or one interval per row.

    Parameters
    ----------
    lower, upper : float or ndarray of shape (n,)
        Ends of the interval, which contains both. Infinite where nothing finite can be promised.
    confidence_level : float
        The level that was asked for.
    alternative : {"two-sided", "less", "greater"}
        "less" means an upper bound only, "greater" a lower bound only, as in SciPy.
    attained_level : float, ndarray or None
        The exact coverage of the procedure where it is known.
    guarantee : {"exact", "finite-sample", "asymptotic", "posterior", "none"}
    method : str
    index : pandas.Index, tuple of str or None
        The caller's row labels.

    Examples
    --------
    >>> from uq import Interval
    >>> interval = Interval(lower=.2, upper=.5, confidence_level=.9, guarantee="exact", method="rank")
    >>> lower, upper = interval
    >>> interval.width, interval.contains(.4)
    (0.3, True)
    """

    lower: Any
    upper: Any
    confidence_level: float
    alternative: str = "two-sided"
    attained_level: Any = None
    guarantee: str = "none"
    method: str = ""
    index: Any = None

    def __post_init__(self):
        for name in ("lower", "upper"):
            object.__setattr__(self, name, as_real(getattr(self, name), "Interval", name))
        Frozen.__post_init__(self)
        if np.shape(self.lower) != np.shape(self.upper) or np.ndim(self.lower) > 1:
            raise InputError(
                f"Interval: lower and upper must be two numbers or two vectors of one length; "
                f"got shapes {np.shape(self.lower)} and {np.shape(self.upper)}."
            )
        if self.index is not None and len(self.index) != np.size(self.lower):
            raise InputError(
                f"Interval: index must hold one label per interval ({np.size(self.lower)}); got {len(self.index)}."
            )
        if not np.all(np.asarray(self.lower) <= np.asarray(self.upper)):
            raise InputError("Interval: lower must not exceed upper, and neither may be NaN.")
        object.__setattr__(self, "confidence_level", check_level(self.confidence_level, "Interval"))
        check_alternative(self.alternative, "Interval")
        check_option(self.guarantee, GUARANTEES, "Interval", "guarantee")
        if self.attained_level is not None:
            attained = np.asarray(as_real(self.attained_level, "Interval", "attained_level"))
            if attained.shape not in ((), np.shape(self.lower)) or not ((attained >= 0) & (attained <= 1)).all():
                raise InputError(
                    "Interval: attained_level must be one probability, or one per interval; got "
                    f"{self.attained_level!r}."
                )

    @property
    def width(self) -> float | np.ndarray:
        """Length of the interval, ``upper - lower``; 0 where both ends are the same infinity."""
        with np.errstate(invalid="ignore"):
            width = np.where(self.lower == self.upper, 0.0, np.subtract(self.upper, self.lower))
        return width if width.ndim else float(width)

    def contains(self, y) -> bool | np.ndarray:
        """Tell which values of `y` lie in their interval, the ends included.

        Parameters
        ----------
        y : float or array-like of shape (n,)

        Returns
        -------
        bool or ndarray of bool
        """
        y = as_numeric(y, "Interval.contains", "y")
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if np.ndim(self.lower) and y.ndim and y.shape != np.shape(self.lower):
            raise InputError(
                f"Interval.contains: y must be one number or {len(self.lower)}, one per interval; got shape {y.shape}."
            )
        if np.isnan(y).any():
            raise InputError("Interval.contains: y must not be NaN.")
        inside = (self.lower <= y) & (y <= self.upper)
        return bool(inside) if np.ndim(inside) == 0 else inside

    def shift(self, offset) -> "Interval":
        """Return the interval moved by `offset` (a number, or one per row), its level and guarantee kept."""
        offset = as_numeric(offset, "Interval.shift", "offset")
        if not np.isfinite(offset).all():
            raise InputError("Interval.shift: offset must be finite.")
        if offset.ndim > 1 or (offset.ndim and np.ndim(self.lower) and offset.shape != np.shape(self.lower)):
            raise InputError(
                f"Interval.shift: offset must be one number or one per interval, of shape {np.shape(self.lower)}; "
                f"got shape {offset.shape}."
            )
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return Interval(**{**values, "lower": self.lower + offset, "upper": self.upper + offset})

    def to_numpy(self) -> np.ndarray:
        """Return an array of shape (2,) or (n, 2)."""
        return np.stack([self.lower, self.upper], axis=-1)

    def __iter__(self) -> "Iterator[Any]":
        return iter((self.lower, self.upper))

    def __format__(self, spec) -> str:
        if not spec:
            return str(self)
        ends = zip(np.atleast_1d(self.lower), np.atleast_1d(self.upper), strict=True)
        return ", ".join(f"[{low:{spec}}, {high:{spec}}]" for low, high in ends)

    def _labels(self):
        return None if self.index is None else [str(i) for i in self.index]

    def _shown(self):
        labels = self._labels()
        return self._table() if labels is None else {"name": labels, **self._table()}

    def _index(self):
        return self.index if self.index is None or not isinstance(self.index, tuple) else list(self.index)

    def _table(self):
        return {"lower": np.atleast_1d(self.lower), "upper": np.atleast_1d(self.upper)}

    def _title(self):
        side = {"two-sided": "interval", "less": "upper bound", "greater": "lower bound"}[self.alternative]
        attained = "" if self.attained_level is None else f" (attained {format_percent(np.min(self.attained_level))})"
        return f"{format_percent(self.confidence_level)} {side}{attained}"

    def __repr__(self):
        if np.ndim(self.lower):
            return f"<{len(self.lower)} intervals, {self._title()}, {self._caption()}>"
        return f"[{format_number(self.lower)}, {format_number(self.upper)}] ({self._title()}, {self._caption()})"

    def __str__(self):
        return Result.__str__(self) if np.ndim(self.lower) else repr(self)

    def _figsize(self):
        return rows_figsize(np.size(self.lower))

    def _draw(self, ax):
        from . import plot

        return plot.intervals(ax, None, self.lower, self.upper, names=self._labels(), title=self._title())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate(Result):
    """An estimate with the law that its interval and its p-value both come from.

    Parameters
    ----------
    estimate : float or ndarray of shape (k,)
    std_error : float or ndarray of shape (k,)
        Infinite where one row or one cluster says nothing about the variation.
    n : int
        Rows that were used.
    method : str
    guarantee : {"exact", "finite-sample", "asymptotic", "posterior", "none"}
        What `conf_int` promises.
    law : Law
        Frozen; answers `conf_int` and `pvalue`, each the dual of the other.
    names : tuple of str, optional
        One name per coefficient of a vector-valued estimate.
    cov : ndarray of shape (k, k), optional
    n_groups : int, optional
        Clusters that were used.
    n_dropped : int
        Rows dropped for missing values under ``nan_policy="omit"``.
    influence : object, optional
        Influence values of the rows, for the covariance with another estimate on the same rows (`causal`).

    Examples
    --------
    >>> from uq import estimate_mean
    >>> correct = [1] * 45 + [0] * 5
    >>> accuracy = estimate_mean(correct)
    >>> accuracy
    Estimate(0.9, std_error=0.04286, n=50, method='clopper_pearson', guarantee='finite-sample')
    >>> accuracy.conf_int(.95)
    [0.7819, 0.9667] (95 % interval, method: clopper_pearson, guarantee: finite-sample)
    >>> round(accuracy.pvalue(null=.8, alternative="greater"), 4)
    0.048
    """

    estimate: Any
    std_error: Any
    n: int
    method: str
    guarantee: str
    law: Law
    names: tuple[str, ...] | None = None
    cov: Any = None
    n_groups: int | None = None
    n_dropped: int = 0
    influence: Any = field(default=None, repr=False)

    def conf_int(self, confidence_level=0.95, alternative="two-sided") -> Interval:
        """Return the confidence (or credible) interval.

        Parameters
        ----------
        confidence_level : float, default .95
            In (0, 1).
        alternative : {"two-sided", "less", "greater"}, default "two-sided"
            "less" gives an upper bound only, "greater" a lower bound only.

        Returns
        -------
        Interval

        Raises
        ------
        InputError
            For a level outside (0, 1) or an unknown alternative.

        Warns
        -----
        InfiniteBoundWarning
            Where a requested bound is infinite; the message names what would make it finite.
        """
        level = check_level(confidence_level, "Estimate.conf_int")
        alternative = check_alternative(alternative, "Estimate.conf_int")
        lower, upper = self.law.interval(level, alternative)
        asked = [end for end, side in ((lower, "less"), (upper, "greater")) if alternative != side]
        if not np.isfinite(asked).all():
            warnings.warn(f"an infinite bound: {self.law.remedy}", InfiniteBoundWarning, stacklevel=2)
        return Interval(
            lower=lower,
            upper=upper,
            confidence_level=level,
            alternative=alternative,
            guarantee=self.guarantee,
            method=self.method,
            index=self.names,
        )

    def pvalue(self, null=0.0, alternative="two-sided") -> float | np.ndarray:
        """Return the p-value of the hypothesis that the estimand is `null`: the dual of `conf_int`.

        The value `null` lies outside ``conf_int(level, alternative)`` exactly where the p-value is below 1 - level. For
        posterior laws it is the posterior tail probability (doubled, for "two-sided"), not a frequency.

        Parameters
        ----------
        null : float, default 0
        alternative : {"two-sided", "less", "greater"}, default "two-sided"
            "greater" asks whether the estimand is greater than `null`.

        Returns
        -------
        float or ndarray of shape (k,)
        """
        null = check_number(null, "Estimate.pvalue", "null")
        p = self.law.pvalue(null, check_alternative(alternative, "Estimate.pvalue"))
        return p if np.ndim(p) else float(p)

    def summary(self, confidence_level=0.95) -> str:
        """Return the estimate, its error, its interval and its guarantee as a text."""
        interval = self._quiet_interval(check_level(confidence_level, "Estimate.summary"))
        groups = "" if self.n_groups is None else f", {self.n_groups} groups"
        dropped = "" if not self.n_dropped else f", {self.n_dropped} dropped"
        table = self._table(interval)
        below = f"n = {self.n}{groups}{dropped}; {self._caption()}", self._note(table)
        if np.ndim(self.estimate):
            return self._text(table, *below)
        value = (
            f"{format_number(self.estimate)}, {interval._title()} [{format_number(interval.lower)}, "
            f"{format_number(interval.upper)}], std. error {format_number(self.std_error)}"
        )
        return "\n".join([value, *filter(None, below)])

    def to_dict(self) -> dict[str, Any]:
        """Return the fields and the 95 % interval as a dict; needs no pandas.

        Numbers, strings and None; for several coefficients NumPy arrays, which `json.dumps` takes only with
        ``default=lambda x: x.tolist()``, and a tuple of `names`. The law is named by its class; influence values stay
        out.
        """
        interval = self._quiet_interval(0.95)
        ends = {"lower": interval.lower, "upper": interval.upper, "confidence_level": interval.confidence_level}
        return {**Result.to_dict(self), **ends}

    def __format__(self, spec) -> str:
        if not spec:
            return str(self)
        interval = self._quiet_interval(0.95)
        ends = zip(np.atleast_1d(interval.lower), np.atleast_1d(interval.upper), strict=True)
        values = [
            f"{value:{spec}} [{low:{spec}}, {high:{spec}}]"
            for value, (low, high) in zip(np.atleast_1d(self.estimate), ends, strict=True)
        ]
        if np.ndim(self.estimate):
            values = [f"{name} {value}" for name, value in zip(self._names(), values, strict=True)]
        return ", ".join(values)

    def _note(self, table):
        finite = np.isfinite([table["lower"], table["upper"]]).all()
        return "" if finite else f"an infinite bound: {self.law.remedy}"

    def _quiet_interval(self, level):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InfiniteBoundWarning)
            return self.conf_int(level)

    def _names(self):
        k = np.size(self.estimate)
        return list(self.names) if self.names is not None else ["estimate"] if k == 1 else [str(i) for i in range(k)]

    def _table(self, interval=None):
        return without_empty(self._columns(interval))

    def _columns(self, interval=None):
        interval = self._quiet_interval(0.95) if interval is None else interval
        k = np.size(self.estimate)
        return {
            "name": self._names(),
            "estimate": np.atleast_1d(self.estimate),
            "std_error": np.atleast_1d(self.std_error),
            "lower": np.atleast_1d(interval.lower),
            "upper": np.atleast_1d(interval.upper),
            "confidence_level": [interval.confidence_level] * k,
            "n": [self.n] * k,
            "n_groups": [self.n_groups] * k,
            "n_dropped": [self.n_dropped] * k,
            "method": [self.method] * k,
            "guarantee": [self.guarantee] * k,
        }

    def __repr__(self):
        value = format_number(self.estimate) if np.ndim(self.estimate) == 0 else f"{np.size(self.estimate)} values"
        error = f"std_error={format_number(self.std_error)}, " if np.ndim(self.estimate) == 0 else ""
        return f"Estimate({value}, {error}n={self.n}, method={self.method!r}, guarantee={self.guarantee!r})"

    def __str__(self):
        return self.summary()

    def _figsize(self):
        return rows_figsize(np.size(self.estimate), self._note(self._table()))

    def _draw(self, ax):
        from . import plot

        table = self._table()
        names = self._names() if np.ndim(self.estimate) or self.names else None
        return plot.intervals(
            ax,
            table["estimate"],
            table["lower"],
            table["upper"],
            names=names,
            title=f"{format_percent(0.95)} interval",
            label=f"estimate ({self.method}, n = {self.n})",
            note=self._note(table),
            zero_within=0.5 if self._may_be_negative() else 0.0,
        )

    def _may_be_negative(self):
        """Tell a quantity that is known to range over both sides of 0, as the difference of two bounded scores does."""
        low, high = self.law.support
        return -np.inf < low < 0 < high < np.inf


def without_empty(columns):
    """Leave out the counts of clusters and of dropped rows where there are none; both are rare."""
    return {name: v for name, v in columns.items() if name not in ("n_groups", "n_dropped") or any(v)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestResult(Result):
    """The outcome of a hypothesis test.

    Parameters
    ----------
    statistic : float
    pvalue : float
    alternative : str
    method : str
    guarantee : str
    n : int, optional

    Examples
    --------
    >>> from uq import TestResult
    >>> TestResult(statistic=2.1, pvalue=.0357, method="z")
    TestResult(statistic=2.1, pvalue=0.0357)
    """

    __test__: ClassVar[bool] = False  # not a test case, whatever pytest thinks of the name

    statistic: float
    pvalue: float
    alternative: str = "two-sided"
    method: str = ""
    guarantee: str = "none"
    n: int | None = None

    def _table(self):
        return {"statistic": [self.statistic], "pvalue": [self.pvalue], "alternative": [self.alternative]}

    def __repr__(self):
        return f"TestResult(statistic={format_number(self.statistic)}, pvalue={format_number(self.pvalue)})"

    def _draw(self, ax):
        from . import plot

        return plot.text(ax, f"{self.method}\nstatistic {self.statistic:.4g}\np-value {self.pvalue:.4g}")
