"""Isotonic against scikit-learn, histograms by hand, Venn-Abers against two refits per row; folds."""

import numpy as np
import pytest
from contracts.calibrators import as_prob, draw
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit
from sklearn.naive_bayes import GaussianNB

from calibration import (
    BetaCalibration,
    DirichletCalibration,
    HistogramBinning,
    IsotonicCalibration,
    PlattScaling,
    VennAbersCalibration,
    cross_val_calibrate,
)
from uq import WrappedModel
from uq.exceptions import InputError

SMALL = st.integers(1, 25).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 12), min_size=n, max_size=n),
        st.lists(st.integers(0, 1), min_size=n, max_size=n),
        st.none() | st.lists(st.integers(1, 4), min_size=n, max_size=n),
    )
)


def arrays(drawn):
    scores, y, weights = drawn
    return np.array(scores) / 12, np.array(y, dtype=float), None if weights is None else np.array(weights, dtype=float)


# ---- isotonic


@settings(deadline=None, max_examples=50)
@given(SMALL)
def test_isotonic_is_scikit_learns_but_for_the_ends(drawn):
    scores, y, weights = arrays(drawn)
    n = len(y) if weights is None else weights.sum()
    ask = np.linspace(0, 1, 61)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, y, sample_weight=weights)
    ours = IsotonicCalibration().fit(scores, y, weights)
    knots = np.unique(scores)
    # at the scores of fit; in between theirs joins values that are clipped here first
    np.testing.assert_allclose(
        ours.predict_proba(knots), np.clip(theirs.predict(knots), 1 / (n + 2), (n + 1) / (n + 2)), atol=1e-12
    )
    np.testing.assert_allclose(ours.predict_proba(ask), np.interp(ask, knots, ours.predict_proba(knots)), atol=1e-12)


def test_isotonic_of_many_rows_equals_scikit_learn(rng):
    p = rng.random(50_000)
    y = (rng.random(50_000) < p**2).astype(float)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(p, y).predict(p)
    ours = IsotonicCalibration().fit(p, y)
    np.testing.assert_allclose(ours.predict_proba(p), np.clip(theirs, 1 / 50_002, 50_001 / 50_002), atol=1e-12)
    assert ours.n_blocks_ == len(np.unique(ours.predict_proba(p)))


def test_centred_isotonic_parts_what_blocks_tie(rng):
    p = rng.random(500)
    y = (rng.random(500) < p).astype(float)
    plain, centred = IsotonicCalibration().fit(p, y), IsotonicCalibration(center=True).fit(p, y)
    inside = np.linspace(0.2, 0.8, 200)
    assert (np.diff(centred.predict_proba(inside)) > 0).all()
    assert (np.diff(plain.predict_proba(inside)) == 0).any()
    one_block = IsotonicCalibration(center=True).fit([0.2, 0.6], [1, 0])
    assert one_block.predict_proba([0.0, 0.4, 1.0]).tolist() == [0.5] * 3


def test_the_ends_stay_in_order():
    """First block 0 of 1, then .2: smoothing the blocks one by one would give 1/3 and then .2."""
    p = np.array([0.1] + [0.5] * 5)
    fitted = IsotonicCalibration().fit(p, [0, 0, 0, 0, 0, 1])
    assert fitted.predict_proba([0.1, 0.5]).tolist() == [0.125, 0.2]


def test_a_row_of_zeros_becomes_uniform():
    y_prob = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]] * 4)
    binning = HistogramBinning(2, prior=0).fit(y_prob, [0, 1, 2] * 4)
    even = binning.predict_proba([[0.4, 0.3, 0.3], [0.8, 0.1, 0.1]])
    np.testing.assert_allclose(even, [[1 / 3] * 3, [1, 0, 0]])


# ---- histograms


def test_histogram_values_by_hand():
    p, y = [0.0, 0.1, 0.25, 0.3, 0.6, 1.0], [0, 1, 1, 0, 1, 1]
    fitted = HistogramBinning(4).fit(p, y)
    assert fitted.bin_edges_[0].tolist() == [0, 0.25, 0.5, 0.75, 1]
    # (outcomes + middle of the bin) / (rows + 1)
    np.testing.assert_allclose(fitted.bin_values_[0], [1.125 / 3, 1.375 / 3, 1.625 / 2, 1.875 / 2])
    plain = HistogramBinning(10, prior=0).fit(p, y)
    assert plain.predict_proba([0.05, 0.25, 0.55, 0.95, 1.0]).tolist() == [0, 1, 0.55, 1, 1]


def test_an_edge_belongs_to_the_bin_above():
    """.3, .6 and .7 are edges of ten bins only where these are divided, not spaced."""
    fitted = HistogramBinning(10, prior=0).fit(np.arange(10) / 10, np.arange(10) % 2)
    assert fitted.predict_proba([0.3, 0.6, 0.7]).tolist() == [1, 0, 1]


@settings(deadline=None, max_examples=50)
@given(SMALL, st.integers(1, 8))
def test_quantile_bins_hold_about_equal_weight_and_split_no_tie(drawn, n_bins):
    scores, y, weights = arrays(drawn)
    fitted = HistogramBinning(n_bins, "quantile", prior=0).fit(scores, y, weights)
    edges = fitted.bin_edges_[0]
    assert (np.diff(edges) > 0).all()
    assert len(edges) <= n_bins + 1
    w = np.ones(len(y)) if weights is None else weights
    index = np.searchsorted(edges[1:-1], scores, side="right")
    for b in range(len(edges) - 1):
        inside = index == b
        assert inside.any()
        assert fitted.bin_values_[0][b] == pytest.approx(np.average(y[inside], weights=w[inside]))
        heaviest = max(w[scores == s].sum() for s in scores)
        assert w[inside].sum() <= w.sum() / n_bins + heaviest + 1e-9


# ---- Venn-Abers


def two_refits(scores, y, weights, new):
    """Return (p0, p1) of one new row: isotonic regression with it as a 0, and as a 1."""
    pair = []
    for label in (0, 1):
        w = None if weights is None else np.append(weights, 1)
        fit = IsotonicRegression().fit(np.append(scores, new), np.append(y, label), sample_weight=w)
        pair.append(fit.predict([new])[0])
    return pair


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(SMALL)
def test_venn_abers_equals_two_refits_per_row(drawn):
    scores, y, weights = arrays(drawn)
    new = np.arange(25) / 24  # at the scores, between and beyond
    p0, p1 = VennAbersCalibration().fit(scores, y, weights).predict_pair(new)
    expected = np.array([two_refits(scores, y, weights, x) for x in new])
    np.testing.assert_allclose(np.column_stack([p0, p1]), expected, atol=1e-12)


@pytest.mark.parametrize("truth", ["calibrated", "noise", "reversed", "ties"])
def test_venn_abers_on_more_rows(truth):
    rng = np.random.default_rng(4)
    p = rng.random(400) if truth != "ties" else rng.integers(0, 20, 400) / 20
    y = (rng.random(400) < {"noise": 0.5, "reversed": 1 - p}.get(truth, p)).astype(float)
    fitted = VennAbersCalibration().fit(p, y)
    new = np.concatenate([rng.random(20), p[:20]])
    p0, p1 = fitted.predict_pair(new)
    np.testing.assert_allclose(np.column_stack([p0, p1]), [two_refits(p, y, None, x) for x in new], atol=1e-12)
    assert (p0 <= p1).all()
    np.testing.assert_allclose(fitted.predict_proba(new), p1 / (1 - p0 + p1))
    assert fitted.n_calibration_ == 400


def test_the_pair_brackets_less_with_more_rows(rng):
    widths = []
    for n in (100, 10_000):
        p = rng.random(n)
        p0, p1 = (
            VennAbersCalibration().fit(p, (rng.random(n) < p).astype(float)).predict_pair(np.linspace(0.1, 0.9, 50))
        )
        widths.append((p1 - p0).mean())
    assert widths[1] < widths[0] / 5


def test_pairs_of_classes(rng):
    z, y = draw(300, 3, rng)
    p = as_prob(z)
    p0, p1 = VennAbersCalibration().fit(p, y).predict_pair(p[:5])
    assert p0.shape == p1.shape == (5, 3)
    for k in range(3):
        one = VennAbersCalibration().fit(p[:, k], (y == k).astype(float)).predict_pair(p[:5, k])
        np.testing.assert_array_equal(np.column_stack([p0[:, k], p1[:, k]]), np.column_stack(one))
    two = VennAbersCalibration().fit(np.column_stack([1 - p[:, 0], p[:, 0]]), (y == 0).astype(int))
    assert two.predict_pair(np.array([[0.4, 0.6]]))[0].shape == (1,)


def test_scores_of_one_column_only_sort(rng):
    z, y = draw(200, 1, rng)
    there = VennAbersCalibration(input="logit").fit(z, y).predict_proba(z)
    here = VennAbersCalibration(input="logit").fit(np.exp(z) * 1e5, y).predict_proba(np.exp(z) * 1e5)
    np.testing.assert_array_equal(here, there)


# ---- out of fold


@pytest.mark.parametrize("columns", [1, 3])
def test_each_row_is_answered_by_the_other_folds(rng, columns):
    z, y = draw(120, columns, rng, 2.0)
    p, folds = as_prob(z), list(KFold(4).split(np.empty(120)))
    weights = rng.random(120)
    answer = cross_val_calibrate(PlattScaling(), p, y, cv=KFold(4), sample_weight=weights)
    assert answer.shape == p.shape
    for train, test in folds:
        fitted = PlattScaling().fit(p[train], y[train], weights[train])
        np.testing.assert_allclose(answer[test], fitted.predict_proba(p[test]))
    np.testing.assert_array_equal(cross_val_calibrate(PlattScaling(), p, y, cv=folds, sample_weight=weights), answer)


def test_rows_of_a_group_share_a_fold(rng):
    z, y = draw(100, 1, rng)
    p, groups = as_prob(z), np.repeat(np.arange(20), 5)
    answer = cross_val_calibrate(PlattScaling(), p, y, groups=groups, cv=GroupKFold(5))
    for train, test in GroupKFold(5).split(np.empty(100), y, groups):
        np.testing.assert_allclose(answer[test], PlattScaling().fit(p[train], y[train]).predict_proba(p[test]))
    dealt = cross_val_calibrate(PlattScaling(), p, y, groups=groups)
    for group in range(20):  # what a group's rows turned out to be says nothing about their own answers
        mine = groups == group
        other = cross_val_calibrate(PlattScaling(), p, np.where(mine, 1 - y, y), groups=groups)
        np.testing.assert_array_equal(other[mine], dealt[mine])


def test_labels_keep_their_columns_where_a_fold_lacks_one(rng):
    p = rng.dirichlet(np.ones(3), 40)
    y = np.array(["b", "c"] * 19 + ["a", "a"])
    answer = cross_val_calibrate(DirichletCalibration(penalty=1.0), p, y, cv=KFold(2))
    assert np.abs(answer.sum(axis=1) - 1).max() < 1e-12
    shares = cross_val_calibrate(PlattScaling(), p[:, 0], rng.random(40), cv=4)
    assert shares.shape == (40,)


def test_warnings_of_folds_come_once_and_say_in_how_many():
    p = np.linspace(0.05, 0.95, 20)
    words = "cross_val_calibrate, in 5 of 5 folds: BetaCalibration: .* separate"
    with pytest.warns(UserWarning, match=words) as caught:
        cross_val_calibrate(BetaCalibration(), p, (p > 0.5).astype(float))
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"calibrator": IsotonicRegression()}, "calibrator must be"),
        ({"calibrator": PlattScaling}, "calibrator must be"),
        ({"cv": 1}, "cv must be"),
        ({"cv": 41}, "at most the number of rows"),
        ({"cv": "five"}, "cv must be"),
        ({"cv": ShuffleSplit(3, random_state=0)}, "each row once"),
        ({"cv": []}, "each row once"),
        ({"cv": [([0], [99])]}, "cv must split"),
        ({"groups": np.zeros(40)}, "groups"),
        ({"groups": np.arange(40) % 3}, "number of groups"),
        ({"y": np.ones(39)}, "y"),
        ({"y_prob": np.full(40, 2.0)}, "cross_val_calibrate: y_prob"),
        ({"sample_weight": -np.ones(40)}, "sample_weight"),
        ({"classes": [0, 1]}, "classes"),
    ],
)
def test_bad_input_of_cross_val_calibrate(change, word):
    good = {"calibrator": PlattScaling(), "y_prob": np.linspace(0.1, 0.9, 40), "y": np.arange(40) % 2}
    with pytest.raises(InputError, match=word):
        cross_val_calibrate(**{**good, **change})


# ---- bad parameters


@pytest.mark.parametrize(
    "estimator",
    [
        HistogramBinning(0),
        HistogramBinning(2.5),
        HistogramBinning(strategy="equal"),
        HistogramBinning(prior=-1),
        HistogramBinning(prior=np.inf),
        IsotonicCalibration(center="yes"),
        IsotonicCalibration(input="scores"),
        VennAbersCalibration(input=None),
        PlattScaling(monotone=2),
        DirichletCalibration("matrix"),
        DirichletCalibration(cv=1),
    ],
    ids=repr,
)
def test_bad_parameters_are_refused_in_fit(estimator):
    with pytest.raises(InputError, match=type(estimator).__name__):
        estimator.fit([0.1, 0.9], [0, 1])


def test_venn_abers_wants_labels():
    with pytest.raises(InputError, match="0 or 1"):
        VennAbersCalibration().fit([0.1, 0.9], [0.2, 1])


def test_weights_without_a_finite_sum_are_refused():
    with pytest.raises(InputError, match="sample_weight"):
        PlattScaling().fit([0.1, 0.9], [0, 1], [1e308, 1e308])


def test_a_model_and_a_recalibrator_are_one_estimator(rng):
    """WrappedModel hands on two columns and labels of any kind."""
    X = rng.normal(size=(400, 2))
    y = np.where(rng.random(400) < expit(3 * X[:, 0]), "yes", "no")
    model = GaussianNB().fit(np.repeat(X[:200], 2, axis=1), y[:200])  # counts each feature twice
    for recalibrator in (PlattScaling(), VennAbersCalibration(), IsotonicCalibration(), DirichletCalibration()):
        wrapped = WrappedModel(model, recalibrator).fit(np.repeat(X[200:], 2, axis=1), y[200:])
        p = wrapped.predict_proba(np.repeat(X, 2, axis=1))
        assert p.shape == (400, 2)
        assert (wrapped.predict(np.repeat(X, 2, axis=1)) == np.array(["no", "yes"])[p.argmax(axis=1)]).all()
        assert wrapped.wrapper_.classes_.tolist() == ["no", "yes"]
