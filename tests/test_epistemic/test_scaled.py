"""ScaledVariance: the moment and the least-squares fit by their definitions, and every promise of an estimator."""

import numpy as np
import pytest
from contracts import OutputEstimatorContract
from scipy.optimize import minimize_scalar

from uq.epistemic import ScaledVariance, second_order_score
from uq.epistemic._scaled import ensemble_covariance, rho_joint
from uq.exceptions import InputError

from .naive import error_of_pairs, rows_of_counts


def dirichlet_rows(seed, n=400, rho=0.2, k=3, responses=4):
    rng = np.random.default_rng(seed)
    said = rng.dirichlet(np.full(k, 2.0), n)
    p = np.array([rng.dirichlet(row * (1 / rho - 1)) for row in said])
    return said, rows_of_counts(rng, p, responses), p


def members_of(seed, n=30, s=6, k=3):
    return np.random.default_rng(seed).dirichlet(np.full(k, 3.0), (s, n))


def test_rho_joint_is_that_of_the_dirichlet_law():
    rng = np.random.default_rng(0)
    m, rho = np.array([[0.5, 0.3, 0.2]]), 0.25
    p = rng.dirichlet(m[0] * (1 / rho - 1), 400000)
    assert np.allclose(rho_joint(m, rho)[0], p.T @ p / len(p), atol=0.003)
    assert np.allclose(rho_joint(m, rho).sum(axis=2), m)


def test_ensemble_covariance_by_loops():
    members = members_of(0)
    for i in range(30):
        assert np.allclose(ensemble_covariance(members)[i], np.cov(members[:, i].T), atol=1e-15)


@pytest.mark.parametrize("kind", ["rho", "ensemble"])
def test_moment_makes_the_total_gap_zero_and_least_squares_the_least_score(kind):
    said, y, _ = dirichlet_rows(1)
    outputs = said if kind == "rho" else np.stack([said, np.roll(said, 1, axis=1), said[:, ::-1]])
    mean = said if kind == "rho" else outputs.mean(axis=0)
    e = np.array([error_of_pairs(c, p) for c, p in zip(y, mean, strict=True)])
    moment = ScaledVariance(kind).fit(outputs, y)
    assert moment.predict_pair(outputs).epistemic_variance.sum() == pytest.approx(e.sum())
    least = ScaledVariance(kind, criterion="least_squares").fit(outputs, y)
    variance = moment.predict_pair(outputs).epistemic_variance / moment.scale_
    found = minimize_scalar(lambda s: np.mean((e - s * variance) ** 2), bounds=(0, 5), method="bounded")
    assert least.scale_ == pytest.approx(found.x, abs=1e-4)
    assert second_order_score(y, least.predict_pair(outputs)) == pytest.approx(found.fun, abs=1e-9)
    assert not least.clipped_


def test_rho_is_found():
    said, y, _ = dirichlet_rows(2, n=4000, responses=2)
    for criterion in ("moment", "least_squares"):
        assert ScaledVariance(criterion=criterion).fit(said, y).scale_ == pytest.approx(0.2, abs=0.02)


def test_scales_are_brought_into_their_range_and_say_so():
    wrong = ScaledVariance().fit([[0.9, 0.1]] * 3, [[0, 2]] * 3)
    assert (wrong.scale_, wrong.clipped_) == (1.0, True)
    pairs = wrong.predict_pair([[0.9, 0.1]])
    assert np.allclose(pairs.joint[0], np.diag([0.9, 0.1]))
    certain = ScaledVariance().fit([[0.5, 0.5]] * 3, [[1, 1]] * 3)
    assert (certain.scale_, certain.clipped_) == (0.0, True)
    assert (certain.predict_pair([[0.4, 0.6]]).epistemic_variance == 0).all()
    many = ScaledVariance("ensemble").fit(np.array([[[0.5, 0.5]], [[0.51, 0.49]]]), [[9, 0]])
    assert many.scale_ > 1
    assert not many.clipped_


def test_proper_joints_of_rho_and_honest_ones_of_ensembles():
    said, y, _ = dirichlet_rows(3)
    assert ScaledVariance().fit(said, y).predict_pair(said).diagnose().sound
    members = members_of(4, n=400)
    pairs = ScaledVariance("ensemble").fit(members, y).predict_pair(members)
    assert (pairs.diagnose().least_eigenvalue > -1e-14).all()
    assert np.allclose(pairs.marginal, members.mean(axis=0))


def test_one_column_is_the_second_of_two_classes():
    p = np.array([0.2, 0.4, 0.9])
    y = [[3, 1], [1, 3], [2, 2]]
    one, two = ScaledVariance().fit(p, y), ScaledVariance().fit(np.column_stack([1 - p, p]), y)
    assert one.scale_ == pytest.approx(two.scale_, rel=1e-14)
    assert one.predict_pair(p[:, None]).marginal[:, 1].tolist() == p.tolist()
    members = np.array([[0.2, 0.4, 0.9], [0.3, 0.6, 0.7]])
    fitted = ScaledVariance("ensemble").fit(members, y)
    assert np.allclose(fitted.predict_pair(members).marginal[:, 1], members.mean(axis=0))


class TestContract(OutputEstimatorContract):
    verbs = ("predict_pair",)
    columns = False

    @pytest.fixture(params=["moment", "least_squares"])
    def estimator(self, request):
        return ScaledVariance(criterion=request.param)

    @pytest.fixture
    def data(self):
        rng = np.random.default_rng(5)
        cuts = np.sort(rng.integers(1, 64, (77, 2)), axis=1) / 64
        p = np.column_stack([cuts[:, 0], cuts[:, 1] - cuts[:, 0], 1 - cuts[:, 1]])
        return p[:60], rows_of_counts(rng, p[:60], 5).astype(float), p[60:]

    def bad_fits(self, outputs, y):
        one = y.copy()
        one[0] = [1, 0, 0]
        return {
            **super().bad_fits(outputs, y),
            "one response": (outputs, one),
            "halves": (outputs, y + 0.5),
            "sums": (outputs * 2, y),
            "more classes": (outputs, np.column_stack([y, y[:, 0]])),
            "nothing to scale": (np.eye(3)[np.zeros(60, int)], y),
        }

    def bad_outputs(self, outputs):
        return {**super().bad_outputs(outputs), "two classes": outputs[:, :2] + 0.1, "sums": outputs * 2}


class TestVectorContract(OutputEstimatorContract):
    """Of two classes one column, as a vector or as (n, 1)."""

    verbs = ("predict_pair",)

    @pytest.fixture
    def estimator(self):
        return ScaledVariance()

    @pytest.fixture
    def data(self):
        rng = np.random.default_rng(6)
        p = rng.integers(1, 64, 77) / 64
        return p[:60], rows_of_counts(rng, np.column_stack([1 - p, p])[:60], 5).astype(float), p[60:]


def test_as_many_members_as_in_fit():
    """The mean of more members has a smaller error: a scale fitted to few would not fit many."""
    _, y, _ = dirichlet_rows(0, n=30)
    members = members_of(1, s=6)
    fitted = ScaledVariance("ensemble").fit(members, y)
    assert fitted.n_members_ == 6
    for other in (members[:5], np.concatenate([members, members])):
        with pytest.raises(InputError, match="the 6 members of fit"):
            fitted.predict_pair(other)
    assert ScaledVariance().fit(members[0], y).n_members_ is None


def test_the_variance_between_members_does_not_depend_on_their_number():
    members = np.random.default_rng(0).dirichlet([2.0, 3.0], (20, 20000))
    expected = 6 / (25 * 6)
    for s in (2, 3, 20):
        assert ensemble_covariance(members[:s])[:, 1, 1].mean() == pytest.approx(expected, rel=0.03)


def test_bad_parameters_and_members():
    said, y, _ = dirichlet_rows(0, n=5)
    for parameters in ({"kind": "tau"}, {"criterion": "mle"}, {"kind": None}):
        with pytest.raises(InputError, match="must be a str among"):
            ScaledVariance(**parameters).fit(said, y)
    with pytest.raises(InputError, match="2 members or more"):
        ScaledVariance("ensemble").fit(said[None], y)
    with pytest.raises(InputError, match="all agree"):
        ScaledVariance("ensemble").fit(np.stack([said, said]), y)
    with pytest.raises(InputError, match="n_members"):
        ScaledVariance("ensemble").fit(np.zeros((2, 3, 4, 5)), y)


def test_the_answer_is_no_view_of_the_input():
    said, y, _ = dirichlet_rows(0, n=20)
    fitted = ScaledVariance().fit(said, y)
    pairs = fitted.predict_pair(said)
    kept = pairs.marginal.copy()
    said[0] = [1.0, 0.0, 0.0]  # still the caller's to write to
    assert np.array_equal(pairs.marginal, kept)
