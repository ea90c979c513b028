"""SecondOrderCalibration: its ratios by loops, its bounds by the shared ground, every promise of an estimator."""

import numpy as np
import pytest
from contracts import CONTAINERS, OutputEstimatorContract, in_container
from sklearn.base import clone

from uq._base import bounds
from uq._base.betting import betting_upper
from uq.epistemic import PairDistribution, SecondOrderCalibration
from uq.epistemic._scaled import rho_joint
from uq.exceptions import InputError, SmallSampleWarning

from .naive import error_of_pairs, rows_of_counts

UPPER = {
    "betting": betting_upper,
    "empirical_bernstein": bounds.empirical_bernstein_upper,
    "hoeffding": bounds.hoeffding_upper,
}


def rows(seed, n=300, k=3, responses=4):
    rng = np.random.default_rng(seed)
    said = rng.dirichlet(np.full(k, 1.0), n)
    p = np.array([rng.dirichlet(4 * row + 0.1) for row in said])
    joint = rho_joint(said, 0.1)
    joint[::7] = np.eye(k)[0][:, None] * np.eye(k)[0]  # certain rows, whose variance is 0
    return PairDistribution(joint), rows_of_counts(rng, p, responses)


def naive_ratios(pairs, y, floor, column):
    out = []
    for i in range(len(pairs)):
        j = int(np.argmax(pairs.marginal[i])) if column is None else column
        e = error_of_pairs(y[i], pairs.marginal[i])[j]
        v = pairs.joint[i, j, j] - pairs.marginal[i, j] ** 2
        out.append(e / max(v, floor))
    return np.array(out)


@pytest.mark.parametrize("bound", UPPER)
def test_factor_is_the_bound_of_the_mean_ratio(bound):
    pairs, y = rows(0)
    fitted = SecondOrderCalibration(bound, confidence_level=0.9, floor=0.02).fit(pairs, y)
    z = naive_ratios(pairs, y, 0.02, None)
    assert z.min() >= -0.25 / 0.02
    assert z.max() <= 1 / 0.02
    assert fitted.factor_ == pytest.approx(UPPER[bound](z, 0.1, -0.25 / 0.02, 1 / 0.02), rel=1e-9)
    assert fitted.ratio_ == pytest.approx(z.mean())
    each = SecondOrderCalibration(bound, confidence_level=0.9, floor=0.02, target="each").fit(pairs, y)
    for j in range(3):
        z = naive_ratios(pairs, y, 0.02, j)
        assert each.factor_[j] == pytest.approx(UPPER[bound](z, 0.1 / 3, -12.5, 50.0), rel=1e-9)


def test_interval_is_markov():
    pairs, y = rows(1)
    fitted = SecondOrderCalibration(floor=0.02).fit(pairs, y)
    top = pairs.marginal.argmax(axis=1)
    at = np.arange(len(pairs))
    m, v = pairs.marginal[at, top], pairs.epistemic_variance[at, top]
    half = np.sqrt(fitted.factor_ * np.maximum(v, 0.02) / (1 - 0.8))
    interval = fitted.predict_interval(pairs, 0.8)
    assert np.allclose(interval.lower, np.maximum(m - half, 0))
    assert np.allclose(interval.upper, np.minimum(m + half, 1))
    assert interval.guarantee == "finite-sample"
    assert interval.certified
    assert "betting" in interval.method
    assert "95 %" in interval.method
    each = SecondOrderCalibration(floor=0.02, target="each").fit(pairs, y)
    half = np.sqrt(each.factor_[2] * np.maximum(pairs.epistemic_variance[:, 2], 0.02) / 0.2)
    assert np.allclose(each.predict_interval(pairs, 0.8, y=2).upper, np.minimum(pairs.marginal[:, 2] + half, 1))


def test_betting_is_the_shortest_of_the_three():
    for seed in range(5):
        pairs, y = rows(seed, n=400)
        factor = {b: SecondOrderCalibration(b, floor=0.05).fit(pairs, y).factor_ for b in UPPER}
        assert factor["betting"] < min(factor["empirical_bernstein"], factor["hoeffding"])


def test_a_mean_below_zero_gives_no_nan():
    pairs = PairDistribution(np.tile(np.ones((2, 2)) / 4, (3000, 1, 1)))
    fitted = SecondOrderCalibration(floor=0.25).fit(pairs, np.ones((3000, 2)))
    assert fitted.factor_ == 0
    assert fitted.ratio_ == -1
    assert (fitted.predict_interval(pairs[:2]).width == 0).all()


def test_few_rows_say_so_and_give_the_most_there_can_be():
    pairs, y = rows(2, n=3)
    with pytest.warns(SmallSampleWarning, match="more calibration rows"):
        fitted = SecondOrderCalibration("empirical_bernstein").fit(pairs, y)
    assert fitted.factor_ == 100
    low, high = fitted.predict_interval(pairs)
    assert (low == 0).all()
    assert (high == 1).all()


def test_a_negative_variance_counts_as_the_floor():
    joint = np.tile(np.array([[0.1, 0.4], [0.4, 0.1]]), (200, 1, 1))
    flat = np.tile(np.ones((2, 2)) / 4, (200, 1, 1))
    y = rows_of_counts(np.random.default_rng(0), np.full((200, 2), 0.5), 3)
    bad, zero = (SecondOrderCalibration(floor=0.05).fit(PairDistribution(j), y) for j in (joint, flat))
    assert bad.factor_ == zero.factor_
    assert bad.predict_interval(joint[:1]) == zero.predict_interval(flat[:1])


def test_two_classes_have_one_factor():
    pairs, y = rows(3, k=2)
    top = SecondOrderCalibration().fit(pairs, y)
    each = SecondOrderCalibration(target="each").fit(pairs, y)
    assert each.factor_ == pytest.approx([top.factor_, top.factor_])
    one = top.predict_interval(pairs, 0.9, y=1)
    other = top.predict_interval(pairs, 0.9, y=0)
    assert np.allclose(one.lower, 1 - other.upper)


def test_what_may_be_asked():
    pairs, y = rows(4)
    top, each = (SecondOrderCalibration(target=t).fit(pairs, y) for t in ("top", "each"))
    with pytest.raises(InputError, match="target='each'"):
        top.predict_interval(pairs, y=0)
    for bad in (None, [0, 1, 2], "a", 3):
        with pytest.raises(InputError):
            each.predict_interval(pairs, y=bad)
    for bad in (0, 1, None, "0.9", 90):
        with pytest.raises(InputError, match="coverage"):
            top.predict_interval(pairs, bad)
    named = PairDistribution(pairs.joint, classes=["a", "b", "c"])
    assert each.predict_interval(named, y="b") == each.predict_interval(pairs, y=1)
    for parameters in ({"bound": "kl"}, {"confidence_level": 1}, {"floor": 0}, {"floor": 0.3}, {"target": "all"}):
        with pytest.raises(InputError):
            SecondOrderCalibration(**parameters).fit(pairs, y)


class TestContract(OutputEstimatorContract):
    verbs = ("predict_interval",)
    columns = False

    @pytest.fixture(params=["betting", "hoeffding", "empirical_bernstein"])
    def estimator(self, request):
        return SecondOrderCalibration(request.param, floor=0.2)

    @pytest.fixture
    def data(self):
        rng = np.random.default_rng(6)
        m = rng.integers(8, 57, 97) / 64
        joint = np.round(rho_joint(np.column_stack([1 - m, m]), 0.25) * 128) / 128
        joint[:, 0, 0] += 1 - joint.sum(axis=(1, 2))
        flat = joint.reshape(97, 4)
        return flat[:80], rows_of_counts(rng, np.column_stack([1 - m, m])[:80], 4).astype(float), flat[80:]

    def bad_fits(self, outputs, y):
        one = y.copy()
        one[0] = [1, 0]
        return {
            **super().bad_fits(outputs, y),
            "one response": (outputs, one),
            "halves": (outputs, y + 0.5),
            "sums": (outputs * 2, y),
            "more classes": (outputs, np.column_stack([y, y[:, 0]])),
        }

    def test_row_order_in_fit_does_not_matter(self, estimator, data):
        """Betting takes the rows in the order they come: in another order another bound, and a near one."""
        if estimator.bound != "betting":
            super().test_row_order_in_fit_does_not_matter(estimator, data)
            return
        outputs, y, _ = data
        order = np.random.default_rng(0).permutation(len(y))
        one, other = (clone(estimator).fit(outputs[rows], y[rows]) for rows in (np.arange(len(y)), order))
        assert one.factor_ != other.factor_
        assert one.factor_ == pytest.approx(other.factor_, rel=0.2)
        assert one.ratio_ == pytest.approx(other.ratio_)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_counts_in_containers(kind):
    pairs, y = rows(5, n=20)
    expected = SecondOrderCalibration(floor=0.1).fit(pairs, y).factor_
    assert SecondOrderCalibration(floor=0.1).fit(pairs, in_container(kind, y)).factor_ == expected
