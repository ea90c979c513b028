"""`BayesSearchCV`: hyperparameters of a scikit-learn estimator, searched for by a model of their scores."""

import itertools
import numbers
import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import indexable
from sklearn.utils.validation import _num_samples, check_is_fitted

from uq._base.citation import cites
from uq._base.exceptions import InputError, UQError
from uq._base.results import Interval
from uq._base.sklearn import Range, StrOptions, validate_params

from ._search import Search
from ._search_folds import FoldOptimizer
from ._search_log import SearchLog, fingerprint
from ._search_results import average_what_is_there
from ._space import check_space

__all__ = ["BayesSearchCV"]

OWNER = "BayesSearchCV"


@cites("frazier2018", "bengio2004")
class BayesSearchCV(BaseSearchCV):
    """Search the hyperparameters of an estimator by Bayesian optimisation of its cross-validated score.

    Used like `RandomizedSearchCV`, which it beats where a fit is expensive: each setting is chosen by a Gaussian
    process of the scores so far.

    Parameters
    ----------
    estimator : estimator object
        Of scikit-learn's kind, with `fit`, and `score` unless `scoring` is given. A pipeline's parameters are
        ``step__name``.
    space : dict of str to Real, Integer or Categorical
        Parameters of `estimator` by name.
    n_iter : int, default 50
        The budget: settings to evaluate on all folds, or as many fits as these would take.
    folds : {"one", "all"}, default "one"
        "one": each fit is chosen anew, a setting on one fold. A setting that promises more comes again on its next
        fold; the last fits, a fifth of all, but for one setting at least and two at most, go to the folds that the
        best one lacks, or the one that takes its place where they unmake it. "all": each setting is evaluated on all
        folds.
    scoring : str, callable, list, tuple or dict, optional
        As in scikit-learn, larger being better. Of several, the one that `refit` names is searched for.
    n_jobs : int, optional
        Fits at a time, by joblib. It does not change the result. With ``folds="one"`` there is nothing to share out
        unless `n_parallel` is raised as well.
    refit : bool, str or callable, default True
        Whether to fit the best setting on all rows; the name of the score that counts, where there are several; or a
        function of `cv_results_` that returns the index of the best setting.
    cv : int, splitter or iterable, optional
        As in scikit-learn. It is split once: all settings meet the same folds.
    verbose : int, default 0
    pre_dispatch : int or str, default "2*n_jobs"
    error_score : "raise" or float, default nan
        The score of a fit that raised. With nan the setting has failed: it is not tried again, and a model of what
        succeeds steers away from its surroundings.
    return_train_score : bool, default False
    acquisition : str or callable, default "auto"
        As in `BayesianOptimizer`.
    surrogate : GaussianProcess, optional
        As in `BayesianOptimizer`.
    n_initial : int or "auto", default "auto"
        As in `BayesianOptimizer`; with ``folds="one"`` it counts fits.
    n_parallel : int, default 1
        Settings that are chosen before any of them is evaluated: set it to `n_jobs` with ``folds="one"``, to `n_jobs`
        over the number of folds with "all". More of them know less.
    storage : str or path, optional
        File of the log: one line of JSON per evaluation, on the disk before the next. Where it holds an interrupted
        search of the same kind on the same data, `fit` goes on with it; a larger `n_iter` prolongs a search. Functions
        in `scoring` and `estimator` are told from others by their code, not by that of functions which they call.
    random_state : None, int, Generator or RandomState, default None
        Of the search. Give the splitter and the estimator their own.

    Attributes
    ----------
    best_params_ : dict
        The evaluated setting with the best posterior mean, not that of the luckiest mean score; with ``folds="one"``
        among those that were evaluated on all folds. Fits that fail may leave none of these; then among all settings
        whose fits worked.
    best_score_ : float
        Mean of the scores of `best_params_` over the folds that it was evaluated on; all of them, unless fits failed.
    best_index_ : int
        Its row in `cv_results_`.
    best_estimator_ : estimator
        Fitted on all rows, with `refit`.
    cv_results_ : dict of str to ndarray
        As in scikit-learn, with "posterior_mean_test_score" and "posterior_std_test_score" by the model and
        "n_evaluated_splits". Scores of folds that were not evaluated are NaN, and means are over the others.
    optimizer_ : BayesianOptimizer
        What chose the settings, with `trials_`, `diagnostics` and `plot`. It takes no more results.
    n_splits_, scorer_, refit_time_, multimetric_, classes_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    InputError
        From `fit`, for parameters that are not what they may be, names in `space` that are none of the estimator's, and
        where all fits failed, or the fit on all rows did.
    LogError
        Where the log is of another search, in use, or cannot be written.

    Warns
    -----
    FitFailedWarning
        Once, where settings failed.
    UserWarning
        Where a finite space is exhausted before `n_iter`, and where a score is worse than all others by more than 1,000
        times their range, which hides them from the model.

    See Also
    --------
    BayesianOptimizer : the same search for evaluations that are no cross-validation.

    Notes
    -----
    Under ``folds="one"`` fits are replicated noisy evaluations: the model learns their noise, and how much easier each
    fold is than the others is estimated beside it and subtracted. Under "all" the noise of a mean comes from the folds:
    the interaction of settings and folds, which is the variance of scores without the means of their setting and of
    their fold, by the median of the settings, over the number of folds. How hard a fold is for all settings alike is no
    noise in a comparison. Folds share training rows, so that no function of a setting's scores is an unbiased estimate
    of the variance of their mean [2]_. A `surrogate` of your own learns noise beside it.

    "one" finds more with the same number of fits. On a table of an SVM on digits (1452 settings, 6 folds), the settings
    found missed the best one by, in points of accuracy on average over 10 seeds, .08 and .04 with `n_iter` 10 and 20;
    "all" by 1.83 and .70; random search by 1.43 and 1.20. With 50 there is little left to find: "all" misses by .06,
    random search by .79. "one" makes a choice for each fit, some .05 s of work: use "all" where fits take less, or
    where `cv_results_` must be complete.

    **Guarantee.** None of finding the optimum. `best_score_` is the score that the search chose, on the rows that it
    chose with: it is too good on average. Nested cross-validation, `cross_val_score` of this estimator, judges the
    result on rows that no choice has seen.

    References
    ----------
    .. [1] P. Frazier (2018). A tutorial on Bayesian optimization. arXiv:1807.02811.
    .. [2] Y. Bengio, Y. Grandvalet (2004). No unbiased estimator of the variance of K-fold cross-validation. Journal of
       Machine Learning Research 5, 1089-1105.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from bayes import BayesSearchCV, Real
    >>> X, y = load_iris(return_X_y=True)
    >>> space = {"C": Real(1e-3, 1e3, log=True), "gamma": Real(1e-4, 10, log=True)}
    >>> search = BayesSearchCV(SVC(), space, n_iter=8, cv=3, random_state=0).fit(X, y)
    >>> bool(search.best_score_ > .95)
    True
    >>> search.predict(X[:2])
    array([0, 0])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSearchCV._parameter_constraints,
        "n_iter": [Range(numbers.Integral, 1, None, closed="left")],
        "folds": [StrOptions({"all", "one"})],
        "n_parallel": [Range(numbers.Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimator,
        space,
        *,
        n_iter=50,
        folds="one",
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        error_score=np.nan,
        return_train_score=False,
        acquisition="auto",
        surrogate=None,
        n_initial="auto",
        n_parallel=1,
        storage=None,
        random_state=None,
    ):
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.space = space
        self.n_iter = n_iter
        self.folds = folds
        self.acquisition = acquisition
        self.surrogate = surrogate
        self.n_initial = n_initial
        self.n_parallel = n_parallel
        self.storage = storage
        self.random_state = random_state

    def fit(self, X, y=None, **params):
        """Search, then fit the best setting on all rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        **params : dict
            For the estimator's `fit`, the scorer and the splitter (`groups`), as in scikit-learn; what has one entry
            per row is split with the rows.

        Returns
        -------
        self
        """
        validate_params(self)
        self._check_space()
        self._metric()
        try:
            self._get_scorers()
        except ValueError as error:
            raise InputError(f"{OWNER}: scoring must be one that scikit-learn knows, or several; {error}") from None
        try:
            indexable(X, y)
        except (TypeError, ValueError) as error:
            raise InputError(f"{OWNER}.fit: X and y must be arrays with a row per sample: {error}") from None
        if y is not None and not _is_finite(y):
            raise InputError(f"{OWNER}.fit: y must hold no NaN or infinite values; got some. Leave out such rows.")
        if isinstance(self.cv, np.ndarray) and self.cv.ndim == 0:
            raise InputError(f"{OWNER}: cv must be a number of folds, a splitter or pairs of rows; got {self.cv!r}.")
        before = dict(self.__dict__)
        self._fit_params = params
        try:
            super().fit(X, y, **params)
        except BaseException as error:
            best, known = self.__dict__.get("best_params_"), before.get("best_params_")
            self.__dict__.clear()
            self.__dict__.update(before)
            refitted = best is not known and isinstance(error, Exception) and not isinstance(error, UQError)
            if refitted and self.error_score != "raise":
                said = next(iter(str(error).splitlines()), type(error).__name__)
                raise InputError(
                    f"{OWNER}.fit: estimator must fit all rows with the best setting, {best!r:.200}; got {said:.300} "
                    "Mend the rows, or search with refit=False."
                ) from error
            raise
        finally:
            search = self.__dict__.pop("_search", None)
            self.__dict__.pop("_fit_params", None)
            if search is not None:
                search.log.close()
        return self

    def best_interval(self, confidence_level=0.9) -> Interval:
        """Return an interval for another score at `best_params_`.

        Parameters
        ----------
        confidence_level : float, default .9
            In (0, 1).

        Returns
        -------
        Interval
            For the mean over folds; with ``folds="one"`` for the score of one fold.

        Raises
        ------
        InputError
            For a level outside of (0, 1).

        Warns
        -----
        InfiniteBoundWarning
            Where fewer values than the level needs were found, 9 for 90 %: the interval is infinite.

        Notes
        -----
        **Guarantee.** None; see `BayesianOptimizer.best_interval`. It speaks of scores by this cross-validation, among
        those that the search chose, and not of rows that are new.
        """
        check_is_fitted(self)
        return self.optimizer_.best_interval(confidence_level)

    # ---- what the base class calls

    def _check_input_parameters(self, X, y, split_params):
        """Open the search; all that can be refused is refused before the first fit."""
        cv = self._checked_cv_orig
        try:
            splits = [(np.asarray(a), np.asarray(b)) for a, b in cv.split(X, y, **split_params)]
        except (TypeError, ValueError) as error:
            raise InputError(f"{OWNER}: cv must be able to split the rows; {error}") from None
        if not splits:
            raise InputError(f"{OWNER}: cv must give one split or more; got none.")
        for rows in itertools.chain(*splits):
            _check_fold(rows, _num_samples(X))
        settings = self._optimizer(self.random_state).begin(1)._campaign.settings
        opening = {name: value for name, value in settings.event().items() if name not in ("event", "format")}
        opening |= {"folds": self.folds, "n_parallel": self.n_parallel}
        if self.storage is not None:
            again = [(np.asarray(a), np.asarray(b)) for a, b in cv.split(X, y, **split_params)]
            if fingerprint(splits, "cv") != fingerprint(again, "cv"):
                raise InputError(f"{OWNER}: cv must split the same each time with storage; give it a random_state.")
            opening |= {
                "estimator": fingerprint(self.estimator, "estimator"),
                "scoring": fingerprint(self.scoring, "scoring"),
                "splits": fingerprint(splits, "cv"),
                "data": fingerprint((X, y, self._fit_params), "X"),
                "error_score": str(self.error_score),
                "return_train_score": bool(self.return_train_score),
            }
        log = SearchLog(self.storage, opening, seeded=self.random_state is not None)
        optimizer = self._optimizer(log.seed).begin(len(splits) if self.folds == "one" else 1)
        self._search = Search(optimizer, splits, log, int(self.n_parallel), self.error_score, self._metric())

    def _run_search(self, evaluate_candidates):
        search = self._search
        n_splits = len(search.cv.splits)

        def fit(settings, cv, n):
            self.n_splits_ = n
            evaluate_candidates(settings, cv=cv)

        try:
            search.run(self.n_iter, fit)
        finally:
            self.n_splits_ = n_splits
        if not search.latest:
            # all of it was in the log; the base class reads the kind of scores from a fit of its own
            search.fit_once(fit)
            self.n_splits_ = n_splits
        self._finish(search)

    def _format_results(self, candidate_params, n_splits, out, more_results=None):
        # called after each evaluation; the table is filled in once, in the end
        self._search.latest = out
        return self._search.table

    def _finish(self, search):
        """Fill in the table, and say once what failed."""
        fits, n_splits = search.fits, len(search.cv.splits)
        best = search.optimizer.best_params_
        objective = search.optimizer._models(search.campaign).objective
        rows = np.array([search.campaign.settings.space.encode(params) for params in fits.params])
        mean, std = objective.predict(rows, return_std=True)
        more = {
            "posterior_mean_test_score": mean,
            "posterior_std_test_score": std,
            "n_evaluated_splits": fits.n_evaluated(),
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of means that are NaN
            results = super()._format_results(fits.params, n_splits, fits.flat(), more)
        if self.folds == "one":
            average_what_is_there(results, fits)
        search.table |= results
        # the model's best, unless none of its fits worked: a score of the caller's stands for them
        broken, search.best = search.broken(), fits.place(best)
        if search.best in broken:
            whole = more["n_evaluated_splits"]
            search.best = max(set(range(len(rows))) - broken, key=lambda i: (whole[i] == n_splits, mean[i]))
        search.optimizer.end()
        self.optimizer_ = search.optimizer
        failed = broken | {i for i, row in enumerate(fits.outcomes) if any(o and o["fit_error"] for o in row)}
        if failed:
            warnings.warn(
                f"{OWNER}: estimator failed, or had no finite score, with {len(failed)} of {len(fits.params)} "
                f"settings, the last time with {search.failure:.300}. Narrow the space, or see error_score='raise'.",
                FitFailedWarning,
                stacklevel=4,
            )

    def _select_best_index(self, refit, refit_metric, results):
        if callable(refit):
            return super()._select_best_index(refit, refit_metric, results)
        return self._search.best

    # ---- parameters

    def _optimizer(self, random_state):
        return FoldOptimizer(
            self.space,
            acquisition=self.acquisition,
            surrogate=self.surrogate,
            n_initial=self.n_initial,
            random_state=random_state,
        )

    def _check_space(self):
        if isinstance(self.estimator, type):
            raise InputError(
                f"{OWNER}: estimator must be an object, {self.estimator.__name__}(); got the class itself."
            )
        names = check_space(self.space, OWNER).names
        try:
            self._optimizer(self.random_state).begin(1)
        except InputError as error:
            raise InputError(str(error).replace("BayesianOptimizer", OWNER)) from None
        known = self.estimator.get_params(deep=True) if hasattr(self.estimator, "get_params") else {}
        if unknown := [name for name in names if name not in known]:
            raise InputError(
                f"{OWNER}: names in space must be parameters of estimator, {', '.join(known):.300}; got "
                f"{unknown!r:.100}. Parameters of a pipeline's step are 'step__name'."
            )

    def _metric(self):
        """Return the name of the score that is searched for, None where there is only one."""
        names = list(self.scoring) if isinstance(self.scoring, (list, tuple, dict)) else None
        if names is not None and self.refit not in names:
            raise InputError(
                f"{OWNER}: refit must name the score to search for, one of {names!r:.200}, where scoring has several; "
                f"got {self.refit!r:.100}."
            )
        return self.refit if isinstance(self.refit, str) else None

    def __getstate__(self):
        # base classes hand the estimator to workers while the search is open
        return {name: value for name, value in super().__getstate__().items() if name != "_search"}


def _is_finite(y):
    """Tell whether y holds neither NaN nor infinite numbers."""
    try:
        y = np.asarray(y)
    except (TypeError, ValueError):
        return True
    return y.dtype.kind != "f" or bool(np.isfinite(y).all())


def _check_fold(rows, n):
    """Raise unless these are some of n rows, by number or by mask."""
    mask = rows.dtype == bool and rows.shape == (n,) and rows.any()
    if not mask and not (
        rows.dtype.kind in "iu" and rows.ndim == 1 and rows.size and -n <= rows.min() <= rows.max() < n
    ):
        raise InputError(
            f"{OWNER}: cv must give pairs of the rows to train and to test on, some of 0 to {n - 1} each; got an array "
            f"of {rows.dtype} and shape {rows.shape}."
        )
