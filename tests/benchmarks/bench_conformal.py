"""The law of a batch against SciPy and the naive dynamic program; one score's bound against MAPIE and crepes."""

import time

import numpy as np
from crepes import ConformalClassifier, ConformalRegressor
from harness import Row, compare
from mapie.classification import SplitConformalClassifier
from mapie.regression import SplitConformalRegressor
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from conformal import BatchPredictor, RankLaw, SplitConformal
from conformal._dynamic import best_sum


def _fresh():
    """Forget the laws that earlier turns left behind."""
    from conformal import _order_law, _sum_law

    _order_law.tails.cache_clear()
    _sum_law._law.cache_clear()


def naive_mean_program(scores, m, q):
    """Keep the best sum for every rank sum, one score after the other: m times over all ranks, vectorised over sums."""
    best = np.full(q + 1, -np.inf)
    best[0] = 0.0
    for _ in range(m):
        new = np.full(q + 1, -np.inf)
        for r, s in enumerate(scores, start=1):
            np.maximum(new[r:], best[: q + 1 - r] + s, out=new[r:])
        best = new
    return best.max()


def equal(ours, theirs):
    assert abs(ours - theirs) <= 1e-9 * max(1.0, abs(theirs)), (ours, theirs)
    return f"equal, {ours:.6g}"


def program_rows():
    for n, m in ((40, 10), (200, 20), (1000, 100)):
        scores = np.append(np.sort(np.random.default_rng(0).normal(size=n)), 9.0)
        q = RankLaw(n, m).rank_sum_quantile(0.9)
        yield compare(
            f"greatest sum of {m} scores within the rank sum, n = {n}",
            lambda scores=scores, m=m, q=q: best_sum(scores, m, q),
            lambda scores=scores, m=m, q=q: naive_mean_program(scores, m, q),
            "naive dynamic program, vectorised",
            equal,
            turns=1 if n == 1000 else 3,
        )


def law_rows():
    n, m, k = 10**6, 10**5, 9 * 10**4

    def ours():
        _fresh()
        return RankLaw(n, m).order_statistic_rank(k, 0.9)

    yield compare(
        "rank that bounds the 90 % quantile, n = 10^6, m = 10^5",
        ours,
        lambda: _bisected(n, m, k),
        "bisection over scipy.stats.hypergeom.sf",
        equal,
    )
    for n, m in ((1000, 100), (1000, 1000)):
        scores = np.random.default_rng(1).normal(size=n)
        predictor = BatchPredictor("mean", 0.9, "less", support=(-9, 9), method="exact").fit(scores)
        best = np.inf
        for _ in range(5):
            _fresh()
            start = time.process_time()
            predictor.predict_interval(n_test=m)
            best = min(best, time.process_time() - start)
        limit = 0.1 if m == 100 else 0.5
        yield Row(f"exact mean bound, law included, ({n}, {m})", f"goal of {limit} s CPU", best, limit, "", "")


def _bisected(n, m, k):
    low, high = 0, n + 1
    while high - low > 1:
        z = (low + high) // 2
        low, high = (low, z) if stats.hypergeom.sf(k - 1, n + m, m, z + k - 1) >= 0.9 else (z, high)
    return high


class _Outputs(RegressorMixin, BaseEstimator):
    """A model that only hands on its outputs, so that the peers calibrate and do nothing else."""

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        check_is_fitted(self)
        return X[:, 0]


def split_rows():
    for n in (10**3, 10**4, 10**5, 10**6):
        rng = np.random.default_rng(0)
        y_pred = rng.normal(size=n)
        y = y_pred + rng.normal(size=n)
        scores = np.abs(y - y_pred)
        X = y_pred[:, None]

        def ours(scores=scores):
            _fresh()
            predictor = BatchPredictor("max", 0.9, "less").fit(scores)
            return predictor.predict_interval(n_test=1).upper

        def crepes(y_pred=y_pred, y=y):
            low, high = ConformalRegressor().fit(y - y_pred).predict_int(np.zeros(1), confidence=0.9)[0]
            return (high - low) / 2

        def mapie(X=X, y=y):
            model = SplitConformalRegressor(_Outputs().fit(X, y), confidence_level=0.9, prefit=True)
            low, high = model.conformalize(X, y).predict_interval(np.zeros((1, 1)))[1][0, :, 0]
            return (high - low) / 2

        yield compare(f"split conformal, n = {n:,}: fit and one interval", ours, crepes, "crepes", equal)
        yield compare(f"split conformal, n = {n:,}: fit and one interval", ours, mapie, "MAPIE", equal)


def fit_row():
    rng = np.random.default_rng(0)
    y_pred = rng.normal(size=10**6)
    y = y_pred + rng.normal(size=10**6)
    yield compare(
        "fit on 10^6 rows",
        lambda: BatchPredictor("max").fit(y_pred, y).scores_,
        lambda: np.sort(y - y_pred),
        "numpy.sort of the residuals",
        lambda a, b: "equal" if np.array_equal(a, b) else 1 / 0,
        limit="one sort",
        turns=5,
    )


def close(ours, theirs):
    np.testing.assert_allclose(np.column_stack(tuple(ours)), theirs, rtol=1e-9, atol=1e-9)
    return "equal"


def same(ours, theirs):
    differing = np.mean(np.asarray(ours) != np.asarray(theirs))
    return "equal" if differing == 0 else f"{differing:.2g} of them differ"


def row_rows():
    """Intervals and sets row by row: fit at 10^6 calibration rows, predict at 1,000 and 10^6 rows."""
    rng = np.random.default_rng(0)
    y_pred = rng.normal(size=10**6)
    y = y_pred + rng.normal(size=10**6)
    strata = np.arange(10**6) % 10
    ours, theirs = SplitConformal().fit(y_pred, y), ConformalRegressor().fit(y - y_pred)

    def fit():
        return SplitConformal().fit(y_pred, y).scores_

    def sort():
        return np.sort(np.abs(y - y_pred))

    def peer():
        return ConformalRegressor().fit(y - y_pred).alphas[::-1]

    task, limit = "SplitConformal.fit, 10^6 rows", "at least 1/1.8"
    yield compare(task, fit, sort, "numpy.sort of the residuals", same, limit=limit, turns=7)
    yield compare(task, fit, peer, "crepes", same, limit="at least 1", turns=7)
    yield compare(
        "SplitConformal.fit, 10^6 rows in 10 strata",
        lambda: SplitConformal().fit(y_pred, y, strata=strata).scores_[3],
        lambda: ConformalRegressor().fit(y - y_pred, bins=strata).binned_alphas[1][3][::-1],
        "crepes",
        same,
    )
    for n in (10**3, 10**6):
        some, more = y_pred[:n], "within .3 ms" if n == 10**3 else "at least 1"
        yield compare(
            f"SplitConformal.predict_interval, {n:,} rows",
            lambda some=some: ours.predict_interval(some),
            lambda some=some: theirs.predict_int(some, confidence=0.9),
            "crepes",
            close,
            limit=more,
            turns=15,
        )
    by = SplitConformal().fit(y_pred, y, strata=strata), ConformalRegressor().fit(y - y_pred, bins=strata)
    yield compare(
        "SplitConformal.predict_interval, 10^6 rows in 10 strata",
        lambda: by[0].predict_interval(y_pred, strata=strata),
        lambda: by[1].predict_int(y_pred, bins=strata, confidence=0.9),
        "crepes",
        close,
    )


def set_rows():
    """Sets of classes: the same masks as crepes (hinge loss) and MAPIE (lac) give."""
    rng = np.random.default_rng(0)
    for n, k, peers in ((10**3, 10, "crepes MAPIE"), (10**5, 10, "MAPIE")):
        y_prob = rng.dirichlet(np.ones(k), 2 * n)
        y = (y_prob.cumsum(axis=1) < rng.random((2 * n, 1))).sum(axis=1)[:n]
        old, new = y_prob[:n], y_prob[n:]

        def ours(old=old, new=new, y=y):
            return SplitConformal("lac").fit(old, y, classes=range(10)).predict_set(new).mask

        def crepes(old=old, new=new, y=y):
            fitted = ConformalClassifier().fit(1 - old[np.arange(len(y)), y])
            return fitted.predict_set(1 - new, confidence=0.9, smoothing=False).astype(bool)

        def mapie(old=old, new=new, y=y):
            model = SplitConformalClassifier(_Classes().fit(old, y), confidence_level=0.9, conformity_score="lac")
            return model.conformalize(old, y).predict_set(new)[1][:, :, 0]

        for name, peer in (("crepes", crepes), ("MAPIE", mapie)):
            if name in peers:
                yield compare(f"sets of classes (lac), {n:,} rows of {k} classes", ours, peer, name, same)


class _Classes(ClassifierMixin, BaseEstimator):
    """A model that hands on probabilities."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        check_is_fitted(self)
        return X

    def predict(self, X):
        return self.classes_[np.argmax(X, axis=1)]


def rows():
    return [*law_rows(), *program_rows(), *split_rows(), *fit_row(), *row_rows(), *set_rows()]
