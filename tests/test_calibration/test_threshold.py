"""ThresholdCalibration: every cut tried by brute force, plateaus, the honest metric, folds, and the contract."""

import numpy as np
import pytest
from contracts import OutputEstimatorContract
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from sklearn.model_selection import GroupKFold, KFold

from calibration import ThresholdCalibration
from calibration._folds import make_folds
from uq.exceptions import InputError

PEERS = {
    "f1": lambda y, d, w=None: f1_score(y, d, sample_weight=w, zero_division=0),
    "accuracy": lambda y, d, w=None: accuracy_score(y, d, sample_weight=w),
    "balanced_accuracy": lambda y, d, w=None: balanced_accuracy_score(y, d, sample_weight=w),
}


def data(n=80, seed=0, levels=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    y[:2] = 0, 1
    scores = y + rng.normal(0, 1, n)
    return (np.round(scores * levels) / levels if levels else scores), y.astype(float)


class TestContract(OutputEstimatorContract):
    @pytest.fixture
    def estimator(self):
        return ThresholdCalibration(random_state=0)

    @pytest.fixture
    def data(self):
        rng = np.random.default_rng(5)
        scores = np.round(rng.normal(size=60) * 16) / 16
        return scores, (scores + 2 * rng.normal(size=60) > 0).astype(float), np.arange(-48, 48) / 32


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(PEERS)), st.sampled_from([0, 1, 3]), st.booleans())
def test_no_cut_is_better(seed, metric, levels, weighted):
    scores, y = data(25, seed, levels)
    weights = np.random.default_rng(seed).integers(1, 4, 25) if weighted else None
    fitted = ThresholdCalibration(metric, cv=None).fit(scores, y, weights)
    values = [PEERS[metric](y, scores >= cut, weights) for cut in [*np.unique(scores), np.inf]]
    assert fitted.train_score_ == pytest.approx(max(values), abs=1e-12)
    assert PEERS[metric](y, fitted.predict(scores), weights) == pytest.approx(max(values), abs=1e-12)
    low, high = fitted.plateau_
    inside = [cut for cut in np.unique(scores) if low < cut <= high]
    assert all(PEERS[metric](y, scores >= cut, weights) == pytest.approx(max(values), abs=1e-12) for cut in inside)
    assert fitted.cv_score_ is None
    assert fitted.optimism_ is None


@pytest.mark.slow
@pytest.mark.parametrize("metric", PEERS)
def test_a_callable_gives_what_the_name_gives(metric):
    scores, y = data()
    for weights in (None, np.arange(1.0, 81)):
        call = PEERS[metric] if weights is None else lambda y, d, sample_weight: PEERS[metric](y, d, sample_weight)
        named, called = (ThresholdCalibration(m, random_state=3).fit(scores, y, weights) for m in (metric, call))
        assert called.threshold_ == named.threshold_
        assert called.train_score_ == pytest.approx(named.train_score_)
        assert called.cv_score_ == pytest.approx(named.cv_score_)


def test_middle_of_the_plateau():
    fitted = ThresholdCalibration("accuracy", cv=None).fit([0.1, 0.2, 0.6, 0.8], [0, 0, 1, 1])
    assert fitted.plateau_ == (0.2, 0.6)
    assert fitted.threshold_ == pytest.approx(0.4)
    close = 1 + np.finfo(float).eps
    fitted = ThresholdCalibration("accuracy", cv=None).fit([1.0, close], [0, 1])
    assert fitted.predict([1.0, close]).tolist() == [0, 1]


def test_a_useless_score_decides_all_alike():
    fitted = ThresholdCalibration("f1", cv=None).fit([1.0, 1.0, 1.0], [0, 1, 1])
    assert fitted.threshold_ == -np.inf
    assert fitted.predict([-9.0, 9.0]).tolist() == [1, 1]


def test_a_grid_misses_what_the_sweep_finds():
    scores, y = [0.661, 0.662, 0.663, 0.668], [0, 0, 1, 1]
    assert ThresholdCalibration("f1", cv=None).fit(scores, y).train_score_ == 1.0
    assert max(f1_score(y, np.array(scores) >= k / 100, zero_division=0) for k in range(101)) < 1


def test_honest_metric_by_hand():
    scores, y = data(60)
    cv = KFold(4)
    fitted = ThresholdCalibration("f1", cv=cv).fit(scores, y)
    decided = np.empty(60)
    for train, test in cv.split(scores):
        decided[test] = ThresholdCalibration("f1", cv=None).fit(scores[train], y[train]).predict(scores[test])
    assert fitted.cv_score_ == pytest.approx(f1_score(y, decided))
    assert fitted.optimism_ == pytest.approx(fitted.train_score_ - fitted.cv_score_)


def test_noise_is_optimistic_in_sample_and_honest_out_of_it():
    gap, honest = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y = rng.permutation(np.repeat([0.0, 1.0], 20))
        fitted = ThresholdCalibration("balanced_accuracy", random_state=seed).fit(rng.normal(size=40), y)
        gap.append(fitted.optimism_)
        honest.append(fitted.cv_score_)
    error = np.std(honest) / np.sqrt(60)
    assert abs(np.mean(honest) - 0.5) < 4 * error + 0.01
    assert np.mean(gap) > 0.08


def test_clusters_stay_whole():
    _, y = data(40)
    groups = np.arange(40) // 5
    for cv in (3, GroupKFold(4)):
        for train, test in make_folds(cv, y, groups, np.random.default_rng(0), "f"):
            assert not set(groups[train]) & set(groups[test])
    ThresholdCalibration().fit(np.arange(40.0), y, groups=groups)


def test_folds_spread_the_classes_and_never_outnumber_the_rows():
    y = np.r_[np.zeros(30), np.ones(10)]
    folds = make_folds(5, y, None, np.random.default_rng(0), "f")
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(40))
    assert {int(y[test].sum()) for _, test in folds} == {2}
    assert len(make_folds(5, y[:3], None, np.random.default_rng(0), "f")) == 3
    ThresholdCalibration(random_state=0).fit([0.0, 1.0], [0, 1])


@pytest.mark.parametrize(
    ("parameters", "fit", "message"),
    [
        ({"metric": "recall"}, {}, "metric"),
        ({"metric": 3}, {}, "metric"),
        ({"cv": 1}, {}, "cv"),
        ({"cv": [([0, 1], [])]}, {}, "cv"),
        ({"cv": [([0, 99], [1])]}, {}, "cv"),
        ({"cv": KFold(9)}, {}, "cv cannot split"),
        ({"random_state": "a"}, {}, "random_state"),
        ({}, {"y": [1, 1, 1, 1]}, "both 0 and 1"),
        ({}, {"y": [0, 1, 2, 1]}, "only 0 and 1"),
        ({}, {"y": [0, 1, 1]}, "as many rows"),
        ({}, {"scores": [1, 2, 3, np.nan]}, "finite"),
        ({}, {"sample_weight": [1, 0, 1, 0]}, "positive weight"),
        ({}, {"groups": [1, 1, 1, 1]}, "groups"),
        ({"metric": lambda y, d: np.nan}, {}, "one finite number"),
        ({"metric": lambda y, d: [1.0, 2.0]}, {}, "one finite number"),
    ],
)  # fmt: skip
def test_bad_input(parameters, fit, message):
    rows = {"scores": [1.0, 2.0, 3.0, 4.0], "y": [0, 1, 0, 1], **fit}
    estimator = ThresholdCalibration(**parameters)
    with pytest.raises(InputError, match=message):
        estimator.fit(**rows)
    assert not hasattr(estimator, "threshold_")
