"""Results of fits as scikit-learn tabulates them, and as a log holds them."""

import math
import warnings
from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata

from uq._base.exceptions import InputError

from ._search_folds import setting_key

__all__ = ["Fits", "average_what_is_there", "outcome_from_log", "outcome_to_log", "score_of"]


class Fits:
    """Outcomes of fits, by setting and fold; settings in the order in which they were first tried."""

    def __init__(self, n_splits):
        self.n_splits = n_splits
        self.params: list[dict] = []
        self.outcomes: list[list[dict | None]] = []
        self._places: dict[tuple, int] = {}

    def place(self, params):
        """Return the number of a setting, new or known."""
        key = setting_key(params)
        if key not in self._places:
            self._places[key] = len(self.params)
            self.params.append(dict(params))
            self.outcomes.append([None] * self.n_splits)
        return self._places[key]

    def add(self, params, fold, outcome):
        """Keep one outcome."""
        self.outcomes[self.place(params)][fold] = outcome

    def flat(self):
        """Return the outcomes of all settings on all folds; those that are missing score NaN after no time."""
        some = next(o for row in self.outcomes for o in row if o is not None and o["fit_error"] is None)
        none = {name: _nothing(value) for name, value in some.items()} | {"fit_error": None}
        return [_shaped(outcome, none) for row in self.outcomes for outcome in row]

    def n_evaluated(self):
        """Return how many folds each setting was tried on."""
        return [sum(outcome is not None for outcome in row) for row in self.outcomes]


def _shaped(outcome, none):
    """Return an outcome with all entries; one error score stands for each of several scores."""
    made = {**none, **(outcome or {})}
    for name in ("test_scores", "train_scores"):
        if isinstance(none.get(name), Mapping) and not isinstance(made[name], Mapping):
            made[name] = dict.fromkeys(none[name], made[name])
    return made


def _nothing(value):
    if isinstance(value, Mapping):
        return dict.fromkeys(value, math.nan)
    return 0 if isinstance(value, int) else math.nan


def average_what_is_there(results, fits):
    """Take means, standard deviations and ranks of a table over the folds that were evaluated."""
    columns = {
        name: np.array([[math.nan if o is None else o.get(name, math.nan) for o in row] for row in fits.outcomes])
        for name in ("fit_time", "score_time")
    }
    for name in [key.removeprefix("split0_") for key in results if key.startswith("split0_")]:
        columns[name] = np.stack([results[f"split{k}_{name}"] for k in range(fits.n_splits)], axis=1)
    for name, values in columns.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of settings that failed: NaN
            mean, std = np.nanmean(values, axis=1), np.nanstd(values, axis=1)
        results[f"mean_{name}"], results[f"std_{name}"] = mean, std
        if f"rank_{name}" in results:
            worst = np.nanmin(mean) - 1  # what failed is tied with the worst
            results[f"rank_{name}"] = rankdata(-np.nan_to_num(mean, nan=worst), method="min").astype(np.int32)


def score_of(outcome, metric):
    """Return the score that is searched for: the only one, or that of a name."""
    scores = outcome["test_scores"]
    if not isinstance(scores, Mapping):
        return float(scores)
    if metric not in scores:
        raise InputError(
            f"BayesSearchCV: refit must name the score to search for, one of {list(scores)!r:.200}, where scoring "
            f"returns several; got {metric!r:.100}."
        )
    return float(scores[metric])


def outcome_to_log(outcome):
    """Return an outcome that JSON can hold; numbers that are not finite become words."""
    kept: dict = {}
    for name, value in outcome.items():
        if isinstance(value, Mapping):
            kept[name] = {scorer: _write(score) for scorer, score in value.items()}
        else:
            kept[name] = value if value is None or isinstance(value, str) else _write(value)
    return kept


def outcome_from_log(kept):
    """Return the outcome again."""
    return {
        name: {scorer: _read(score) for scorer, score in value.items()}
        if isinstance(value, dict)
        else value
        if name == "fit_error"
        else _read(value)
        for name, value in kept.items()
    }


def _write(number):
    if isinstance(number, (int, np.integer)):
        return int(number)
    return float(number) if math.isfinite(number) else str(float(number))


def _read(number):
    return float(number) if isinstance(number, str) else number
