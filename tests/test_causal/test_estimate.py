"""The boundary and the way out: errors at any scale, infinite where nothing is known, never NaN."""

import numpy as np
import pytest

from causal import Classical, LinearDebiaser, Naive, SplineDebiaser, TweedieDebiaser
from causal._bootstrap import bootstrap_values
from causal._checks import check_design, check_rows
from causal._estimate import draws_estimate, influence_norms
from causal._functional import mean_functional
from uq.exceptions import InfiniteBoundWarning, InputError

DEBIASERS = {
    "linear": LinearDebiaser(nondifferential=True),
    "spline": SplineDebiaser(4, nondifferential=True),
    "tweedie": TweedieDebiaser(nondifferential=True),
    "tweedie, all": TweedieDebiaser("moment", "local", nondifferential=True),
}


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    z = rng.normal(size=300)
    return z, 2 * z + rng.normal(size=300), rng.normal(size=100) / 2, np.arange(100) % 2


@pytest.mark.parametrize("name", DEBIASERS)
@pytest.mark.parametrize(("scale_z", "scale_y"), [(1e100, 1.0), (1.0, 1e120), (1e-120, 1e-100), (-3.0, 2.0)])
def test_units_do_not_matter(rows, name, scale_z, scale_y):
    z, y, new, arm = rows
    here = DEBIASERS[name].fit(z, y).ate(new, arm)
    if scale_z < 0:  # turned around the line falls, and every verb would say that the model is poor
        column = DEBIASERS[name].fit(z, y).transform(new)
        assert np.allclose(DEBIASERS[name].fit(scale_z * z, scale_y * y).transform(scale_z * new), scale_y * column)
        return
    there = DEBIASERS[name].fit(z * scale_z, y * scale_y).ate(new * scale_z, arm)
    assert there.estimate / scale_y == pytest.approx(here.estimate, rel=1e-9)
    assert there.std_error / scale_y == pytest.approx(here.std_error, rel=1e-9)


@pytest.mark.parametrize("name", DEBIASERS)
def test_moving_the_predictions_moves_nothing(rows, name):
    z, y, new, _ = rows
    here, there = DEBIASERS[name].fit(z, y).mean(new), DEBIASERS[name].fit(z + 1000, y - 50).mean(new + 1000)
    assert there.estimate + 50 == pytest.approx(here.estimate, abs=1e-7)
    assert there.std_error == pytest.approx(here.std_error, rel=1e-7)


@pytest.mark.parametrize("name", DEBIASERS)
def test_one_row_has_a_mean_without_an_error(rows, name):
    z, y, new, _ = rows
    estimate = DEBIASERS[name].fit(z, y).mean(new[:1])
    assert np.isfinite(estimate.estimate)
    assert estimate.std_error == np.inf
    assert estimate.influence is None


def test_a_constant_is_no_evidence_of_no_error():
    z = np.full(5, 0.1)
    estimate = Naive().fit([0, 1], [0, 1]).mean(z)
    assert estimate.std_error == np.inf
    with pytest.warns(InfiniteBoundWarning):
        assert estimate.conf_int().width == np.inf
    two = Classical().fit(z, np.r_[z[:-1], 0.2], X=np.ones((5, 1))).ols()
    assert np.isfinite(two.std_error).all()
    one = Classical().fit(z, z, X=np.ones((5, 1))).ols()
    assert np.isinf(one.std_error).all()
    assert one.cov is None


def test_norms_neither_overflow_nor_vanish():
    values = np.array([[3e200, 3e-200, 0.0, np.inf], [4e200, 4e-200, 0.0, 1.0]])
    assert influence_norms(values)[:3] == pytest.approx([5e200, 5e-200, 0.0])
    assert influence_norms(values)[3] == np.inf
    assert influence_norms(np.zeros((0, 2))).tolist() == [0, 0]


def test_draws_that_failed_count_against_either_end(rows):
    z, y, new, arm = rows
    first = DEBIASERS["linear"].fit(z, y).ate(new, arm)
    draws = np.r_[np.linspace(0, 1, 98), np.nan, np.nan][:, None]
    estimate = draws_estimate(first, draws)
    assert estimate.std_error == pytest.approx(np.std(np.linspace(0, 1, 98), ddof=1))
    with pytest.warns(InfiniteBoundWarning):
        estimate.conf_int(0.98)
    assert draws_estimate(first, np.full((9, 1), np.nan)).std_error == np.inf


def test_the_bootstrap_draws_rows_or_clusters():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(12), 5)
    z = rng.normal(size=12)[groups] + 0.1 * rng.normal(size=60)
    plain, clustered = check_rows("o", z), check_rows("o", z, None, groups)
    for rows, n in ((plain, 60), (clustered, 12)):
        draws = bootstrap_values(
            lambda weights: z, lambda w: mean_functional(60, w), plain, rows, 2000, np.random.default_rng(2)
        )
        units = z if n == 60 else np.bincount(groups, z) / 5
        assert draws.shape == (2000, 1)
        assert draws.std() == pytest.approx(units.std() / np.sqrt(n), rel=0.08)


def test_weights_and_labels_of_what_is_left():
    rows = check_rows("o", [1.0, 2, 3, 4], [0, 2, 4, 0], ["b", "a", "b", "c"])
    assert rows.z.tolist() == [2, 3]
    assert rows.weights.tolist() == [0.5, 1]
    assert rows.groups.tolist() == [0, 1]
    assert rows.ids.tolist() == ["a", "b"]
    assert rows.n_groups == 2
    tiny = check_rows("o", [1.0, 2], [5e-324, 1e-323])
    assert tiny.weights.tolist() == [0.5, 1]


def test_a_design_without_a_row_to_spare_is_refused():
    rows = check_rows("o", np.arange(3.0), [1, 1, 0])
    with pytest.raises(InputError, match="no more columns"):
        check_design("o", np.eye(3), rows)
    assert check_design("o", np.ones((3, 1)) * 1e-140, rows)[0].shape == (2, 1)
