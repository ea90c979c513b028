"""Several estimators on the same question: one table, one forest plot."""

from collections.abc import Mapping

from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from uq._base.exceptions import InputError
from uq._base.named import NamedEstimates
from uq._base.results import Estimate
from uq._base.validation import check_level, check_number

__all__ = ["compare_estimators"]

OWNER = "compare_estimators"


def compare_estimators(
    estimators, verb="mean", *, confidence_level=0.95, reference=None, **arguments
) -> NamedEstimates:
    """Ask several estimators the same question and put their answers side by side.

    Parameters
    ----------
    estimators : dict of str to estimator or Estimate, or list of estimators
        Fitted estimators of `causal`, or any object with the verb; an `Estimate` stands for itself, such as one that
        needs other rows (`PredictionPowered` takes the unlabelled ones alone). A list is named by its classes.
    verb : str, default "mean"
        The method that is called: "mean", "ate", "ols", "quantile", "logistic".
    confidence_level : float, default .95
    reference : float, optional
        What the estimates are held against, the effect on true outcomes where it is known. Drawn as a line.
    **arguments
        Handed to the verb of every estimator: ``y_pred=..., treatment=...``.

    Returns
    -------
    NamedEstimates
        `names`, `results` (each an `Estimate`), a table by printing or `to_frame`, a forest plot by `plot`. The column
        `n` is what each estimator calls its `n`, and not one quantity: the rows given to the verb for `Naive` and the
        debiasers, the labelled rows for `Classical`, labelled and unlabelled ones together for `PredictionPowered`, all
        rows for `dsl`, rows or clusters of both estimates for `combine`.

    Raises
    ------
    InputError
        For no estimators, an estimator that was not fitted or has no such verb, names that repeat themselves, an
        unknown argument, and whatever the verbs refuse, with the name of the estimator before it.

    Notes
    -----
    **Guarantee.** That of each row, which stands in its column; none for the choice of the row that pleases most.

    Examples
    --------
    >>> import numpy as np
    >>> from causal import LinearDebiaser, Naive, compare_estimators
    >>> rng = np.random.default_rng(0)
    >>> y, treatment = rng.normal(size=400), rng.integers(0, 2, 2000)
    >>> y_pred = .5 * y + .4 * rng.normal(size=400)
    >>> trial = .5 * (treatment + rng.normal(size=2000)) + .4 * rng.normal(size=2000)
    >>> fitted = {"naive": Naive(), "debiased": LinearDebiaser(nondifferential=True)}
    >>> fitted = {name: estimator.fit(y_pred, y) for name, estimator in fitted.items()}
    >>> table = compare_estimators(fitted, "ate", y_pred=trial, treatment=treatment, reference=1.0)
    >>> for name, result in zip(table.names, table.results):
    ...     print(f"{name}: {result:.2f}")
    naive: 0.54 [0.49, 0.60]
    debiased: 1.04 [0.91, 1.17]
    """
    level = check_level(confidence_level, OWNER)
    reference = None if reference is None else check_number(reference, OWNER, "reference")
    named = _named(estimators)
    if not isinstance(verb, str) or not verb.isidentifier() or verb.startswith("_"):
        raise InputError(f"{OWNER}: verb must be the name of a method, such as 'ate'; got {verb!r:.60}.")
    calls = {name: _call(name, thing, verb) for name, thing in named.items()}
    results = {}
    for name, call in calls.items():
        try:
            results[name] = call(arguments)
        except InputError as error:
            raise InputError(f"{OWNER}, {name}: {error}") from error
        except TypeError as error:
            if "argument" not in str(error):
                raise
            raise InputError(f"{OWNER}, {name}: {verb} cannot be called with {sorted(arguments)}: {error}.") from error
        if not isinstance(results[name], Estimate):
            kind = type(results[name]).__name__
            raise InputError(f"{OWNER}, {name}: verb must give an Estimate; {verb} gives {kind}. Use 'mean' or 'ate'.")
    return NamedEstimates(
        names=tuple(results), results=tuple(results.values()), confidence_level=level, reference=reference
    )


def _named(estimators):
    if isinstance(estimators, Mapping):
        named = {str(name): thing for name, thing in estimators.items()}
        n = len(estimators)
    elif isinstance(estimators, (list, tuple)):
        named = {type(thing).__name__: thing for thing in estimators}
        n = len(estimators)
    else:
        raise InputError(
            f"{OWNER}: estimators must be a dict from names to fitted estimators, or a list of them; got "
            f"{type(estimators).__name__}."
        )
    if not named or len(named) < n:
        raise InputError(
            f"{OWNER}: estimators must hold at least one estimator, each with a name of its own; got {n}, with the "
            f"names {list(named)}. Give a dict."
        )
    return named


def _call(name, thing, verb):
    if isinstance(thing, Estimate):
        return lambda arguments: thing
    method = getattr(thing, verb, None)
    if isinstance(thing, type) or not callable(method):
        raise InputError(f"{OWNER}: {name} must be a fitted estimator with the verb {verb!r}; got {thing!r:.80}.")
    try:
        check_is_fitted(thing)
    except NotFittedError as error:
        raise InputError(f"{OWNER}: {name} must be fitted first: call fit(y_pred, y).") from error
    except TypeError:  # none of scikit-learn's estimators: it knows best itself
        pass
    return lambda arguments: method(**arguments)
