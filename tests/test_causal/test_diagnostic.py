"""The diagnostic of the two worlds: each number against its definition, and the advice in worlds that are known."""

import numpy as np
import pytest
from contracts import CONTAINERS, in_container
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from causal import shrinkage_diagnostic
from causal._diagnostic_core import (
    SLOPES,
    controls,
    dummies_pvalue,
    independence_pvalues,
    jackknife_coefficient,
    mundlak_pvalue,
    slopes,
)
from uq.exceptions import InputError, SmallSampleWarning


def world(rng, kind, n_groups=40, size=25, between=1.0, slope=0.5):
    """Return (y_pred, y, groups): in "A" y_pred depends on y alone, in "B" y on y_pred alone."""
    groups = np.repeat(np.arange(n_groups), size)
    shift, noise = between * rng.normal(size=n_groups)[groups], rng.normal(size=(2, len(groups)))
    if kind == "A":
        y = shift + noise[0]
        return slope * y + slope * noise[1], y, groups
    y_pred = shift + noise[0]
    y = y_pred + noise[1]
    if kind == "shock":
        y = y + rng.normal(size=n_groups)[groups]
    return y_pred, y, groups


@pytest.mark.parametrize(("kind", "advice"), [("A", "correct"), ("B", "do not correct"), ("shock", "neither")])
def test_advice(kind, advice):
    for seed in range(5):
        result = shrinkage_diagnostic(*world(np.random.default_rng(seed), kind), confidence_level=0.999)
        assert result.advice == advice


@pytest.mark.parametrize("kind", ["A", "B"])
def test_groups_that_do_not_differ_are_inconclusive(kind):
    result = shrinkage_diagnostic(*world(np.random.default_rng(1), kind, between=0.0), confidence_level=0.999)
    assert result.advice == "inconclusive"
    assert "cannot tell" in str(result)


def test_a_swap_swaps_the_advice():
    y_pred, y, groups = world(np.random.default_rng(0), "A")
    one, other = shrinkage_diagnostic(y_pred, y, groups), shrinkage_diagnostic(y, y_pred, groups)
    assert (one.advice, other.advice) == ("correct", "do not correct")
    assert one.pvalue_outcome == other.pvalue_prediction
    assert one.reliability_outcome == pytest.approx(other.reliability_prediction)


def test_slopes_tell_the_worlds_apart():
    rng = np.random.default_rng(3)
    a, b = (shrinkage_diagnostic(*world(rng, kind, 200, 30)) for kind in "AB")
    slope = [dict(zip(r.names, r.estimate, strict=True)) for r in (a, b)]
    for name in SLOPES:
        assert slope[0][f"y_pred on y, {name}"] == pytest.approx(0.5, abs=0.05)
        assert slope[1][f"y on y_pred, {name}"] == pytest.approx(1.0, abs=0.05)
    # shrunk within, but not between: 1 where the noise of the means is taken out
    assert slope[1]["y_pred on y, within groups"] == pytest.approx(0.5, abs=0.05)
    assert slope[1]["y_pred on y, between groups, moments"] == pytest.approx(1.0, abs=0.05)
    assert slope[1]["y_pred on y, between group means"] < 0.99


# ---- brute force


def dense(columns):
    return columns @ np.linalg.pinv(columns)


@given(st.integers(0, 10**6), st.integers(2, 6), st.booleans())
@settings(max_examples=30, deadline=None, derandomize=True)
def test_the_statistic_of_the_dummies_against_dense_matrices(seed, n_groups, few_values):
    rng = np.random.default_rng(seed)
    groups = np.concatenate([np.arange(n_groups), np.arange(n_groups), rng.integers(0, n_groups, 25)])
    x = rng.integers(0, 3, len(groups)).astype(float) if few_values else rng.normal(size=len(groups))
    y = x + rng.normal(size=len(groups)) * np.exp(x / 2)
    basis = controls(x)
    dummies = np.eye(n_groups)[groups]
    small, large = dense(basis), dense(np.column_stack([dummies, basis]))
    a = large - small
    left = y - large @ y
    square = left**2 / (1 - np.diag(large))
    sizes = dummies.sum(axis=0)
    variance = dummies.T @ square / sizes
    squared = variance**2 * (sizes - 1) / (sizes + 1)
    sigma = variance[groups]
    # trace of (A Sigma)^2, where the products of one group's dummy with itself take the corrected squares
    trace = np.trace(a * sigma @ (a * sigma)) + (squared - variance**2).sum()
    mean = np.diag(a) @ square
    spread = ((dummies.T @ np.diag(a)) ** 2 * squared / (sizes - 1)).sum()
    expected = stats.f.sf(y @ a @ y / mean, mean**2 / trace, mean**2 / spread)
    assert dummies_pvalue(y, x, groups) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_with_equal_variances_it_is_the_f_test():
    """Balanced groups of one variance each: statistic and degrees of freedom of the F test, up to chance."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(8), 500)
    x = rng.normal(size=4000)
    y = x + rng.normal(size=4000)
    basis = controls(x)
    full = dense_residual(np.column_stack([np.eye(8)[groups], basis]), y)
    small = dense_residual(basis, y)
    f = (small - full) / 7 / (full / (4000 - 8 - basis.shape[1] + 1))
    assert dummies_pvalue(y, x, groups) == pytest.approx(stats.f.sf(f, 7, 3988), abs=0.01)


def dense_residual(columns, y):
    return np.sum((y - columns @ np.linalg.lstsq(columns, y, rcond=None)[0]) ** 2)


def test_the_jackknife_of_the_group_mean_against_refits():
    rng = np.random.default_rng(5)
    groups = np.sort(rng.integers(0, 12, 150))
    groups = np.unique(groups, return_inverse=True)[1]
    x = rng.normal(size=150) + rng.normal(size=12)[groups]
    y = x**2 + rng.normal(size=150)
    g = groups.max() + 1
    added = (np.bincount(groups, x) / np.bincount(groups))[groups]
    design = np.column_stack([controls(x), added])

    def last(rows):
        return np.linalg.lstsq(design[rows], y[rows], rcond=None)[0][-1]

    whole = last(groups >= 0)
    left_out = np.array([last(groups != k) for k in range(g)])
    error = np.sqrt((g - 1) / g * ((left_out - whole) ** 2).sum())
    estimate, found = jackknife_coefficient(design, y, groups)
    assert (estimate, found) == pytest.approx((whole, error))
    assert mundlak_pvalue(y, x, groups) == pytest.approx(2 * stats.t.sf(abs(whole / error), g - 1))


def plain_slopes(x, y, groups):
    labels = np.unique(groups)
    sizes = np.array([(groups == k).sum() for k in labels])
    means = np.array([[v[groups == k].mean() for k in labels] for v in (x, y)])
    g, n = len(labels), len(x)
    grand = means @ sizes / n
    between = [sizes @ ((means[0] - grand[0]) * (means[j] - grand[j])) for j in (0, 1)]
    within = [
        sum(((x - means[0, i]) * (v - means[j, i]))[groups == k].sum() for i, k in enumerate(labels))
        for j, v in enumerate((x, y))
    ]
    n0 = (n - (sizes**2).sum() / n) / (g - 1)
    moments = [(b / (g - 1) - w / (n - g)) / n0 for b, w in zip(between, within, strict=True)]
    parts = [np.add(between, within), within, between, moments]
    noise = within[0] / (n - g) / n0
    return np.array([p[1] / p[0] for p in parts]), moments[0] / (moments[0] + noise)


def test_slopes_and_their_errors_against_refits():
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(9), [3, 4, 5, 6, 7, 8, 2, 30, 12])
    x = rng.normal(size=len(groups)) + 2 * rng.normal(size=9)[groups]
    y = 0.5 * x + rng.normal(size=len(groups)) + rng.normal(size=9)[groups]
    estimates, errors, reliability = slopes(y, x, groups)
    expected, reliable = plain_slopes(x, y, groups)
    assert estimates == pytest.approx(expected)
    assert reliability == pytest.approx(reliable)
    left_out = np.array([plain_slopes(x[keep], y[keep], groups[keep])[0] for keep in (groups != k for k in range(9))])
    assert errors == pytest.approx(np.sqrt(8 / 9 * ((left_out - expected) ** 2).sum(axis=0)))


@given(st.integers(0, 10**6), st.sampled_from(["normal", "binary", "three", "heavy"]))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_controls_are_orthonormal_natural_splines(seed, law):
    rng = np.random.default_rng(seed)
    x = {
        "normal": rng.normal(size=60),
        "binary": rng.integers(0, 2, 60).astype(float),
        "three": rng.integers(0, 3, 60).astype(float),
        "heavy": rng.standard_cauchy(60),
    }[law]
    if x.min() == x.max():
        return
    basis = controls(x)
    assert basis.T @ basis == pytest.approx(np.eye(basis.shape[1]), abs=1e-9)
    assert basis.shape[1] == min(4, len(np.unique(x)))
    for inside in (np.ones(60), x):  # the line is always among them
        assert basis @ (basis.T @ inside) == pytest.approx(inside, rel=1e-6, abs=1e-6 * np.abs(x).max())


# ---- edges


def test_what_says_nothing_has_p_value_1():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 12))
    assert dummies_pvalue(y, x, np.arange(12)) == 1.0  # every row a group of its own
    assert mundlak_pvalue(y, x, np.repeat([0, 1], 6)) == 1.0  # two groups
    assert mundlak_pvalue(y, np.tile([0.0, 1.0], 6), np.repeat([0, 1, 2], 4)) == 1.0  # means that are all the same
    assert independence_pvalues(x, x, np.repeat([0, 1, 2], 4)) == (1.0, 1.0)  # nothing is left to explain


def test_two_groups_and_groups_of_one_row():
    rng = np.random.default_rng(0)
    y_pred, y = rng.normal(size=(2, 60))
    two = shrinkage_diagnostic(y_pred, y, np.repeat([0, 1], 30))
    assert two.n_groups == 2
    assert np.isinf(two.std_error).any()
    rows = shrinkage_diagnostic(y_pred, y, np.arange(60))
    assert rows.advice == "inconclusive"
    assert not any("within" in name or "moments" in name for name in rows.names)
    assert (rows.reliability_outcome, rows.reliability_prediction) == (0.0, 0.0)


def test_a_moments_slope_without_variance_between_is_left_out():
    y = np.tile([0.0, 1.0, 2.0, 3.0], 15)
    y_pred = np.random.default_rng(0).normal(size=60)
    result = shrinkage_diagnostic(y_pred, y, np.repeat(np.arange(15), 4))
    assert "y_pred on y, between groups, moments" not in result.names
    assert "y_pred on y, between group means" not in result.names
    assert result.reliability_outcome == 0.0


def test_units_and_the_order_of_rows_do_not_matter():
    y_pred, y, groups = world(np.random.default_rng(0), "A", 10, 10)
    result = shrinkage_diagnostic(y_pred, y, groups)
    order = np.random.default_rng(1).permutation(100)
    mixed = shrinkage_diagnostic(1e3 * y_pred[order] + 7, 1e-2 * y[order], groups[order])
    assert mixed.pvalue_outcome == pytest.approx(result.pvalue_outcome, rel=1e-6)
    assert mixed.pvalue_prediction == pytest.approx(result.pvalue_prediction, rel=1e-6)
    unit = np.where([name.startswith("y_pred on") for name in result.names], 1e5, 1e-5)
    assert mixed.estimate == pytest.approx(unit * result.estimate)
    assert mixed.lower == pytest.approx(unit * result.lower)


def test_intervals_are_those_of_student():
    result = shrinkage_diagnostic(*world(np.random.default_rng(0), "A", 10, 10), confidence_level=0.8)
    half = stats.t.isf(0.1, 9) * result.std_error
    assert result.lower == pytest.approx(result.estimate - half)
    assert result.upper == pytest.approx(result.estimate + half)


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers(container):
    y_pred, y, groups = world(np.random.default_rng(0), "A", 10, 10)
    y_pred, y = (np.round(8 * v) / 8 for v in (y_pred, y))  # what bfloat16 can hold
    expected = shrinkage_diagnostic(y_pred, y, groups)
    found = shrinkage_diagnostic(in_container(container, y_pred), in_container(container, y), groups)
    assert found == expected
    assert shrinkage_diagnostic(y_pred, y, [f"g{g}" for g in groups]).pvalues == expected.pvalues


def test_the_record():
    result = shrinkage_diagnostic(*world(np.random.default_rng(0), "A"))
    assert "advice: correct" in str(result)
    assert "'correct'" in repr(result)
    assert "a debiaser is due" in result._repr_html_()
    assert list(result.to_frame().columns) == ["name", "estimate", "std_error", "lower", "upper"]
    assert result.to_dict()["advice"] == "correct"
    assert result.pvalue_prediction == pytest.approx(
        min(1, 2 * min(result.pvalues["prediction, dummies"], result.pvalues["prediction, means"]))
    )
    assert "advice: correct" in result.plot().get_title()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": None}, "groups"),
        ({"groups": np.zeros(20)}, "at least 2 different labels"),
        ({"groups": np.arange(19)}, "one label per row"),
        ({"y": np.ones(20)}, "y must vary"),
        ({"y_pred": np.ones(20)}, "y_pred must vary"),
        ({"y": np.r_[np.nan, np.ones(19)]}, "finite"),
        ({"y": np.ones(19)}, "as many rows"),
        ({"y": 1e120 * np.arange(20)}, "scales"),
        ({"confidence_level": 95}, "confidence_level"),
    ],
)
def test_bad_input(change, message):
    rng = np.random.default_rng(0)
    good = {"y_pred": rng.normal(size=20), "y": rng.normal(size=20), "groups": np.arange(20) // 4}
    with pytest.raises(InputError, match=message):
        shrinkage_diagnostic(**{**good, **change})


def test_few_rows_warn():
    y_pred, y, groups = world(np.random.default_rng(0), "A", 10, 5)
    with pytest.warns(SmallSampleWarning, match="50 rows are few"):
        shrinkage_diagnostic(y_pred, y, groups)


def test_fewer_than_four_rows():
    with pytest.raises(InputError, match="at least 4 rows"):
        shrinkage_diagnostic([0.0, 1.0], [0.0, 1.0], [0, 1])


@pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")
def test_an_error_that_is_infinite_stays_so_at_a_level_of_next_to_0():
    """The quantile is 0 there, and 0 times infinity is no number."""
    y = np.array([1.0, 1.0, 1.0, 0.0])
    found = shrinkage_diagnostic(y, y, [0, 0, 1, 1], confidence_level=1e-300)
    assert np.isinf(found.lower).any()
    assert not np.isnan(found.lower).any()
    assert (found.lower <= found.upper).all()
