"""variance_components: unbiased by enumeration and simulation, honest where nothing can be known."""

import itertools
import math
import pickle
import warnings

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require

from uq._evaluation._variance import components, variance_components
from uq.exceptions import InfiniteBoundWarning, InputError, NotIdentifiedError

SCORES = [[1, 1, 0], [0, 0, 0], [1, 1, 1], [0, 1, 0]]


def test_small_case_by_hand():
    parts = variance_components(SCORES)
    s2 = np.var([2 / 3, 0, 1, 1 / 3], ddof=1)
    assert parts.mean == pytest.approx(0.5)
    assert parts.var_within == pytest.approx((1 / 3 + 0 + 0 + 1 / 3) / 4)
    assert parts.var_between == pytest.approx(s2 - parts.var_within / 3)
    # s2 / n holds the noise within already: it is not added again
    assert parts.std_error_random == pytest.approx(math.sqrt(s2 / 4))
    assert parts.std_error_fixed == pytest.approx(math.sqrt(parts.var_within / 12))
    assert parts.share_between == pytest.approx(parts.var_between / (parts.var_between + parts.var_within))
    assert (parts.n_items, parts.n_repeats, parts.n_scores, parts.n_dropped) == (4, 3, 12, 0)


def test_agrees_with_the_analysis_of_variance():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(30, 1)) + rng.normal(size=(30, 4))
    parts = variance_components(scores)
    between_square = 4 * scores.mean(axis=1).var(ddof=1)
    within_square = ((scores - scores.mean(axis=1, keepdims=True)) ** 2).sum() / (30 * 3)
    assert parts.var_within == pytest.approx(within_square)
    assert parts.var_between == pytest.approx((between_square - within_square) / 4)


@pytest.mark.parametrize("counts", [(2, 2, 2), (1, 2, 3), (2, 1, 3)])
def test_unbiased_by_enumeration_of_all_outcomes(counts):
    """Items take one of two success probabilities; every item, every answer is enumerated with its probability."""
    chances, weights = (0.2, 0.9), (0.3, 0.7)
    expected = dict.fromkeys(("var_within", "var_between_unbiased", "mean", "square_fixed", "square_random"), 0.0)
    mean_square = 0.0
    n = len(counts)
    for items in itertools.product(range(2), repeat=n):
        for flat in itertools.product((0, 1), repeat=sum(counts)):
            table = np.full((n, 3), np.nan)
            probability, position = 1.0, 0
            for i, (item, m) in enumerate(zip(items, counts, strict=True)):
                answers = flat[position : position + m]
                position += m
                table[i, :m] = answers
                probability *= weights[item] * math.prod(chances[item] if a else 1 - chances[item] for a in answers)
            parts = components(table, np.array(counts))
            means = np.nanmean(table, axis=1)
            for name in ("var_within", "var_between_unbiased", "mean"):
                expected[name] += probability * parts[name]
            expected["square_fixed"] += probability * parts["std_error_fixed"] ** 2
            expected["square_random"] += probability * means.var(ddof=1) / n
            mean_square += probability * parts["mean"] ** 2
    within = sum(w * c * (1 - c) for c, w in zip(chances, weights, strict=True))
    mean = sum(w * c for c, w in zip(chances, weights, strict=True))
    between = sum(w * (c - mean) ** 2 for c, w in zip(chances, weights, strict=True))
    assert expected["mean"] == pytest.approx(mean)
    assert expected["var_within"] == pytest.approx(within)
    assert expected["var_between_unbiased"] == pytest.approx(between)
    assert expected["square_fixed"] == pytest.approx(within * np.mean(1 / np.array(counts)) / n)
    # the true variance of the mean over items and answers
    assert mean_square - mean**2 == pytest.approx((between + within * np.mean(1 / np.array(counts))) / n)
    assert expected["square_random"] == pytest.approx(mean_square - mean**2)


def test_errors_are_those_of_simulated_evaluations():
    rng = np.random.default_rng(1)
    n_items, n_repeats, n_studies = 25, 3, 4000
    level = rng.gamma(2.0, 1.0, size=(n_studies, n_items, 1))
    scores = level + level * rng.normal(size=(n_studies, n_items, n_repeats))
    parts = [variance_components(study) for study in scores]
    means = np.array([p.mean for p in parts])
    random = np.array([p.std_error_random**2 for p in parts])
    fixed = np.array([p.std_error_fixed**2 for p in parts])
    # between: variance 2 of the gamma law; within: E level**2 = 6
    truth = (2 + 6 / n_repeats) / n_items
    for values, expected in (
        (random, truth),
        (fixed, 6 / n_repeats / n_items),
        ((means - level.mean(axis=(1, 2))) ** 2, 6 / n_repeats / n_items),
        ((means - 2.0) ** 2, truth),
        (np.array([p.var_between_unbiased for p in parts]), 2.0),
        (np.array([p.std_error(100, 7) ** 2 for p in parts]), (2 + 6 / 7) / 100),
    ):
        assert abs(values.mean() - expected) < 4.5 * values.std() / math.sqrt(n_studies)


def test_prediction_of_a_design():
    parts = variance_components(SCORES)
    assert parts.std_error(4, 3) == pytest.approx(parts.std_error_random)
    assert parts.std_error(4, 3, items="fixed") == pytest.approx(parts.std_error_fixed)
    assert parts.std_error(400, 3) == pytest.approx(parts.std_error_random / 10)
    assert parts.std_error(4, 10**9) == pytest.approx(math.sqrt(parts.var_between / 4))
    for bad in ((0, 1), (1, 0), (1.5, 2), (True, 2)):
        with pytest.raises(InputError, match=r"n_items|n_repeats"):
            parts.std_error(*bad)
    with pytest.raises(InputError, match="items must be one of"):
        parts.std_error(1, 1, items="some")


def test_noise_alone_is_cut_off_at_zero():
    parts = variance_components([[0, 1], [1, 0], [0, 1]])
    assert parts.var_between_unbiased == pytest.approx(-0.25)
    assert parts.var_between == 0
    assert parts.share_between == 0
    # the means all agree by chance: their sample variance, 0, is not believed
    assert parts.std_error_random == pytest.approx(parts.std_error_fixed) == pytest.approx(math.sqrt(0.25 / 3))


def test_deterministic_repeats_have_no_noise_within():
    parts = variance_components([[1, 1], [0, 0], [1, 1]])
    assert parts.var_within == parts.std_error_fixed == 0
    assert parts.share_between == 1
    assert parts.std_error_random == pytest.approx(math.sqrt(1 / 9))


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_equal_scores_say_nothing_and_warn_once(value):
    with pytest.warns(InfiniteBoundWarning, match="declared bounds") as caught:
        parts = variance_components(np.full((7, 3), value))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert parts.std_error_random == parts.std_error_fixed == parts.std_error(100, 100) == math.inf
    assert parts.var_within == parts.var_between == 0
    assert math.isnan(parts.share_between)
    assert parts == pickle.loads(pickle.dumps(parts))


def test_missing_repeats_are_left_out():
    holes = [[1, 0, np.nan], [np.nan, np.nan, np.nan], [1, 1, 0], [np.nan, 0, np.nan]]
    with pytest.raises(InputError, match="nan_policy='omit'"):
        variance_components(holes)
    parts = variance_components(holes, nan_policy="omit")
    assert (parts.n_items, parts.n_scores, parts.n_dropped) == (3, 6, 1)
    within = np.mean([1 / 2, 1 / 3])
    noise = np.mean([0.5 / 2, (1 / 3) / 3, within / 1])
    s2 = np.var([1 / 2, 2 / 3, 0], ddof=1)
    assert parts.mean == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)
    assert parts.var_within == pytest.approx(within)
    assert parts.var_between_unbiased == pytest.approx(s2 - noise)
    assert parts.std_error_fixed == pytest.approx(math.sqrt(noise / 3))
    assert parts.n_repeats == pytest.approx(3 / (1 / 2 + 1 / 3 + 1))
    # a column that is missing throughout, and where the holes lie, change nothing
    scattered = [[np.nan, 1, 0, np.nan], [1, 1, 0, np.nan], [0, np.nan, np.nan, np.nan]]
    again = variance_components(scattered, nan_policy="omit")
    assert again.std_error_random == pytest.approx(parts.std_error_random)


def test_one_repeat_does_not_identify_the_split():
    for scores in ([[1], [0], [1]], [[1, np.nan], [np.nan, 0]]):
        with pytest.raises(NotIdentifiedError, match="estimate_mean"):
            variance_components(scores, nan_policy="omit")


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([[1, 0, 1]], "at least two items"),
        ([1, 0, 1], "shape"),
        (np.empty((0, 2)), "at least one row"),
        ([[1, np.inf], [0, 1]], "finite"),
        ([["a", "b"], ["c", "d"]], "real numbers"),
    ],
)
def test_bad_input_is_refused(scores, message):
    with pytest.raises(InputError, match=message):
        variance_components(scores, nan_policy="omit")
    with pytest.raises(InputError, match="nan_policy"):
        variance_components([[1, 0], [0, 1]], nan_policy="drop")


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_numbers(container):
    scores = np.random.default_rng(0).integers(0, 5, size=(12, 3)).astype(float)
    kept = scores.copy()
    assert variance_components(in_container(container, scores)) == variance_components(scores)
    assert np.array_equal(scores, kept)


def test_prints_plots_and_turns_into_a_frame(axes):
    parts = variance_components(SCORES)
    assert "0.2152 (items random)" in str(parts)
    assert "items fixed" in parts._repr_html_()
    assert parts.plot(axes) is axes
    line = axes.lines[0]
    np.testing.assert_allclose(line.get_ydata()[:3], [parts.std_error(4, m) for m in (1, 2, 3)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfiniteBoundWarning)
        constant = variance_components(np.ones((3, 2)))
    assert constant.plot(axes) is axes
    require("pandas")
    assert parts.to_frame()["share"].sum() == pytest.approx(1)


@pytest.mark.parametrize("factor", [1e-120, 1e100])
def test_small_and_large_scores_scale(factor):
    table = np.random.default_rng(0).exponential(size=(12, 3))
    plain, scaled = variance_components(table), variance_components(factor * table)
    for name, power in (("mean", 1), ("std_error_random", 1), ("std_error_fixed", 1), ("var_within", 2)):
        assert getattr(scaled, name) == pytest.approx(getattr(plain, name) * factor**power, rel=1e-12)
    assert scaled.share_between == pytest.approx(plain.share_between, rel=1e-12)


def test_scores_whose_squares_vanish_are_refused_rather_than_called_certain():
    with pytest.raises(InputError, match=r"must not differ by less than 1e-145.*from 1e-200 to 3e-200\. Rescale"):
        variance_components([[1e-200, 2e-200], [3e-200, 1e-200]])


def test_large_scores_keep_the_digits_of_their_differences():
    table = np.round(np.random.default_rng(0).exponential(size=(12, 3)) * 1024) / 1024
    plain, moved = variance_components(table), variance_components(2.0**40 + table)
    for name in ("std_error_random", "std_error_fixed", "var_within", "var_between_unbiased", "share_between"):
        assert getattr(moved, name) == pytest.approx(getattr(plain, name), rel=1e-9)


def test_rounding_is_no_variation_within():
    parts = variance_components([[0.1] * 3, [0.3] * 3, [0.1 + 0.2, 0.3, 0.3]])
    assert parts.var_within == parts.std_error_fixed == 0
    assert parts.share_between == 1
    with pytest.warns(InfiniteBoundWarning):
        assert variance_components([[0.1 + 0.2, 0.3], [0.3, 0.3]]).std_error_random == math.inf
