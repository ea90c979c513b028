"""One search while it runs: which settings on which folds, looked up in the log or fitted, and told to the model."""

import warnings

import numpy as np
from sklearn.exceptions import FitFailedWarning

from uq._base.exceptions import InputError, SpaceExhaustedError

from ._search_results import Fits, score_of
from ._told import is_usable

__all__ = ["FrozenFolds", "Search"]

_LAST, _SHARE = 2, 0.2  # the last fits go to what the best setting lacks: for two settings, or a part of all fits


class FrozenFolds:
    """Splits that stay as they are: all of them, or one."""

    def __init__(self, splits):
        self.splits, self.only = splits, None

    def split(self, X=None, y=None, **params):
        """Return pairs of training and test rows."""
        return self.splits if self.only is None else [self.splits[self.only]]


class Search:
    """The state of a search; `run` is its loop.

    Parameters
    ----------
    optimizer : FoldOptimizer
        Begun.
    splits : list of pairs of ndarray
    log : SearchLog
    n_parallel : int
        Trials at a time.
    error_score : float or "raise"
    metric : str or None
        The score that counts, where there are several.
    """

    def __init__(self, optimizer, splits, log, n_parallel, error_score, metric):
        self.optimizer, self.campaign, self.log = optimizer, optimizer._campaign, log
        self.cv = FrozenFolds(splits)
        self.n_parallel, self.error_score, self.metric = n_parallel, error_score, metric
        self.fits = Fits(len(splits))
        self.table: dict = {}
        self.latest: list = []
        self.failure = ""
        self.best = 0

    def run(self, n_iter, fit):
        """Evaluate ``n_iter`` settings, or as many fits as these would take, one fold at a time."""
        one = self.campaign.n_folds > 1
        left = n_iter * (len(self.cv.splits) if one else 1)
        last = int(len(self.cv.splits) * min(max(1, _SHARE * n_iter), _LAST))
        while left:
            fits = self._next(left, last) if one else [(trial, None) for trial in self._ask(left)]
            if not fits:
                break
            self._evaluate(fits, fit)
            left -= len(fits)
        if len(self.broken()) == len(self.fits.params):
            raise InputError(
                f"BayesSearchCV: estimator gave no setting of {len(self.fits.params)} a score that is a finite number; "
                f"the last failure: {self.failure:.1000}. Try one setting by hand, or error_score='raise'."
            )
        if left:
            warnings.warn(
                f"BayesSearchCV: the space was exhausted after {len(self.fits.params)} settings: all were evaluated "
                "or failed. Widen the space, or ask for fewer (n_iter).",
                UserWarning,
                stacklevel=5,
            )

    def broken(self):
        """Return the numbers of the settings without a finite score, or without a fit that worked."""
        found = {self.fits.place(self.campaign.records[i].params) for i in self.campaign.which("failed")}
        for i, row in enumerate(self.fits.outcomes):
            if all(outcome["fit_error"] for outcome in row if outcome is not None):
                found.add(i)
        return found

    # ---- what is next

    def _ask(self, left):
        try:
            return self.optimizer.ask_many(min(left, self.n_parallel))
        except SpaceExhaustedError:
            return []

    def _next(self, left, last):
        """Return pairs of a trial (or params) and a fold; the last fits go to folds that the best setting lacks.

        There may be enough of them for a second setting where they unmake the first. Only settings that what is left
        can try on all folds are in question, so that one has been in the end.
        """
        n_folds = self.campaign.n_folds
        best = self.optimizer.best_within(left) if left <= last else None
        if best is not None and (folds := self.campaign.missing(best)):
            return [(best, fold) for fold in folds[: min(left, self.n_parallel)]]
        # what is chosen side by side must leave enough for this
        most = left if best is not None else left - last if left > last else max(left - n_folds + 1, 1)
        pairs = []
        for trial in self._ask(most):
            free = self.campaign.missing(trial.params)
            self.campaign.folds[trial.id] = free[0]
            pairs.append((trial, free[0]))
        return pairs

    # ---- what came

    def _evaluate(self, fits, fit):
        unknown: dict = {}
        found: dict = {}
        for number, (trial, fold) in enumerate(fits):
            outcomes = self.log.recall(_params(trial), fold)
            if outcomes is None:
                unknown.setdefault(fold, []).append(number)
            else:
                found[number] = outcomes
        for fold, numbers in unknown.items():
            settings = [_params(fits[number][0]) for number in numbers]
            rows = self._fit(settings, fold, fit)
            for number, params, outcomes in zip(numbers, settings, rows, strict=True):
                self.log.keep(params, fold, outcomes)
                found[number] = outcomes
        for number, (trial, fold) in enumerate(fits):
            self._tell(trial, fold, found[number])

    def _fit(self, settings, fold, fit):
        """Return the outcomes of each setting, on one fold or on all of them."""
        self.cv.only = fold
        n = len(self.cv.split())
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FitFailedWarning)  # told once, in the end
                fit(settings, self.cv, n)
        except ValueError as error:
            # scikit-learn stops where all fits of one call fail, which here are those of a few settings
            if self.error_score == "raise" or "fits failed" not in str(error):
                raise
            failed = {"fit_error": str(error), "test_scores": self.error_score}
            return [[failed] * n for _ in settings]
        latest = self.latest[-n * len(settings) :]
        return [latest[i : i + n] for i in range(0, len(latest), n)]

    def fit_once(self, fit):
        """Fit a setting that works on one fold, and keep nothing of it."""
        works = (
            (params, fold)
            for params, row in zip(self.fits.params, self.fits.outcomes, strict=True)
            for fold, outcome in enumerate(row)
            if outcome is not None and outcome["fit_error"] is None
        )
        params, self.cv.only = next(works)
        fit([params], self.cv, 1)

    def _tell(self, trial, fold, outcomes):
        params = _params(trial)
        for k, outcome in enumerate(outcomes):
            self.fits.add(params, k if fold is None else fold, outcome)
            if outcome["fit_error"]:
                self.failure = outcome["fit_error"].strip().splitlines()[-1]
        scores = [score_of(outcome, self.metric) for outcome in outcomes]
        with np.errstate(all="ignore"):
            value = float(np.mean(scores))
        number = len(self.campaign.records) if isinstance(trial, dict) else trial.id
        if fold is None:
            self.campaign.scores[number] = scores
        else:
            self.campaign.folds[number] = fold
        if is_usable(value):
            self.optimizer.tell(trial, value)
        else:
            self.failure = self.failure or f"a score of {value}"
            self.optimizer.tell(trial, status="failed")


def _params(trial):
    return trial if isinstance(trial, dict) else trial.params
