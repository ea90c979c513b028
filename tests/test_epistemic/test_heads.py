"""The heads against the likelihood of pairs written out in NumPy."""

import numpy as np
import pytest
from contracts import require

from uq.epistemic import PairDistribution, ScaledVariance, pair_counts
from uq.exceptions import InputError

torch = require("torch")

from uq.epistemic.heads import (  # noqa: E402
    DirichletHead,
    DirichletLaw,
    JointHead,
    JointLaw,
    MixtureHead,
    MixtureLaw,
    pair_log_loss,
)

HEADS = {
    "joint": lambda d, k: JointHead(d, k),
    "mixture": lambda d, k: MixtureHead(d, k, 4),
    "one component": lambda d, k: MixtureHead(d, k, 1),
    "dirichlet": lambda d, k: DirichletHead(d, k),
}
PRECISIONS = {"float32": 2e-6, "float64": 1e-13}
every_head = pytest.mark.parametrize("head", HEADS)


@pytest.fixture(autouse=True)
def seeded():
    state = torch.random.get_rng_state()
    torch.manual_seed(0)
    yield
    torch.random.set_rng_state(state)


def softmax(x):
    p = np.exp(x - x.max(axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)


def table(module, features):
    """Return J of each row from a head's weights, with loops over rows and pairs of classes."""
    layers = [layer for layer in module.modules() if isinstance(layer, torch.nn.Linear)]  # those of a mixture are two
    weight, bias = (
        np.concatenate([getattr(layer, name).detach().double().numpy() for layer in layers])
        for name in ("weight", "bias")
    )
    k, found = module.n_classes, []
    for out in features.double().numpy() @ weight.T + bias:
        if isinstance(module, JointHead):
            logits, at = np.empty((k, k)), 0
            for i in range(k):
                for j in range(i, k):
                    logits[i, j] = logits[j, i] = out[at]
                    at += 1
            J = softmax(logits.ravel()).reshape(k, k)
        elif isinstance(module, MixtureHead):
            r = module.n_components
            q, w = softmax(out[: r * k].reshape(r, k)), softmax(out[r * k :])
            J = sum(w[c] * np.outer(q[c], q[c]) for c in range(r))
        else:
            m, rho = softmax(out[:k]), 1 / (1 + np.exp(-out[k]))
            J = rho * np.diag(m) + (1 - rho) * np.outer(m, m)
        found.append(J)
    return np.array(found)


def loss_by_pairs(J, counts):
    """Return -mean log J over all ordered pairs of different answers."""
    answers = np.repeat(np.arange(len(counts)), counts)
    pairs = [(a, b) for i, a in enumerate(answers) for j, b in enumerate(answers) if i != j]
    return -np.mean([np.log(J[a, b]) for a, b in pairs])


def draw_counts(n, k, most=6):
    rng = np.random.default_rng(3)
    return np.array([rng.multinomial(rng.integers(2, most + 1), rng.dirichlet(np.full(k, 0.7))) for _ in range(n)])


@every_head
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("k", [2, 3, 7])
def test_a_head_is_its_formula(head, precision, k):
    module = HEADS[head](5, k).to(getattr(torch, precision))
    features = 2 * torch.randn(9, 5, dtype=getattr(torch, precision))
    law, J, atol = module(features), table(module, features), PRECISIONS[precision]
    with torch.no_grad():
        assert np.allclose(law.joint(), J, rtol=0, atol=atol)
        assert np.allclose(law.log_marginal().exp(), J.sum(axis=2), rtol=0, atol=atol)
        first, second = (torch.arange(k).repeat(9, 1)[:, order] for order in (slice(None), torch.randperm(k)))
        rows = np.arange(9)[:, None]
        assert np.allclose(law.log_prob(first, second).exp(), J[rows, first.numpy(), second.numpy()], rtol=0, atol=atol)


@every_head
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_loss_is_the_mean_over_ordered_pairs(head, precision):
    module, counts = HEADS[head](5, 4).to(getattr(torch, precision)), draw_counts(12, 4)
    features = torch.randn(12, 5, dtype=getattr(torch, precision))
    J = table(module, features)
    expected = np.array([loss_by_pairs(J[i], counts[i]) for i in range(12)])
    law, tensor = module(features), torch.from_numpy(counts)
    rtol = 10 * PRECISIONS[precision]
    for given in (tensor, tensor.to(torch.float32), tensor.to(torch.int32)):
        assert np.allclose(pair_log_loss(law, given, "none").detach(), expected, rtol=rtol)
    assert np.isclose(pair_log_loss(law, tensor).item(), expected.mean(), rtol=rtol)
    assert np.isclose(pair_log_loss(law, tensor, "sum").item(), expected.sum(), rtol=rtol)
    assert np.allclose(expected, -(pair_counts(counts) * np.log(J)).sum(axis=(1, 2)))


def test_a_tensor_of_log_probabilities_is_a_law():
    J, counts = np.random.default_rng(0).dirichlet(np.ones(9), size=6).reshape(6, 3, 3), draw_counts(6, 3)
    J = (J + J.transpose(0, 2, 1)) / 2
    expected = [loss_by_pairs(J[i], counts[i]) for i in range(6)]
    assert np.allclose(pair_log_loss(torch.from_numpy(np.log(J)), torch.from_numpy(counts), "none"), expected)


def test_pairs_that_were_not_seen_may_be_impossible():
    logs = torch.tensor([[[0.5, 0.5], [0.0, 0.0]]]).log().requires_grad_()
    loss = pair_log_loss(logs, torch.tensor([[3, 0]]))
    loss.backward()
    assert np.isclose(loss.item(), np.log(2))
    assert torch.isfinite(logs.grad).all()
    assert pair_log_loss(logs, torch.tensor([[0, 2]])).item() == np.inf


@every_head
def test_every_table_is_symmetric_and_sums_to_one(head):
    J = HEADS[head](4, 6)(5 * torch.randn(200, 4)).joint().detach().double().numpy()
    assert np.allclose(J, J.transpose(0, 2, 1), rtol=0, atol=1e-7)
    assert np.allclose(J.sum(axis=(1, 2)), 1, rtol=0, atol=1e-6)
    assert (J >= 0).all()


@pytest.mark.parametrize("head", ["mixture", "one component", "dirichlet"])
@pytest.mark.parametrize("scale", [0.1, 3.0, 100.0])
def test_mixture_and_dirichlet_never_contradict_themselves(head, scale):
    with torch.no_grad():
        J = HEADS[head](4, 5).double()(scale * torch.randn(500, 4, dtype=torch.float64)).joint().numpy()
    pairs = PairDistribution(J)
    found = pairs.diagnose()
    assert found.least_eigenvalue.min() > -1e-14
    assert (pairs.epistemic_variance >= 0).all()
    assert not found.negative_variances.any()
    confidence = pairs.epistemic_confidence()  # a NaN would warn
    assert (confidence >= 0).all()
    assert (confidence <= 1).all()
    if head == "one component":
        assert np.allclose(pairs.epistemic_variance, 0, atol=1e-14)


def test_the_joint_head_can_contradict_itself_and_diagnose_tells():
    with torch.no_grad():
        J = JointHead(4, 3).double()(5 * torch.randn(300, 4, dtype=torch.float64)).joint().numpy()
    found = PairDistribution(J).diagnose()
    assert found.least_eigenvalue.min() < -0.01
    assert found.negative_variances.any()


def test_the_dirichlet_law_is_that_of_scaled_variance():
    m, rho = np.random.default_rng(1).dirichlet(np.ones(4), size=8), 0.3
    law = DirichletLaw(torch.from_numpy(m).log(), torch.full((8,), np.log(rho / (1 - rho)), dtype=torch.float64))
    scaled = ScaledVariance().fit(m, np.full((8, 4), 2))
    scaled.scale_ = rho
    assert np.allclose(law.joint(), scaled.predict_pair(m).joint)


def test_the_dirichlet_law_is_the_second_moment_of_a_dirichlet():
    m, rho = np.array([0.2, 0.3, 0.5]), 0.25
    p = np.random.default_rng(0).dirichlet(m * (1 / rho - 1), size=400_000)
    law = DirichletLaw(torch.from_numpy(m)[None].log(), torch.tensor([np.log(rho / (1 - rho))]))
    assert np.allclose(law.joint()[0], p.T @ p / len(p), atol=2e-3)


@every_head
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_gradients_are_finite(head, precision, scale):
    module = HEADS[head](5, 4).to(getattr(torch, precision))
    features = (scale * torch.randn(20, 5, dtype=getattr(torch, precision))).requires_grad_()
    pair_log_loss(module(features), torch.from_numpy(draw_counts(20, 4))).backward()
    for tensor in (features, *module.parameters()):
        assert torch.isfinite(tensor.grad).all()


@every_head
def test_gradients_are_those_of_differences(head):
    module, counts = HEADS[head](3, 3).double(), torch.from_numpy(draw_counts(4, 3))
    features = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: pair_log_loss(module(x), counts), (features,))


def test_parameters_are_counted():
    d, k, r = 7, 5, 3
    sizes = {
        "joint": (JointHead(d, k), (d + 1) * k * (k + 1) // 2),
        "mixture": (MixtureHead(d, k, r), (d + 1) * r * (k + 1)),
        "dirichlet": (DirichletHead(d, k), (d + 1) * (k + 1)),
    }
    for module, expected in sizes.values():
        assert sum(p.numel() for p in module.parameters()) == expected


@pytest.mark.parametrize("kind", ["mixture", "dirichlet"])
def test_the_loss_needs_no_table_of_many_classes(kind):
    k = 20_000  # the table of one row would hold 400 million numbers
    law = (
        MixtureLaw(torch.zeros(3, 1), torch.zeros(3, 1, k) - np.log(k))
        if kind == "mixture"
        else DirichletLaw(torch.zeros(3, k) - np.log(k), torch.full((3,), -50.0))
    )
    counts = torch.zeros(3, k, dtype=torch.int64)
    counts[:, :2] = 1
    assert np.isclose(pair_log_loss(law, counts).item(), 2 * np.log(k), rtol=1e-5)


def test_the_law_of_pairs_is_learned():
    """Two kinds of rows that look alike: sure of A, sure of B; and rows that are coins."""
    coin = torch.arange(200) % 2
    counts = torch.where(coin[:, None] == 1, torch.tensor([[1, 1]]), torch.tensor([[0, 0]]))
    counts[coin == 0] = torch.tensor([[2, 0], [0, 2]]).repeat(50, 1)
    features = torch.stack([coin, 1 - coin], 1).float()
    for head in ("joint", "mixture"):
        module = HEADS[head](2, 2)
        optimizer = torch.optim.Adam(module.parameters(), lr=0.3)
        for _ in range(40):
            optimizer.zero_grad()
            pair_log_loss(module(features), counts).backward()
            optimizer.step()
        pairs = PairDistribution(module(features[:2]).joint().detach().double().numpy())
        assert np.allclose(pairs.marginal, 0.5, atol=0.05)
        assert pairs.epistemic_variance[0, 0] > 0.2
        assert pairs.epistemic_variance[1, 0] < 0.01


@pytest.mark.parametrize(("head", "k"), [("joint", 2), ("joint", 4), ("dirichlet", 2)])
def test_where_the_head_can_say_all_it_learns_the_shares_of_pairs(head, k):
    """With one indicator per kind of row the least loss is known: the mean of the pairs that were seen."""
    rng, kinds = np.random.default_rng(5), np.arange(600) % 3
    p = np.array([rng.dirichlet(np.full(k, 0.4)) for _ in kinds])
    counts = np.array([rng.multinomial(5, row) for row in p])
    module, features = HEADS[head](3, k).double(), torch.eye(3, dtype=torch.float64)[kinds]
    optimizer = torch.optim.LBFGS(module.parameters(), max_iter=400, line_search_fn="strong_wolfe", tolerance_grad=1e-9)

    def closure():
        optimizer.zero_grad()
        loss = pair_log_loss(module(features), torch.from_numpy(counts))
        loss.backward()
        return loss

    optimizer.step(closure)
    expected = np.array([pair_counts(counts[kinds == kind]).mean(axis=0) for kind in range(3)])
    with torch.no_grad():
        assert np.allclose(module(torch.eye(3, dtype=torch.float64)).joint(), expected, atol=1e-5)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision_keeps_the_weights_of_many_answers(precision):
    logs = torch.tensor([[[0.25, 0.25], [0.25, 0.25]]]).log().to(getattr(torch, precision))
    loss = pair_log_loss(logs, torch.tensor([[3001, 1500]]))
    assert loss.dtype == torch.float32
    assert np.isclose(loss.item(), np.log(4), rtol=1e-2)


@pytest.mark.parametrize(
    ("law", "counts", "reduction", "words"),
    [
        (torch.zeros(2, 3, 3), torch.ones(2, 4), "mean", r"counts must be a tensor of shape \(2, 3\)"),
        (torch.zeros(2, 3, 3), [[1, 1, 0]] * 2, "mean", "counts must be a tensor"),
        (torch.zeros(2, 3, 3), torch.tensor([[1, 1, 0], [1, 0, 0]]), "mean", "two answers or more .* got 1 in row 1"),
        (torch.zeros(2, 3, 3), torch.tensor([[1, 1, 0], [3, 0, -1]]), "mean", "whole numbers; got -1 in row 1"),
        (torch.zeros(2, 3, 3).int(), torch.ones(2, 3), "mean", "floating-point numbers; got torch.int32"),
        (torch.zeros(2, 3, 3).bool(), torch.ones(2, 3), "mean", "floating-point numbers; got torch.bool"),
        (torch.zeros(2, 3, 3), torch.tensor([[3, -1, 0], [1, 1, 0]]), "mean", "non-negative"),
        (torch.zeros(2, 3, 3), torch.tensor([[1.5, 0.5, 0], [1, 1, 0]]), "mean", "whole numbers; got 1.5 in row 0"),
        (torch.zeros(2, 3, 3), torch.full((2, 3), np.nan), "mean", "whole numbers"),
        (torch.zeros(2, 3), torch.ones(2, 3), "mean", "law must have shape"),
        (np.zeros((2, 3, 3)), torch.ones(2, 3), "mean", "what a head returned"),
        (torch.zeros(2, 3, 3), torch.ones(2, 3), "median", "reduction"),
    ],
)
def test_bad_input_is_refused(law, counts, reduction, words):
    with pytest.raises(InputError, match=words):
        pair_log_loss(law, counts, reduction)


@pytest.mark.parametrize("make", [JointHead, MixtureHead, DirichletHead])
@pytest.mark.parametrize("sizes", [(0, 3), (4, 1), (4.0, 3), (4, "3"), (True, 3)])
def test_bad_sizes_are_refused(make, sizes):
    with pytest.raises(InputError, match=f"{make.__name__}: n_"):
        make(*sizes)


def test_bad_numbers_of_components_are_refused():
    with pytest.raises(InputError, match="n_components"):
        MixtureHead(4, 3, 0)


def test_laws_go_through_what_passes_tuples_on():
    """Named tuples of tensors, so that torch's own containers can move them."""
    for law in (JointLaw(torch.zeros(1, 2, 2)), DirichletHead(2, 3)(torch.ones(1, 2))):
        assert isinstance(law, tuple)
        assert all(isinstance(part, torch.Tensor) for part in law)


def test_counts_that_are_none_are_refused():
    law = DirichletHead(5, 3)(torch.ones(2, 5))
    for bad, words in (
        (torch.tensor([[torch.inf, 1, 1], [1, 1, 0]]), "non-negative whole numbers"),
        (torch.tensor([[torch.nan, 1, 1], [1, 1, 0]]), "non-negative whole numbers"),
        (torch.ones(2, 3, dtype=torch.bool), "whole numbers; got torch.bool"),
        (torch.ones(2, 3, dtype=torch.complex64), "whole numbers; got torch.complex64"),
    ):
        with pytest.raises(InputError, match=words):
            pair_log_loss(law, bad)
    with pytest.raises(InputError, match="with some row"):
        pair_log_loss(DirichletHead(5, 3)(torch.ones(0, 5)), torch.ones(0, 3))
