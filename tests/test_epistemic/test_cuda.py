"""On a GPU the heads say what they say on the CPU. Skipped where there is none, also in CI."""

import numpy as np
import pytest
from contracts import require

import uq
from calibration import TemperatureScaling, expected_calibration_error, smooth_calibration_error
from causal import PredictionPowered
from uq.epistemic import PairDistribution, PairHeadClassifier, decompose_samples

torch = require("torch")

from uq.epistemic.heads import DirichletHead, JointHead, MixtureHead, pair_log_loss  # noqa: E402

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

HEADS = {
    "joint": lambda: JointHead(5, 4),
    "mixture": lambda: MixtureHead(5, 4, 3),
    "dirichlet": lambda: DirichletHead(5, 4),
}
PRECISIONS = {"float32": 1e-5, "float64": 1e-12}


def counts_of(n, k=4):
    rng = np.random.default_rng(3)
    return torch.from_numpy(np.array([rng.multinomial(rng.integers(2, 7), np.ones(k) / k) for _ in range(n)]))


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_laws_losses_and_gradients_agree_with_the_cpu(head, precision):
    dtype, tolerance = getattr(torch, precision), PRECISIONS[precision]
    torch.manual_seed(0)
    here, features, counts = HEADS[head]().to(dtype), torch.randn(64, 5, dtype=dtype), counts_of(64)
    there = HEADS[head]().to(dtype).cuda()
    there.load_state_dict(here.state_dict())
    law, other = here(features), there(features.cuda())
    first, second = torch.arange(4).repeat(64, 1), torch.arange(4).flip(0).repeat(64, 1)
    for a, b in (
        (law.joint(), other.joint()),
        (law.log_marginal(), other.log_marginal()),
        (law.log_prob(first, second), other.log_prob(first.cuda(), second.cuda())),
        (pair_log_loss(law, counts, "none"), pair_log_loss(other, counts.cuda(), "none")),
        (pair_log_loss(law, counts, "none"), pair_log_loss(other, counts, "none")),  # counts may stay on the CPU
    ):
        assert b.device.type == "cuda"
        assert torch.allclose(a, b.cpu(), rtol=tolerance, atol=tolerance)
    pair_log_loss(law, counts).backward()
    pair_log_loss(other, counts.cuda()).backward()
    for a, b in zip(here.parameters(), there.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad.cpu(), rtol=10 * tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("head", ["dirichlet", "mixture", "joint"])
def test_auto_learns_on_the_gpu_what_the_cpu_learns(head):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(2000, 6))
    p = 1 / (1 + np.exp(-2 * X[:, :1]))
    y = rng.multinomial(4, np.concatenate([p, 1 - p], axis=1))
    make = {"head": head, "hidden": (16,), "max_epochs": 20, "random_state": 0}
    here = PairHeadClassifier(**make, device="cpu").fit(X, y).predict_pair(X).joint
    there = PairHeadClassifier(**make).fit(X, y).predict_pair(X).joint
    assert np.abs(here - there).max() < 0.02
    assert np.abs(there[:, 0].sum(1) - p[:, 0]).mean() < 0.05


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_tensors_on_the_gpu_give_what_arrays_give(dtype):
    rng = np.random.default_rng(2)
    score = torch.tensor(rng.integers(0, 65, 400) / 64, dtype=getattr(torch, dtype), device="cuda")
    truth = torch.tensor(rng.integers(0, 2, 400), device="cuda")
    prob, y = score.double().cpu().numpy(), truth.cpu().numpy()
    assert uq.estimate_mean(score).conf_int() == uq.estimate_mean(prob).conf_int()
    for metric in (expected_calibration_error, smooth_calibration_error):
        assert metric(truth, score) == metric(y, prob)
    ppi = PredictionPowered().fit(score[:200], truth[:200].double())
    assert ppi.mean(score[200:]).estimate == PredictionPowered().fit(prob[:200], y[:200]).mean(prob[200:]).estimate
    logits = torch.randn(300, 5, device="cuda").to(getattr(torch, dtype)).requires_grad_()
    labels = torch.distributions.Categorical(logits=logits.detach().double()).sample()
    array = logits.detach().double().cpu().numpy()
    scaler = TemperatureScaling(input="logit")
    there, here = scaler.fit(logits, labels).predict_proba(logits), scaler.fit(array, labels.cpu()).predict_proba(array)
    assert np.array_equal(there, here)
    draws = torch.softmax(torch.randn(50, 8, 3, device="cuda"), -1)
    table = draws[:, 0, :, None] * draws[:, 0, None, :]
    assert np.array_equal(
        PairDistribution(table.double()).marginal, PairDistribution(table.double().cpu().numpy()).marginal
    )
    assert decompose_samples(draws.double()) == decompose_samples(draws.double().cpu().numpy())
