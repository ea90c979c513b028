"""The law of a batch against SciPy and the naive dynamic program; one score's bound against MAPIE and crepes."""

import time

import numpy as np
from crepes import ConformalRegressor
from harness import Row, compare
from mapie.regression import SplitConformalRegressor
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from conformal import BatchPredictor, RankLaw
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


def rows():
    return [*law_rows(), *program_rows(), *split_rows(), *fit_row()]
