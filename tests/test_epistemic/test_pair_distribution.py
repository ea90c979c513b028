"""PairDistribution: what comes in, what it says, and what it refuses."""

import pickle
import warnings

import numpy as np
import pytest
from contracts import CONTAINERS, IntervalContract, in_container, require
from scipy import special

from uq.epistemic import PairDistribution
from uq.exceptions import InputError

from .naive import World

EYE = np.diag([0.5, 0.5])[None]


def mixtures(seed=0, n=12, k=3, digits=None):
    rng = np.random.default_rng(seed)
    q = rng.dirichlet(np.ones(k), (n, 5))
    joint = np.einsum("nrk,nrl->nkl", q, q) / 5
    if digits:
        joint = np.round(joint * digits) / digits
        joint[:, 0, 0] += 1 - joint.sum(axis=(1, 2))
    return joint


def free(seed=0, n=12, k=3, spread=1.0):
    return np.random.default_rng(seed).dirichlet(np.full(k * k, spread), n).reshape(n, k, k)


def test_moments_are_those_of_the_world():
    world = World(3)
    pairs = PairDistribution(world.joint)
    assert np.allclose(pairs.marginal, world.mean, atol=1e-15)
    assert np.allclose(pairs.covariance, world.covariance(), atol=1e-15)
    assert np.allclose(pairs.epistemic_variance, np.diagonal(world.covariance(), axis1=1, axis2=2), atol=1e-15)
    assert np.allclose(pairs.covariance.sum(axis=2), 0, atol=1e-15)
    share_possible = np.einsum("gi,gik->gk", world.weight, world.p > 0)
    assert (pairs.epistemic_confidence() <= share_possible + 1e-12).all()


def test_mixtures_are_sound_and_free_tables_are_not():
    assert PairDistribution(mixtures()).diagnose().sound
    bad = PairDistribution(free())
    diagnosis = bad.diagnose()
    assert not diagnosis.sound
    assert diagnosis.negative_variances.sum() == (bad.epistemic_variance < 0).sum() > 0
    assert (diagnosis.asymmetry > 0).all()
    assert "negative eigenvalues" in str(diagnosis)
    with pytest.warns(UserWarning, match="negative variance"):
        assert np.isnan(bad.epistemic_confidence()[bad.epistemic_variance < 0]).all()
    with pytest.warns(UserWarning, match=r"interval \[0, 1\]"):
        interval = bad.interval(y=0)
    vacuous = bad.epistemic_variance[:, 0] < 0
    assert (interval.lower[vacuous] == 0).all()
    assert (interval.upper[vacuous] == 1).all()


def test_project_makes_it_sound_but_for_entries():
    broken = PairDistribution(free(n=60, spread=0.1))
    fixed = broken.project()
    diagnosis = fixed.diagnose()
    assert (diagnosis.least_eigenvalue > -1e-14).all()
    assert (diagnosis.negative_variances == 0).all()
    assert not np.isnan(fixed.epistemic_confidence()).any()
    assert (fixed.epistemic_variance >= broken.epistemic_variance - 1e-14).all()
    assert diagnosis.negative_entries.any()
    assert fixed.method == "joint, projected" == fixed.project().method
    with pytest.raises(InputError, match="no entry below 0"):
        _ = fixed.pair_information


def test_projecting_logits_keeps_their_logarithms_where_nothing_was_wrong():
    logits = np.log(mixtures(n=4))
    logits[0, 1, 1] = -900.0
    pairs = PairDistribution.from_logits(logits).project()
    assert not np.isnan(pairs.epistemic_confidence()).any()
    plain = PairDistribution(special.softmax(logits.reshape(4, -1), axis=1).reshape(4, 3, 3)).project()
    assert np.allclose(pairs.epistemic_variance, plain.epistemic_variance, atol=1e-13)


def test_logits_and_probabilities_agree():
    joint = free()
    by_logits, plain = PairDistribution.from_logits(np.log(joint) + 7.0), PairDistribution(joint)
    assert np.allclose(by_logits.joint, plain.joint, rtol=1e-12)
    assert np.allclose(by_logits.epistemic_variance, plain.epistemic_variance, atol=1e-14)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        a, b = by_logits.epistemic_confidence(), plain.epistemic_confidence()
    assert np.allclose(a, b, rtol=1e-10, equal_nan=True)


def test_single_precision_noise_is_not_a_fault():
    """A row that knows everything has V = 0; in float32 its joint is off by 1e-8 and must not become NaN."""
    p = np.random.default_rng(0).dirichlet(np.ones(5), 200)
    known = (p[:, :, None] * p[:, None, :]).astype(np.float32)
    pairs = PairDistribution(known)
    assert (pairs.epistemic_variance >= 0).all()
    assert pairs.epistemic_confidence().min() > 1 - 1e-4
    assert pairs.diagnose().sound
    logits = np.log(p[:, :, None] * p[:, None, :]).astype(np.float32)
    assert PairDistribution.from_logits(logits).epistemic_confidence().min() > 1 - 1e-4


def test_conditionals_make_the_joint_that_they_say():
    rng = np.random.default_rng(1)
    m, c = rng.dirichlet(np.ones(3), 5), rng.dirichlet(np.ones(3), (5, 3))
    pairs = PairDistribution.from_conditionals(m, c)
    for i in range(5):
        joint = np.array([[m[i, k] * c[i, k, j] for j in range(3)] for k in range(3)])
        assert np.allclose(pairs.joint[i], (joint + joint.T) / 2, rtol=1e-14)
    truth = PairDistribution(mixtures())
    again = PairDistribution.from_conditionals(truth.marginal, truth.joint / truth.marginal[:, :, None])
    assert np.allclose(again.joint, truth.joint, rtol=1e-12)
    # V = m (p(y|y) - m)
    k = np.arange(3)
    cheat = truth.marginal * (truth.joint[:, k, k] / truth.marginal - truth.marginal)
    assert np.allclose(truth.epistemic_variance, cheat, atol=1e-15)


def test_gini_parts_add_up():
    for pairs in (PairDistribution(mixtures()), PairDistribution(free())):
        parts = pairs.decompose("gini")
        assert np.allclose(parts.total, parts.aleatoric + parts.epistemic, atol=1e-15)
        assert np.allclose(parts.epistemic, np.trace(pairs.covariance, axis1=1, axis2=2), atol=1e-15)
    with pytest.raises(InputError, match="kind must be one of 'gini'"):
        pairs.decompose("entropy")


def test_interval_is_chebyshev_and_cantelli_within_the_unit():
    pairs = PairDistribution(mixtures())
    top = pairs.marginal.argmax(axis=1)
    rows = np.arange(len(pairs))
    m, v = pairs.marginal[rows, top], pairs.epistemic_variance[rows, top]
    low, high = pairs.interval(0.75)
    assert np.allclose(low, np.clip(m - np.sqrt(v / 0.25), 0, 1))
    assert np.allclose(high, np.clip(m + np.sqrt(v / 0.25), 0, 1))
    low, high = pairs.interval(0.75, "greater")
    assert np.allclose(low, np.clip(m - np.sqrt(v * 0.75 / 0.25), 0, 1))
    assert (high == 1).all()
    low, high = pairs.interval(0.75, "less", y=2)
    m, v = pairs.marginal[:, 2], pairs.epistemic_variance[:, 2]
    assert np.allclose(high, np.clip(m + np.sqrt(3 * v), 0, 1))
    assert (low == 0).all()
    assert pairs.interval().guarantee == "none"


class TestInterval(IntervalContract):
    support = (0.0, 1.0)

    @pytest.fixture(params=[0, 1])
    def result(self, request):
        return PairDistribution(mixtures(request.param))

    def ask(self, result, confidence_level, alternative="two-sided"):
        return result.interval(confidence_level, alternative)

    def center(self, result):
        return result.marginal.max(axis=1)

    def test_one_sided_ends_are_two_sided_ends_at_twice_the_error(self, result):
        """Not here: one inequality for both sides is shorter than one for each, and longer than one for one side."""
        for level in (0.6, 0.8, 0.95):
            error = 1 - level
            half, low, high = (
                self.ask(result, at, side).to_numpy()
                for at, side in ((level, "two-sided"), (level, "greater"), (level, "less"))
            )
            assert (low[:, 0] >= half[:, 0]).all()
            assert (high[:, 1] <= half[:, 1]).all()
            assert (self.ask(result, 1 - error / 2, "greater").lower <= half[:, 0]).all()
            assert (self.ask(result, 1 - error / 2, "less").upper >= half[:, 1]).all()


def test_classes_by_name_and_by_number():
    pairs = PairDistribution(mixtures(n=4), classes=["a", "b", "c"])
    plain = PairDistribution(mixtures(n=4))
    assert np.array_equal(pairs.epistemic_confidence("b"), plain.epistemic_confidence(1))
    per_row = pairs.epistemic_confidence(["a", "c", "b", "b"])
    assert np.array_equal(per_row, plain.epistemic_confidence()[np.arange(4), [0, 2, 1, 1]])
    assert pairs.interval(y="c") == plain.interval(y=np.full(4, 2))
    for bad in ("d", ["a", "b"], 1.5, ["a", "b", "c", "d"], [None] * 4):
        with pytest.raises(InputError):
            pairs.epistemic_confidence(bad)
    with pytest.raises(InputError, match="numbered from 0"):
        plain.interval(y=3)


def test_rows_can_be_picked():
    pairs = PairDistribution(mixtures(), classes=["a", "b", "c"])
    assert np.array_equal(pairs[2:5].joint, pairs.joint[2:5])
    assert len(pairs[3]) == 1
    assert np.array_equal(pairs[pairs.marginal[:, 0] > 0.3].marginal, pairs.marginal[pairs.marginal[:, 0] > 0.3])
    logits = PairDistribution.from_logits(np.log(mixtures()))
    assert np.array_equal(logits[[4, 1]].epistemic_variance, logits.epistemic_variance[[4, 1]])
    with pytest.raises(InputError, match="at least one row"):
        pairs[5:5]
    for bad in (99, [True, False], "a", 1.5, [[0, 1], [1, 0]]):
        with pytest.raises(InputError):
            pairs[bad]
    groups = PairDistribution.from_counts([[2, 0], [0, 2]] * 4, np.repeat(["x", "y"], 4))
    assert groups[1].index == ("y",)
    assert groups[[1, 0]].interval().index == ("y", "x")


def test_results_behave_as_results():
    require("matplotlib").use("Agg")
    require("pandas")
    for pairs in (
        PairDistribution(mixtures()),
        PairDistribution.from_logits(np.log(mixtures())),
        PairDistribution(EYE),
    ):
        assert pickle.loads(pickle.dumps(pairs)) == pairs
        for thing in (pairs, pairs.diagnose(), pairs.decompose()):
            assert pickle.loads(pickle.dumps(thing)) == thing
            assert str(thing)
            assert repr(thing)
            assert thing._repr_html_()
            assert len(thing.to_frame()) == len(pairs)
            assert thing.to_dict()
            assert thing.plot().get_xlabel()
        with pytest.raises(ValueError):
            pairs.joint[0, 0, 0] = 1.0
        with pytest.raises(AttributeError):
            pairs.joint = 0
        assert pairs != 3
        assert not pairs.certified
    assert PairDistribution(mixtures()) != PairDistribution(mixtures(1))


def test_index_of_a_frame_comes_through():
    pd = require("pandas")
    joint = mixtures(n=3)
    frame = pd.DataFrame(joint.reshape(3, 9), index=["x", "y", "z"])
    pairs = PairDistribution(frame)
    assert np.array_equal(pairs.joint, PairDistribution(joint).joint)
    assert pairs.interval().index.tolist() == ["x", "y", "z"]
    assert pairs[1:].interval().index.tolist() == ["y", "z"]
    assert pickle.loads(pickle.dumps(pairs)) == pairs
    assert "z" in str(pairs)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_containers(kind):
    joint = mixtures(n=8, digits=64)
    given = in_container(kind, joint.reshape(8, 9))
    pairs = PairDistribution(given)
    assert np.allclose(pairs.joint, joint, rtol=1e-15, atol=0)
    if not kind.startswith(("pandas", "polars", "pyarrow")):
        assert np.allclose(PairDistribution(in_container(kind, joint)).joint, joint, rtol=1e-15, atol=0)
    logits = np.round(np.random.default_rng(0).normal(size=(8, 9)) * 16) / 16
    expected = PairDistribution.from_logits(logits)
    assert np.allclose(PairDistribution.from_logits(in_container(kind, logits)).joint, expected.joint, rtol=1e-12)


def test_inputs_stay_as_they_are_and_are_not_kept():
    joint = mixtures()
    before = joint.copy()
    pairs = PairDistribution(joint)
    kept = pairs.joint.copy()
    assert np.array_equal(joint, before)
    joint[...] = 0
    assert np.array_equal(pairs.joint, kept)
    logits = np.log(mixtures())
    before = logits.copy()
    PairDistribution.from_logits(logits).project()
    assert np.array_equal(logits, before)


@pytest.mark.parametrize(
    ("joint", "words"),
    [
        (np.ones((2, 3, 3)), "must sum to 1"),
        (np.zeros((2, 3, 3)), "must sum to 1"),
        (-np.ones((1, 2, 2)), "none negative or missing"),
        (np.full((1, 2, 2), np.nan), "none negative or missing"),
        (np.full((1, 2, 2), np.inf), "must sum to 1"),
        (np.array([[[0.5, np.inf], [0.25, 0.25]]]), "must sum to 1"),
        (np.ones((2, 3)) / 3, "must have shape"),
        (np.eye(2) / 2, "must have shape"),
        (np.ones((3, 1, 1)), "must have shape"),
        (np.empty((0, 2, 2)), "at least one row"),
        ("abc", "must be an array"),
        (None, "must be an array"),
        ([[["a", "b"], ["c", "d"]]], "real numbers"),
    ],
)
def test_bad_joints_are_refused(joint, words):
    with pytest.raises(InputError, match=words):
        PairDistribution(joint)


def test_other_bad_input_is_refused():
    with pytest.raises(InputError, match="-inf for pairs that cannot be"):
        PairDistribution.from_logits(np.full((1, 2, 2), -np.inf))
    for bad in (np.nan, np.inf, -1e200):
        with pytest.raises(InputError):
            PairDistribution.from_logits(np.array([[[bad, 0], [0, 0]]]))
    with pytest.raises(InputError, match="conditional must have shape"):
        PairDistribution.from_conditionals([[0.5, 0.5]], np.ones((1, 3, 3)) / 3)
    with pytest.raises(InputError, match="sum to 1"):
        PairDistribution.from_conditionals([[0.5, 0.5]], [[[0.5, 0.5], [0.9, 0.9]]])
    with pytest.raises(InputError, match="none twice"):
        PairDistribution(EYE, classes=["a", "a"])
    for level in (0, 1, 90, None, "0.9"):
        with pytest.raises(InputError):
            PairDistribution(EYE).interval(level)
    with pytest.raises(InputError):
        PairDistribution(EYE).interval(0.9, "both")
