"""The torch behind `PairHeadClassifier`: where it runs, its network, the training, and its answers as arrays."""

import copy
from itertools import pairwise

import torch
from torch import nn

from uq._base.exceptions import InputError

from .heads import DirichletHead, JointHead, MixtureHead, _pairs

__all__ = ["answers_of", "find_device", "make_network", "train_network"]

CHUNK = 2**22  # so many probabilities are computed at a time


def find_device(name, owner):
    """Return the torch device of that name; "auto" is a GPU of CUDA where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (TypeError, RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).split("\n")[0]
        raise InputError(f"{owner}: device must be 'auto' or one that torch can use; got {name!r}: {reason}") from None
    return device


def make_network(n_features, n_classes, head, n_components, hidden, rng):
    """Return layers and a head whose weights come from `rng`: torch's own generator is the caller's."""
    with torch.device("meta"):
        sizes = [n_features, *hidden]
        layers: list[nn.Module] = []
        for wide, narrow in pairwise(sizes):
            layers += [nn.Linear(wide, narrow), nn.ReLU()]
        if head == "mixture":
            layers.append(MixtureHead(sizes[-1], n_classes, n_components))
        else:
            layers.append({"dirichlet": DirichletHead, "joint": JointHead}[head](sizes[-1], n_classes))
        network = nn.Sequential(*layers)
    network.to_empty(device="cpu")
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Linear):
                for parameter in (layer.weight, layer.bias):
                    bound = layer.in_features**-0.5
                    parameter.copy_(torch.from_numpy(rng.uniform(-bound, bound, size=tuple(parameter.shape))))
    return network


def train_network(
    network, train, validation, *, learning_rate, weight_decay, batch_size, max_epochs, patience, device, rng
):
    """Minimise the pair loss; return the network of the epoch that did best on `validation`, and the losses there.

    `train` and `validation` are (features, counts); without validation rows the last epoch stays, and the losses are
    those of training.
    """
    network = network.to(device)

    def put(features, counts):
        counts = torch.from_numpy(counts).to(device, torch.float32)
        pairs = _pairs(counts)
        some = (pairs[2] > 0).any(0)  # of two answers per row, two of three columns
        return torch.from_numpy(features).to(device, torch.float32), *(part[:, some] for part in pairs)

    rows, held_out = put(*train), None if validation is None else put(*validation)
    fused = device.type in ("cpu", "cuda")
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=fused)
    curve: list[float] = []
    best, since, state = float("inf"), 0, None
    for epoch in range(max_epochs):
        network.train()
        order = torch.from_numpy(rng.permutation(len(rows[0]))).to(device)
        for features, *pairs in zip(*(part[order].split(batch_size) for part in rows), strict=True):
            loss = _mean_loss(network(features), *pairs)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        loss = _whole_loss(network, rows if held_out is None else held_out)
        curve.append(loss)
        if held_out is None:
            continue
        if loss < best:
            best, since, state = loss, epoch, copy.deepcopy(network.state_dict())
        elif epoch - since >= patience:
            break
    if state is not None:
        network.load_state_dict(state)
    return network.eval().requires_grad_(False).cpu(), curve


def _mean_loss(law, first, second, weights):
    return -(weights * law.log_prob(first, second)).sum() / len(weights)


def _whole_loss(network, rows):
    network.eval()
    total, parts = 0.0, zip(*(part.split(4096) for part in rows), strict=True)
    with torch.no_grad():
        for features, *pairs in parts:
            total += float(_mean_loss(network(features), *pairs)) * len(features)
    return total / len(rows[0])


def answers_of(network, features, what, device):
    """Return the joint law or the marginal of each row as float64 arrays; the network stays as it is."""
    double = copy.deepcopy(network).to(device, torch.float32 if device.type == "mps" else torch.float64)
    n_classes = double[-1].n_classes
    rows = max(1, CHUNK // n_classes**2)
    found = []
    with torch.no_grad():
        for start in range(0, len(features), rows):
            part = torch.from_numpy(features[start : start + rows]).to(device, double[-1].linear.weight.dtype)
            law = double(part)
            found.append((law.joint() if what == "joint" else law.log_marginal().exp()).cpu().double())
    return torch.cat(found).numpy()
