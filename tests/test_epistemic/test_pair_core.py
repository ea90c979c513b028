"""The arithmetic of joints against loops, extended precision and the definition."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from uq.epistemic import _pair_core as core
from uq.epistemic._pair_rounding import DOUBLE, logit_slack

from .naive import World


def free_joints(seed, n=40, k=4, spread=0.5):
    return np.random.default_rng(seed).dirichlet(np.full(k * k, spread), n).reshape(n, k, k)


def test_symmetric_is_the_mean_with_the_transpose_row_by_row():
    joint = free_joints(0)
    out, m, sums, asymmetry, least = core.symmetric(joint)
    for i, x in enumerate(joint):
        assert np.allclose(out[i], (x + x.T) / 2, rtol=0, atol=1e-16)
        assert np.allclose(m[i], (x.sum(axis=0) + x.sum(axis=1)) / 2, rtol=1e-14)
        assert asymmetry[i] == pytest.approx(np.abs(x - x.T).max(), rel=1e-12)
    assert least == joint.min()
    assert np.allclose(sums, 1)


def test_blocks_do_not_change_a_row(monkeypatch):
    joint = free_joints(1, n=1000, k=3)
    whole = core.symmetric(joint)
    monkeypatch.setattr(core, "_BLOCK", 9 * 7)
    parts = core.symmetric(joint)
    for a, b in zip(whole, parts, strict=True):
        assert np.array_equal(a, b)
    assert sum(len(range(s.start, min(s.stop, 1000))) for s in core.blocks(1000, 9)) == 1000


def test_one_row_that_does_not_sum_to_one_leaves_the_others_alone():
    joint = free_joints(2)
    off = joint.copy()
    off[3] *= 1.0005
    a, b = core.symmetric(joint)[0], core.symmetric(off)[0]
    assert np.array_equal(np.delete(a, 3, axis=0), np.delete(b, 3, axis=0))
    assert b[3].sum() == pytest.approx(1, abs=1e-15)


def test_softmax_in_log_space_is_the_softmax():
    logits = np.random.default_rng(3).normal(0, 3, (30, 4, 4))
    joint, m, log_m, log_d, size, asymmetry = core.symmetric_softmax(logits)
    p = special.softmax(logits.reshape(30, -1), axis=1).reshape(30, 4, 4)
    sym = (p + p.transpose(0, 2, 1)) / 2
    assert np.allclose(joint, sym, rtol=1e-13)
    assert np.allclose(m, sym.sum(axis=2), rtol=1e-13)
    assert np.allclose(np.exp(log_m), m, rtol=1e-13)
    assert np.allclose(np.exp(log_d), np.diagonal(sym, axis1=1, axis2=2), rtol=1e-13)
    assert np.allclose(asymmetry, np.abs(p - p.transpose(0, 2, 1)).max(axis=(1, 2)))
    large = np.maximum(np.abs(logits), np.abs(logits.transpose(0, 2, 1)))
    for i in range(30):
        mean = [sym[i, k] @ large[i, k] / m[i, k] for k in range(4)]
        assert np.allclose(size[i], [2 * mean[k] + abs(logits[i, k, k]) + m[i] @ mean for k in range(4)])


def test_averaging_logits_is_another_thing_than_averaging_probabilities():
    logits = np.array([[[0.0, 4.0], [0.0, 0.0]]])
    joint = core.symmetric_softmax(logits)[0]
    averaged = core.symmetric_softmax((logits + logits.transpose(0, 2, 1)) / 2)[0]
    assert np.abs(joint - averaged).max() > 0.04


def test_logarithms_keep_what_underflows():
    # class 1 has probability e^-800, and repeats itself always
    logits = np.array([[[0.0, -np.inf], [-np.inf, -800.0]]])
    joint, _, log_m, log_d, size, _ = core.symmetric_softmax(logits)
    assert joint[0, 1, 1] == 0
    assert np.isfinite(size).all()
    assert log_m[0, 1] == pytest.approx(-800)
    variance, confidence = core.log_cells(log_m, log_d, logit_slack(log_m, size, DOUBLE))
    assert variance[0, 1] == 0  # e^-800
    assert confidence[0, 1] == 0  # e^-800 again: known to be unknown, not NaN
    logits = np.array([[[0.0, -300.0], [-300.0, -600.0]]])  # independent: e^-300 is known
    _, _, log_m, log_d, size, _ = core.symmetric_softmax(logits)
    variance, confidence = core.log_cells(log_m, log_d, logit_slack(log_m, size, DOUBLE))
    assert confidence[0].tolist() == pytest.approx([1.0, 1.0])
    assert (variance >= 0).all()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.floats(1e-12, 1), st.floats(1e-12, 1))
def test_variance_and_confidence_are_right_to_the_last_digits(m, q):
    d = m * q
    exact_m, exact_d = Fraction(m), Fraction(d)
    variance = float(exact_d - exact_m**2)
    assert core.pair_variance(m, d) == pytest.approx(variance, rel=1e-9, abs=2e-16 * m * m)
    by_logs = core.log_variance(np.array([math.log(m)]), np.array([math.log(d)]))[0]
    assert by_logs == pytest.approx(variance, rel=1e-9, abs=1e-13 * max(m * m, d))
    assert core.confidence_ratio(m, d) == pytest.approx(float(exact_m**2 / exact_d), rel=1e-12)


def test_log_variance_at_the_ends():
    inf = np.inf
    log_m = np.array([-inf, 0.0, -400.0, -1.0, -1.0])
    log_d = np.array([-inf, 0.0, -401.0, -inf, -1.0])
    with np.errstate(all="raise", under="ignore"):
        out = core.log_variance(log_m, log_d)
    assert out.tolist() == pytest.approx([0, 0, math.exp(-401), -math.exp(-2), math.exp(-1) - math.exp(-2)])


def test_cells_keep_negatives_and_forgive_rounding():
    m = np.array([[0.5, 0.5, 0.5, 0.0]])
    d = np.array([[0.25 - 1e-17, 0.2, 0.4, 0.0]])
    variance, confidence = core.cells(m, d, 1e-14)
    assert variance[0, 0] == 0
    assert confidence[0, 0] == 1
    assert variance[0, 1] == pytest.approx(-0.05)
    assert np.isnan(confidence[0, 1])
    assert confidence[0, 2] == pytest.approx(0.625)
    assert (variance[0, 3], confidence[0, 3]) == (0, 0)
    assert np.isnan(core.cells(np.array([[0.3]]), np.array([[-0.1]]), 1e-14)[1]).all()
    assert np.isnan(core.cells(np.array([[1e-200]]), np.array([[0.0]]), 1e-14)[1]).all()


def test_variances_alone_are_those_of_the_cells(monkeypatch):
    joint, m, _, _, _ = core.symmetric(free_joints(8, n=500, k=3, spread=0.2))
    known = m[:250, :, None] * m[:250, None, :]
    m[:250] = known.sum(axis=2)  # rounding around 0
    d = np.diagonal(np.concatenate([known, joint[250:]]), axis1=1, axis2=2).copy()
    d[:5] = -0.1
    monkeypatch.setattr(core, "_BLOCK", 64)
    for tolerance in (0.0, 1e-14, 1e-3):
        assert np.array_equal(core.variances(m, d, tolerance), core.cells(m, d, tolerance)[0])


def test_mutual_information_is_the_sum_over_cells():
    joint = core.symmetric(free_joints(4))[0]
    joint[0] = np.diag([1.0, 0, 0, 0])
    joint[1] = np.diag([0.5, 0.5, 0, 0])
    m = joint.sum(axis=2)
    found = core.mutual_information(joint, m)
    for i in range(len(joint)):
        sum_ = sum(
            joint[i, a, b] * math.log(joint[i, a, b] / (m[i, a] * m[i, b]))
            for a in range(4)
            for b in range(4)
            if joint[i, a, b] > 0
        )
        assert found[i] == pytest.approx(max(sum_, 0), abs=1e-14)
        assert found[i] == pytest.approx(2 * special.entr(m[i]).sum() - special.entr(joint[i]).sum(), abs=1e-12)


def test_pair_information_is_below_that_of_one_response_about_the_member():
    rng = np.random.default_rng(5)
    for _ in range(300):
        weight, q = rng.dirichlet(np.ones(5)), rng.dirichlet(np.full(3, 0.4), 5)
        joint = np.einsum("r,rk,rl->kl", weight, q, q)[None]
        m = joint.sum(axis=2)
        bald = special.entr(m[0]).sum() - weight @ special.entr(q).sum(axis=1)
        assert core.mutual_information(joint, m)[0] <= bald + 1e-12


def test_covariance_is_that_of_the_group():
    for seed in range(20):
        world = World(seed)
        out, m, _, _, _ = core.symmetric(world.joint)
        assert np.abs(core.covariance(out, m) - world.covariance()).max() < 1e-15
        assert (core.least_eigenvalue(out, m) > -1e-15).all()


def test_projection_is_the_nearest_and_keeps_the_marginals():
    joint, m, _, _, _ = core.symmetric(free_joints(6, n=60, spread=0.1))
    before = core.covariance(joint, m)
    bad = core.least_eigenvalue(joint, m) < -1e-12
    assert bad.sum() > 10
    out = core.projected(joint, m, 1e-14)
    after = core.covariance(out, m)
    assert (np.linalg.eigvalsh(after)[:, 0] > -1e-14).all()
    assert np.abs(out.sum(axis=2) - m).max() < 1e-14
    assert np.abs(out.sum(axis=(1, 2)) - 1).max() < 1e-14
    assert (np.diagonal(after - before, axis1=1, axis2=2) > -1e-14).all()
    assert np.array_equal(out[~bad], joint[~bad])
    assert (out < 0).any()
    # no other positive semi-definite matrix is nearer: try mixtures with random ones
    rng = np.random.default_rng(7)
    distance = ((after - before) ** 2).sum(axis=(1, 2))
    for _ in range(200):
        root = rng.normal(size=(60, 4, 4)) * 0.1
        other = root @ root.transpose(0, 2, 1)
        for step in (0.01, 0.3):
            moved = (1 - step) * after + step * other
            assert (((moved - before) ** 2).sum(axis=(1, 2)) >= distance - 1e-14).all()
