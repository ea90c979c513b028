"""KnowledgeProbe: scikit-learn's own checks, LogisticRegression, copied rows for counts, more features than rows."""

import numpy as np
import pandas as pd
import pytest
from scipy import special
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold
from sklearn.utils.estimator_checks import parametrize_with_checks

from calibration import KnowledgeProbe
from uq import WrappedModel
from uq.exceptions import InputError


# the only check left out asks for an environment variable of SciPy
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([KnowledgeProbe(), KnowledgeProbe(alpha=1.0)])
def test_scikit_learns_checks(estimator, check):
    if "array_api" in str(check):
        return
    check(estimator)


def data(n=150, d=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * rng.uniform(0.1, 10, d) + 3
    eta = 0.3 * (X[:, 0] - 3) / X[:, 0].std() + 0.5
    return X, rng.binomial(9, special.expit(eta)), (rng.random(n) < special.expit(eta)).astype(int)


@pytest.mark.parametrize("d", [1, 12, 150, 400])
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 300.0])
def test_against_logistic_regression(d, alpha):
    X, _, y = data(d=d)
    Z = (X - X.mean(0)) / X.std(0)
    theirs = LogisticRegression(C=1 / (2 * alpha), solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(Z, y)
    ours = KnowledgeProbe(alpha=alpha).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(Z), atol=2e-7)
    np.testing.assert_allclose(ours.coef_ * X.std(0), theirs.coef_, atol=2e-6)


def gradient(probe, X, c, m):
    """Return the gradient of the objective in standardised weights and the intercept."""
    mean = m @ X / m.sum()
    scale = np.sqrt(m @ (X - mean) ** 2 / m.sum())
    residual = m * probe.predict_proba(X)[:, 1] - c
    return (residual @ (X - mean)) / scale + 2 * probe.alpha_ * probe.coef_[0] * scale, residual.sum()


@pytest.mark.parametrize("d", [12, 200])
def test_the_objective_is_at_its_minimum(d):
    X, c, _ = data(d=d)
    weights = np.random.default_rng(0).uniform(0, 2, 150)
    probe = KnowledgeProbe(alpha=0.7).fit(X, c, n_trials=9, sample_weight=weights)
    slopes, level = gradient(probe, X, c * weights, 9 * weights)
    assert np.abs(slopes).max() < 1e-4
    assert abs(level) < 1e-4


def test_counts_are_copied_rows():
    X, c, _ = data()
    trials = np.random.default_rng(1).integers(9, 12, 150)
    ours = KnowledgeProbe(alpha=2.0).fit(X, c, n_trials=trials)
    rows = np.repeat(np.arange(150), trials)
    y = np.concatenate([np.repeat([1, 0], [k, m - k]) for k, m in zip(c, trials, strict=True)])
    copied = KnowledgeProbe(alpha=2.0).fit(X[rows], y)
    np.testing.assert_allclose(ours.predict_proba(X), copied.predict_proba(X), atol=1e-8)
    assert ours.classes_.tolist() == [0, 1]


def test_weights_are_copied_rows_and_a_zero_is_no_row():
    X, c, _ = data()
    weights = np.random.default_rng(1).integers(0, 3, 150)
    ours = KnowledgeProbe(alpha=2.0).fit(X, c, n_trials=9, sample_weight=weights)
    rows = np.repeat(np.arange(150), weights)
    copied = KnowledgeProbe(alpha=2.0).fit(X[rows], c[rows], n_trials=9)
    np.testing.assert_allclose(ours.predict_proba(X), copied.predict_proba(X), atol=1e-8)


def test_huge_weights_on_features_that_repeat_each_other():
    """The penalty is less than the rounding of the Gram matrix, which is singular without it."""
    X, c, _ = data()
    X = np.column_stack([X[:, 0], X[:, 0], X[:, 0] + X[:, 1], X[:, 1]])
    least = KnowledgeProbe(alpha=1e-9).fit(X, c, n_trials=9)
    huge = KnowledgeProbe(alpha=1e-9).fit(X, c, n_trials=9, sample_weight=np.full(150, 2**63 - 1))
    np.testing.assert_allclose(huge.predict_proba(X), least.predict_proba(X), atol=1e-6)


def test_alpha_by_hand():
    X, c, _ = data()
    grid = [0.1, 10.0, 1000.0]
    probe = KnowledgeProbe(alpha=grid, cv=KFold(3)).fit(X, c, n_trials=9)
    Z = (X - X.mean(0)) / X.std(0)
    for alpha in grid:
        loss = 0.0
        for train, test in KFold(3).split(Z):
            rows = np.repeat(train, 9)
            y = np.concatenate([np.repeat([1, 0], [k, 9 - k]) for k in c[train]])
            # the features are standardised once, on all rows
            theirs = LogisticRegression(C=1 / (2 * alpha), solver="newton-cholesky", tol=1e-12).fit(Z[rows], y)
            q = theirs.predict_proba(Z[test])
            loss -= (c[test] * np.log(q[:, 1]) + (9 - c[test]) * np.log(q[:, 0])).sum()
        assert probe.cv_log_loss_[alpha] == pytest.approx(loss / (9 * 150), abs=1e-5)
    assert probe.alpha_ == min(grid, key=probe.cv_log_loss_.get)


def test_auto_finds_a_penalty_that_predicts_as_well_as_the_best():
    X, c, _ = data(400, 60)
    probe = KnowledgeProbe(random_state=0).fit(X[:300], c[:300], n_trials=9)

    def loss(p):
        q = p.predict_proba(X[300:])
        return -(c[300:] * np.log(q[:, 1]) + (9 - c[300:]) * np.log(q[:, 0])).mean()

    best = min(loss(KnowledgeProbe(alpha=a).fit(X[:300], c[:300], n_trials=9)) for a in 10.0 ** np.arange(-4, 5))
    assert loss(probe) < best + 0.01
    again = KnowledgeProbe(random_state=0).fit(X[:300], c[:300], n_trials=9)
    assert again.alpha_ == probe.alpha_
    assert np.array_equal(again.coef_, probe.coef_)


def test_clusters_stay_whole_in_the_folds():
    X, c, _ = data(60)
    groups = np.arange(60) // 6
    by_groups = KnowledgeProbe(alpha=[1.0, 10.0], cv=GroupKFold(5)).fit(X, c, n_trials=9, groups=groups)
    assert len(by_groups.cv_log_loss_) == 2
    KnowledgeProbe(cv=3).fit(X, c, n_trials=9, groups=groups)


def test_labels_frames_and_constant_features():
    X, _, y = data()
    frame = pd.DataFrame(X, columns=[f"f{j}" for j in range(12)]).assign(constant=7.3)
    probe = KnowledgeProbe(alpha=1.0).fit(frame, np.array(["no", "yes"])[y])
    assert probe.classes_.tolist() == ["no", "yes"]
    assert probe.coef_[0, -1] == 0
    expected = KnowledgeProbe(alpha=1.0).fit(X, y)
    np.testing.assert_allclose(probe.predict_proba(frame), expected.predict_proba(X), atol=1e-9)
    assert set(probe.predict(frame)) <= {"no", "yes"}
    only = KnowledgeProbe(alpha=1.0).fit(np.ones((150, 200)), y)
    np.testing.assert_allclose(only.predict_proba(np.ones((1, 200)))[0, 1], y.mean())


def test_separable_rows_have_an_answer():
    X = np.r_[np.full(20, -1.0), np.full(20, 1.0)][:, None]
    probe = KnowledgeProbe(alpha=1e-4).fit(X, np.repeat([0, 1], 20))
    assert probe.score(X, np.repeat([0, 1], 20)) == 1
    assert np.isfinite(probe.coef_).all()


def test_in_a_wrapped_model():
    X, _, y = data()
    wrapped = WrappedModel(KnowledgeProbe(alpha=1.0).fit(X, y), KnowledgeProbe(alpha=1.0), method="decision_function")
    assert wrapped.model is not None


@pytest.mark.parametrize(
    ("parameters", "fit", "message"),
    [
        ({"alpha": 0}, {}, "alpha"),
        ({"alpha": -1.0}, {}, "alpha"),
        ({"alpha": "best"}, {}, "alpha"),
        ({"alpha": [1.0, -1.0]}, {}, "alpha must be positive"),
        ({"alpha": [np.nan]}, {}, "alpha"),
        ({"cv": 1}, {}, "cv"),
        ({"random_state": -1}, {}, "random_state"),
        ({}, {"y": [0, 0, 0, 0]}, "class"),
        ({}, {"y": [0, 1, 2, 3]}, "Only binary"),
        ({}, {"y": [4, 4, 4, 4], "n_trials": 4}, "got only right ones"),
        ({}, {"y": [0, 0, 0, 0], "n_trials": 4}, "got only wrong ones"),
        ({}, {"y": [0, 5, 0, 0], "n_trials": 4}, "got 5 of 4 in row 1"),
        ({}, {"y": [0, -1, 0, 0], "n_trials": 4}, "between 0 and n_trials"),
        ({}, {"n_trials": 0}, "at least 1"),
        ({}, {"n_trials": 1.5}, "whole numbers"),
        ({}, {"n_trials": [1, 2]}, "one per row"),
        ({}, {"n_trials": "a"}, "n_trials"),
        ({}, {"sample_weight": [0, 0, 0, 0]}, "zero"),
        ({}, {"sample_weight": [1, 0, 1, 0]}, "positive weight"),
        ({}, {"groups": [1, 1, 1, 1]}, "groups"),
        ({"cv": [([0, 2], [1, 3])]}, {}, "each training fold"),
    ],
)
def test_bad_input(parameters, fit, message):
    rows = {"X": [[1.0], [2.0], [3.0], [4.0]], "y": [0, 1, 0, 1], **fit}
    estimator = KnowledgeProbe(**parameters)
    with pytest.raises(InputError, match=message):
        estimator.fit(**rows)
    assert set(vars(estimator)) == {"alpha", "cv", "random_state"}


def test_integers_beyond_the_floats_are_refused():
    X = np.arange(12.0).reshape(6, 2)
    probe = KnowledgeProbe(alpha=1.0).fit(X, [0, 1, 0, 1, 0, 1])
    huge = np.full((6, 2), 10**400, dtype=object)
    for ask in (lambda: probe.predict_proba(huge), lambda: probe.fit(huge, [0, 1, 0, 1, 0, 1])):
        with pytest.raises(InputError, match="X must not exceed"):
            ask()
