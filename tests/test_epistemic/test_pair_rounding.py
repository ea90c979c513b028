"""Half and single precision: what is off by rounding is forgiven, what is not is named, and nothing is made surer."""

import warnings

import numpy as np
import pytest
from contracts import require

from uq.epistemic import PairDistribution, decompose_samples, selective_answer
from uq.epistemic import _pair_rounding as rounding
from uq.exceptions import InputError

torch = require("torch")

TYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
coarse = pytest.mark.parametrize("kind", TYPES)


def made(joint, kind, source):
    """Return the distribution of a joint that came in as `kind`, by its logarithms or as it is."""
    with np.errstate(divide="ignore"):
        given = torch.tensor(np.log(joint) if source == "logits" else joint).to(TYPES[kind])
    return PairDistribution.from_logits(given) if source == "logits" else PairDistribution(given)


def contradiction(k):
    """Return a joint of k equally probable classes that repeat themselves by far less often than chance."""
    joint = np.full((k, k), 1.0 / k**2)
    joint[np.diag_indices(k)] *= 0.6 if k > 2 else 0.9
    off = ~np.eye(k, dtype=bool)
    joint[off] *= (1 - np.trace(joint)) / joint[off].sum()
    return joint[None]


def mixture(rng, n, k, r):
    q = rng.dirichlet(np.full(k, 0.5), (n, r)) + 1e-9
    q /= q.sum(axis=2, keepdims=True)
    return np.einsum("nrk,nrl->nkl", q, q) / r


@coarse
@pytest.mark.parametrize("source", ["logits", "joint"])
@pytest.mark.parametrize("k", [2, 5, 10, 30, 100])
def test_contradictions_are_seen_in_every_precision(kind, source, k):
    pairs = made(contradiction(k), kind, source)
    assert not pairs.diagnose().sound
    assert (pairs.epistemic_variance < 0).all()
    with pytest.warns(UserWarning, match="negative variance"):
        assert np.isnan(pairs.epistemic_confidence()).all()
    with pytest.warns(UserWarning, match="negative variance"):
        interval = pairs.interval()
    assert (interval.lower[0], interval.upper[0]) == (0, 1)
    assert selective_answer(pairs, 0.0, "argmax").answered == 0
    repaired = pairs.project()
    assert repaired.diagnose().negative_variances.sum() == 0
    assert not np.isnan(repaired.epistemic_confidence()).any()


@coarse
@pytest.mark.parametrize("source", ["logits", "joint"])
@pytest.mark.parametrize("k", [2, 3, 10, 60])
def test_rounding_is_no_contradiction_and_no_knowledge(kind, source, k):
    """Products (all is known) and mixtures of two, whose covariances have eigenvalues of 0."""
    rng = np.random.default_rng(k)
    n = 200 if k < 60 else 30
    for r in (1, 2, 4):
        joint = mixture(rng, n, k, r)
        pairs = made(joint, kind, source)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            said = pairs.epistemic_confidence()
            interval = pairs.interval(0.8)
        assert pairs.diagnose().sound
        assert (pairs.epistemic_variance >= 0).all()
        slack = np.broadcast_to(pairs._slack(), said.shape)
        truth = PairDistribution(joint).epistemic_confidence()
        # off by no more than the slack, and never certain
        seen = joint.diagonal(axis1=1, axis2=2) > (1e-7 if kind == "float16" else 1e-30)
        assert (said <= truth * np.exp(slack) * (1 + 1e-9))[seen].all()
        assert (said >= truth * np.exp(-2 * slack) * (1 - 1e-9))[seen].all()
        assert (said < 1).all()
        assert (interval.width > 0).all()


def test_single_precision_costs_next_to_nothing():
    p = np.random.default_rng(0).dirichlet(np.ones(5), 200)
    known = p[:, :, None] * p[:, None, :]
    for source in ("logits", "joint"):
        assert made(known, "float32", source).epistemic_confidence().min() > 1 - 1e-4
        assert made(known, "float32", source).interval().width.max() < 0.02


def test_a_softmax_in_single_precision_rounds_the_logits_first():
    torch.manual_seed(0)
    for k, n in ((2, 300), (5, 300), (40, 50)):
        for dtype in (torch.float32, torch.float64):
            p = (4 * torch.randn(n, k)).to(dtype)
            logits = p[:, :, None] + p[:, None, :]
            joint = torch.softmax(logits.flatten(1), 1).view(n, k, k)
            for pairs in (PairDistribution(joint), PairDistribution.from_logits(logits)):
                assert pairs.diagnose().sound
                assert not np.isnan(pairs.epistemic_confidence()).any()


def test_logits_far_from_zero_carry_more_rounding():
    logits = np.log(mixture(np.random.default_rng(0), 50, 3, 1))
    near, far = (PairDistribution.from_logits((logits + shift).astype(np.float32)) for shift in (0.0, 3e4))
    assert (far._slack() > 100 * near._slack()).all()
    for pairs in (near, far):
        assert not np.isnan(pairs.epistemic_confidence()).any()


def test_the_slack_bounds_what_rounding_does():
    """The error of log(m^2 / d), over joints and logits of all kinds."""
    rng = np.random.default_rng(3)
    for kind in TYPES:
        for k in (2, 4, 20):
            joint = mixture(rng, 100, k, 3)
            for source in ("logits", "joint"):
                pairs = made(joint, kind, source)
                exact = PairDistribution(joint)
                with np.errstate(divide="ignore", invalid="ignore"):
                    log = [
                        2 * np.log(each.marginal) - np.log(each.joint.diagonal(axis1=1, axis2=2))
                        for each in (pairs, exact)
                    ]
                    gap = np.abs(log[0] - log[1])
                assert (gap <= np.broadcast_to(pairs._slack(), gap.shape) + 1e-12)[np.isfinite(log[0])].all()


def test_double_precision_is_as_it_was():
    p = np.random.default_rng(0).dirichlet(np.ones(5), 1000)
    known = PairDistribution(np.einsum("ni,nj->nij", p, p))
    assert (known.epistemic_confidence() == 1).all()
    assert selective_answer(known, 0.0, "argmax").answered == 1
    assert selective_answer(known, 0.0, "argmax").hallucination_bound == 0
    assert known.diagnose().sound
    almost = PairDistribution([[[0.25 + 1e-9, 0.25 - 1e-9], [0.25 - 1e-9, 0.25 + 1e-9]]])
    assert (almost.epistemic_confidence() < 1).all()


def test_numbers_rounded_before_they_came_in_get_a_hint():
    p = np.random.default_rng(0).dirichlet(np.ones(3), 50)
    single = (p[:, :, None] * p[:, None, :]).astype(np.float32)
    for rounded in (single.astype(float), single.astype(float).round(4)):
        with pytest.warns(UserWarning, match="in the dtype they were computed in"):
            PairDistribution(rounded).epistemic_confidence()
    assert not np.isnan(PairDistribution(single).epistemic_confidence()).any()


def test_dtype_of_what_came_in():
    values = np.full((2, 4), 0.25)
    for name, eps in (("float16", 2.0**-10), ("float32", 2.0**-23), ("float64", 2.0**-52)):
        assert rounding.input_eps(values.astype(name)) == eps
        assert rounding.input_eps(torch.tensor(values).to(getattr(torch, name))) == eps
        pd, pa, pl = require("pandas"), require("pyarrow"), require("polars")
        assert rounding.input_eps(pd.DataFrame(values.astype(name))) == eps
        assert rounding.input_eps(pa.table({str(j): values[:, j].astype(name) for j in range(4)})) == eps
        if name != "float16":
            assert rounding.input_eps(pl.DataFrame(values.astype(name))) == eps
    assert rounding.input_eps(torch.tensor(values).to(torch.bfloat16)) == 2.0**-7
    assert rounding.input_eps(values.tolist()) == rounding.input_eps(values.astype(int)) == 2.0**-52


def test_sums_of_half_precision_are_off_by_its_rounding():
    joint = torch.tensor(mixture(np.random.default_rng(0), 200, 2, 1)).to(torch.bfloat16)
    sums = joint.double().sum(dim=(1, 2))
    assert (sums - 1).abs().max() > 1e-3
    assert np.allclose(PairDistribution(joint).joint.sum(axis=(1, 2)), 1, atol=1e-12)
    with pytest.raises(InputError, match="must sum to 1"):
        PairDistribution(joint.double())


def test_a_square_table_of_logits_is_ambiguous():
    for side in (4, 9, 100):
        with pytest.raises(InputError, match=r"logits\[None\]"):
            PairDistribution.from_logits(np.zeros((side, side)))
        assert len(PairDistribution.from_logits(np.zeros((1, side, side)))) == 1
        k = round(side**0.5)
        assert len(PairDistribution.from_logits(np.zeros((side, k, k)))) == side
    assert len(PairDistribution.from_logits(np.zeros((5, 4)))) == 5
    assert len(PairDistribution(np.full((4, 4), 0.25))) == 4  # their sums tell


def test_lists_keep_the_dtype_of_what_they_hold():
    p = np.random.default_rng(0).dirichlet(np.ones(3), 50)
    single = (p[:, :, None] * p[:, None, :]).astype(np.float32)
    rows = (list(single), [list(row) for row in single], list(torch.tensor(single)), tuple(single.tolist()))
    assert [rounding.input_eps(each) for each in rows] == [2.0**-23] * 3 + [2.0**-52]
    assert rounding.input_eps([np.float32(1), 2.0]) == rounding.input_eps([[1, 2], np.zeros(2, np.float32)]) == 2.0**-23
    assert rounding.input_eps([]) == rounding.input_eps([True, 1, 0.5]) == rounding.input_eps([[1, 2], [3]]) == 2.0**-52
    pd = require("pandas")
    assert rounding.input_eps(pd.Series(p[:, 0].astype(np.float32))) == 2.0**-23
    assert rounding.input_eps([pd.DataFrame(row) for row in single]) == 2.0**-23
    for each in rows[:3]:
        assert PairDistribution(each).interval() == PairDistribution(single).interval()
        assert selective_answer(each, 0.01, "argmax").answered == 1


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("k", "n"), [(2, 2000), (3, 2000), (10, 400), (100, 20)])
def test_a_softmax_of_large_logits_is_no_contradiction(k, n, dtype):
    torch.manual_seed(0)
    for size in (1, 6, 10):
        p = (size * torch.randn(n, k, dtype=torch.float64)).to(dtype)
        if dtype == torch.float32:  # logits that are large beside their differences cannot be told from probabilities
            p -= p.mean(dim=1, keepdim=True)
        logits = p[:, :, None] + p[:, None, :]
        pairs = PairDistribution(torch.softmax(logits.flatten(1), 1).view(n, k, k))
        assert (pairs.epistemic_variance >= 0).all()
        confidence = pairs.epistemic_confidence()
        top = np.take_along_axis(confidence, pairs.marginal.argmax(axis=1)[:, None], axis=1)
        assert (top == 1).all() if dtype == torch.float64 else top.min() > 1 - 1e-4
        assert not np.isnan(PairDistribution.from_logits(logits + 1000).epistemic_confidence()).any()


def test_the_warning_names_what_always_works():
    p = 10 * np.random.default_rng(0).normal(size=(500, 3))
    logits = torch.tensor(p[:, :, None] + p[:, None, :]).to(torch.bfloat16)
    rounded = torch.softmax(logits.float().flatten(1), 1).view(-1, 3, 3)
    with pytest.warns(UserWarning, match="logits to from_logits"):
        PairDistribution(rounded).epistemic_confidence()
    assert not np.isnan(PairDistribution.from_logits(logits).epistemic_confidence()).any()


@coarse
@pytest.mark.parametrize("source", ["logits", "joint", "conditionals"])
def test_nothing_is_surer_than_the_rounded_numbers_allow(kind, source):
    """Over mixtures that are nearly certain and others, what was rounded is never told with more certainty."""
    rng = np.random.default_rng(1)
    for k, gap in ((2, 0.3), (2, 1.0), (5, 0.1), (20, 0.5)):
        p, other = rng.dirichlet(np.ones(k), (2, 500)) + 1e-6
        q = np.stack([p, (1 - gap) * p + gap * other], axis=1)
        q /= q.sum(axis=2, keepdims=True)
        w = rng.random(500)
        joint = np.einsum("nr,nrk,nrl->nkl", np.column_stack([w, 1 - w]), q, q)
        exact = PairDistribution(joint)
        if source == "conditionals":
            m = joint.sum(axis=2)
            pairs = PairDistribution.from_conditionals(
                *(torch.tensor(each).to(TYPES[kind]) for each in (m, joint / m[:, :, None]))
            )
        else:
            pairs = made(joint, kind, source)
        assert (pairs.epistemic_confidence() <= exact.epistemic_confidence() + 1e-12).all()
        assert (pairs._bounds()[0] >= exact.epistemic_variance - 1e-15).all()
        assert pairs.interval().width.mean() > exact.interval().width.mean()


@coarse
def test_the_table_splits_the_variance_that_it_shows(kind):
    pairs = made(mixture(np.random.default_rng(0), 20, 2, 1), kind, "joint")
    table = pairs._table()
    total = pairs.decompose().total
    assert np.allclose(table["epistemic"], np.minimum(pairs._bounds()[0].sum(axis=1), total))
    assert np.allclose(table["aleatoric"] + table["epistemic"], total)
    assert (table["aleatoric"] >= 0).all()
    assert (table["epistemic"] > pairs.decompose().epistemic).all()
    huge = PairDistribution(np.array([[[0.0, 1e-7], [1e-7, 1 - 2e-7]]], dtype=np.float16))._table()
    assert (huge["aleatoric"] >= 0).all()


def test_every_source_takes_half_precision():
    rng = np.random.default_rng(0)
    for kind in ("bfloat16", "float16"):
        p = torch.tensor(rng.dirichlet(np.ones(3), 500)).to(TYPES[kind])
        pairs = PairDistribution.from_conditionals(p, p[:, None, :].expand(500, 3, 3))
        assert not np.isnan(pairs.epistemic_confidence()).any()
        assert np.allclose(decompose_samples(torch.stack([p, p])).epistemic, 0)
        with pytest.raises(InputError, match="must sum to 1"):
            PairDistribution.from_conditionals(p.double() * 1.01, p[:, None, :].expand(500, 3, 3))
    for k in (200, 500):
        uniform = np.full((1, k, k), 1 / k**2, dtype=np.float16)
        assert abs(uniform.sum(dtype=float) - 1) > 1e-3
        assert not np.isnan(PairDistribution(uniform).epistemic_confidence()).any()
        with pytest.raises(InputError, match="must sum to 1"):
            PairDistribution(uniform.astype(float))
