"""The calibration step in the errors of a statsmodels regression, whose results are known by their attributes."""

import copy
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from uq._base.citation import cites
from uq._base.containers import index_of
from uq._base.exceptions import InputError
from uq._base.validation import check_vector

from ._functional import satterthwaite

__all__ = ["add_calibration_variance", "row_coefficients"]

OWNER = "add_calibration_variance"
LINEAR = "OLS, WLS, GLS, IV2SLS, and GLM with Gaussian family and identity link"
_CLOSE = 1e-6  # of the spread, which an offset of the outcome does not belong to
_ROUNDING = 1e-12
_MANY = 1e9  # degrees of freedom that make Student's t the normal law


@cites("murphy1985")
def add_calibration_variance(results, debiaser, y_pred):
    """Return regression results whose errors count the calibration step behind the debiased outcome.

    A regression of ``debiaser.transform(y_pred)`` takes that column as if it had been measured: its errors are those
    given the correction. The correction was learned from finitely many rows, and all coefficients move with it.

    Parameters
    ----------
    results : statsmodels results
        Fitted OLS, WLS, GLS, IV2SLS or GLM (Gaussian family, identity link), by arrays or by formula, with any
        `cov_type`. The dependent variable must be the debiased column and must not stand on the right.
    debiaser : LinearDebiaser, TweedieDebiaser or SplineDebiaser
        The fitted debiaser that made the column.
    y_pred : array-like of shape (n_samples,) or (n_samples, 1)
        The predictions that it was made from. A pandas column whose index holds all row labels of the regression is
        matched by them, whatever its order and also where the regression left rows out; the index must then be unique.
        Anything else is taken row by row.

    Returns
    -------
    statsmodels results
        A copy, of the same class, whose `cov_params`, `bse`, `tvalues`, `pvalues`, `conf_int`, `t_test`, `wald_test`
        and `summary` include the calibration step; `cov_type` says so. The attribute `calibration_cov` is what was
        added. Intervals use Student's t with the least Satterthwaite degrees of freedom of all coefficients. The
        caller's object stays as it is.

    Raises
    ------
    InputError
        For a model that is not linear in its outcome (logit, quantile, robust regression, a link other than the
        identity, mixed models), results without a covariance or with the calibration step in them already, an index of
        `y_pred` that would be matched but repeats itself, a dependent variable that is not what the debiaser makes
        of `y_pred` (to a millionth of its spread), and calibration rows that are too few for an error.

    See Also
    --------
    LinearDebiaser.ols : least squares without leaving this package.

    Notes
    -----
    Coefficients that are linear in the outcome, ``C f``, move with the calibration rows by their influence values
    times C. Their covariance is added to that of the results, whatever its kind (classical, HC, cluster, HAC).

    **Guarantee.** Asymptotic: that of the debiaser and of the covariance in `results` together, where the calibration
    rows and those of the regression are independent of each other. Not covered: weights, instruments and regressors
    that were estimated, and rows that were used on both sides. `cov_HC0` ... `cov_HC3`, `get_robustcov_results`, and F
    tests by sums of squares (`compare_f_test`, `mse_model`) know nothing of the calibration step; use `wald_test`.

    References
    ----------
    .. [1] K. M. Murphy, R. H. Topel (1985). Estimation and inference in two-step econometric models. Journal of
       Business & Economic Statistics 3(4). doi:10.1080/07350015.1985.10509471.

    Examples
    --------
    >>> import numpy as np
    >>> import statsmodels.api as sm
    >>> from causal import LinearDebiaser, add_calibration_variance
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=100)
    >>> debiaser = LinearDebiaser(nondifferential=True).fit(.5 * y + .5 * rng.normal(size=100), y)
    >>> treatment = rng.integers(0, 2, 1000)
    >>> y_pred = .5 * (2 * treatment + rng.normal(size=1000)) + .5 * rng.normal(size=1000)
    >>> results = sm.OLS(debiaser.transform(y_pred), sm.add_constant(treatment)).fit(cov_type="HC1")
    >>> honest = add_calibration_variance(results, debiaser, y_pred)
    >>> results.bse.round(3), honest.bse.round(3)
    (array([0.06 , 0.086]), array([0.109, 0.183]))

    By formula, with villages as clusters:

    >>> import pandas as pd
    >>> import statsmodels.formula.api as smf
    >>> trial = pd.DataFrame({"y_pred": y_pred, "treatment": treatment, "age": rng.normal(size=1000)})
    >>> trial["outcome"] = debiaser.transform(trial["y_pred"])
    >>> village = np.arange(1000) // 20
    >>> results = smf.ols("outcome ~ treatment + age", trial).fit(cov_type="cluster", cov_kwds={"groups": village})
    >>> honest = add_calibration_variance(results, debiaser, trial["y_pred"])
    >>> honest.conf_int().loc["treatment"].round(2).tolist()
    [1.55, 2.29]

    With a propensity model of one's own, by inverse weights (which are taken as known):

    >>> from sklearn.linear_model import LogisticRegression
    >>> p = LogisticRegression().fit(trial[["age"]], treatment).predict_proba(trial[["age"]])[:, 1]
    >>> weights = treatment / p + (1 - treatment) / (1 - p)
    >>> results = sm.WLS(trial["outcome"], sm.add_constant(treatment), weights=weights).fit(cov_type="HC1")
    >>> add_calibration_variance(results, debiaser, trial["y_pred"]).conf_int().iloc[1].round(2).tolist()
    [1.56, 2.28]
    """
    inner = getattr(results, "_results", results)
    model: Any = getattr(inner, "model", None)
    coefficients = row_coefficients(inner, model)
    if hasattr(inner, "calibration_cov"):
        raise InputError(
            f"{OWNER}: results must be those of statsmodels; these come from {OWNER}, and the calibration step would "
            "count twice. Start from the results that it was given."
        )
    if not all(callable(getattr(debiaser, name, None)) for name in ("fit", "_spread", "_transform")):
        raise InputError(
            f"{OWNER}: debiaser must be a LinearDebiaser, TweedieDebiaser or SplineDebiaser; got {debiaser!r:.80}."
        )
    check_is_fitted(debiaser)
    endog = np.asarray(model.endog, dtype=np.float64)
    z, named = _matched(y_pred, model, len(endog))
    with np.errstate(over="ignore", invalid="ignore"):
        f = debiaser._transform(z)
        apart = np.abs(f - endog).max()
    if not apart <= _CLOSE * np.ptp(endog) + _ROUNDING * np.abs(endog).max():
        by_index = (
            " Rows were matched by the index of y_pred: if that is not the one of the regression's data (after "
            "reset_index, or in a new Series), pass the predictions as an array in the order of the regression."
        )
        raise InputError(
            f"{OWNER}: the dependent variable must be debiaser.transform(y_pred), row by row; it differs from it by up "
            f"to {apart:.3g}. Pass the debiaser and the predictions that made the column, and fit the column itself, "
            f"neither rescaled nor transformed.{by_index if named else ''}"
        )
    influence = debiaser._spread(z, coefficients)
    if not np.isfinite(influence).all():
        raise InputError(
            f"{OWNER}: debiaser must have been fitted on enough rows to know its own error; got {len(influence)}."
        )
    return _with_added(results, inner, influence, debiaser._df())


def _with_added(results, inner, influence, df_calibration):
    cov = np.asarray(inner.cov_params(), dtype=np.float64)
    added = influence.T @ influence
    if cov.shape != added.shape or not np.isfinite(cov).all():
        raise InputError(f"{OWNER}: results must have a finite covariance of all parameters; fit with more rows.")
    df_own = float(getattr(inner, "df_resid_inference", inner.df_resid)) if inner.use_t else _MANY
    df = satterthwaite(
        [np.diag(cov), np.diag(added)], [np.full(len(cov), d) for d in (df_own, max(float(df_calibration), 1.0))]
    )
    changed = copy.copy(inner)
    changed._cache = {}
    changed.cov_params_default = cov + added
    changed.calibration_cov = added
    changed.cov_type = f"{inner.cov_type} + calibration"
    changed.cov_kwds = {
        **inner.cov_kwds,
        "description": f"{str(inner.cov_kwds.get('description', '')).rstrip('. ')}. The calibration step of the "
        "debiased outcome is included.".lstrip(". "),
    }
    changed.use_t = True
    changed.df_resid_inference = float(df.min())
    return changed if inner is results else type(results)(changed)


def row_coefficients(inner, model):
    """Return C (k, n) with ``params = C @ endog``, or raise InputError for what is not linear in its outcome."""
    kind = type(model).__name__
    needed = ("params", "cov_params", "df_resid", "use_t", "cov_type")
    if model is None or not all(hasattr(inner, name) for name in needed) or not hasattr(model, "exog"):
        raise InputError(
            f"{OWNER}: results must be fitted statsmodels results ({LINEAR}) with a covariance; got "
            f"{type(inner).__name__}. Call fit() of the model first."
        )
    find = _KINDS.get(kind)
    if find is None or (kind == "GLM" and not _is_linear_glm(model)):
        link = f" with the link {type(model.family.link).__name__}" if hasattr(model, "family") else ""
        raise InputError(
            f"{OWNER}: results must come from a model that is linear in its outcome ({LINEAR}); got {kind}{link}. "
            "Debiased outcomes stand for true ones in sums alone: use a linear model, or labels within the trial "
            "(PredictionPowered)."
        )
    if np.iscomplexobj(inner.params) or np.iscomplexobj(model.endog):
        raise InputError(f"{OWNER}: results must have an outcome of real numbers; got complex ones.")
    coefficients = find(model)
    params = np.asarray(inner.params, dtype=np.float64)
    endog = np.asarray(model.endog, dtype=np.float64)
    if endog.ndim != 1 or params.ndim != 1:
        raise InputError(f"{OWNER}: results must have one outcome; got endog of shape {endog.shape}.")
    mine = coefficients @ endog
    weights = np.abs(coefficients)
    close = _CLOSE * (weights @ np.abs(endog - endog.mean())) + 1e3 * _ROUNDING * (weights @ np.abs(endog))
    if mine.shape != params.shape or not (np.abs(mine - params) <= close).all():
        raise InputError(
            f"{OWNER}: results must be the plain fit of {kind}, whose parameters are linear in the outcome; these are "
            "not (a penalty, a constraint, or weights that depend on the outcome)."
        )
    return coefficients


def _is_linear_glm(model):
    return type(model.family).__name__ == "Gaussian" and type(model.family.link).__name__.lower() == "identity"


def _weighted(exog, root):
    """Return the coefficients of weighted least squares, from the roots of the weights."""
    return np.linalg.pinv(exog * root[:, None]) * root


def _gls(model):
    inverse = np.linalg.pinv(model.wexog)
    if model.sigma is None or np.ndim(model.sigma) == 0:
        return inverse
    root = np.asarray(model.cholsigmainv)
    return inverse * root if root.ndim == 1 else inverse @ root


def _instruments(model):
    explained = model.instrument @ np.linalg.lstsq(model.instrument, model.exog, rcond=None)[0]
    return np.linalg.pinv(explained)


_KINDS = {
    "OLS": lambda model: np.linalg.pinv(model.exog),
    "WLS": lambda model: _weighted(model.exog, np.sqrt(np.broadcast_to(model.weights, len(model.endog)))),
    "GLS": _gls,
    "IV2SLS": _instruments,
    "GLM": lambda model: _weighted(
        model.exog, np.sqrt(np.broadcast_to(model.freq_weights * model.var_weights, len(model.endog)))
    ),
}


def _matched(y_pred, model, n):
    """Return the predictions of the rows that the regression kept, and whether labels told which."""
    index, kept = index_of(y_pred), getattr(model.data, "row_labels", None)
    named = index is not None and kept is not None and not kept.equals(index) and _all_in(kept, index)
    if named and index.is_unique:
        y_pred = y_pred.loc[kept]
    elif named:
        raise InputError(
            f"{OWNER}: y_pred must have a unique index, by which it is matched to the rows of the regression; got "
            f"{index[index.duplicated()][0]!r:.60} more than once. Use reset_index(drop=True) on the frame before the "
            "regression, or pass the predictions of its rows as an array."
        )
    z = check_vector(y_pred, OWNER, "y_pred")
    if len(z) != n:
        raise InputError(
            f"{OWNER}: y_pred must have one prediction per row of the regression ({n}); got {len(z)}. Where rows were "
            "left out, pass a pandas column with the index of the data, or the predictions of the rows that are left."
        )
    return z, named


def _all_in(labels, index):
    try:
        return bool(labels.isin(index).all())
    except (TypeError, ValueError, NotImplementedError):  # labels of kinds that are not compared
        return False
