"""Heads for your own network that tell the joint law of two answers; they need torch.

A head is a `torch.nn.Module`, linear in what it is given. Called on features (n, n_features) it returns the law of a
pair of answers (Y1, Y2) to each row, a named tuple of tensors with three methods: `log_prob(first, second)`,
`log_marginal()` and `joint()`. `pair_log_loss(law, counts)` is what to minimise.

- `DirichletHead`: J = rho diag(m) + (1 - rho) m m', K + 1 outputs; the default of `PairHeadClassifier`
- `MixtureHead`: J = sum_r w_r q_r q_r', R (K + 1) outputs
- `JointHead`: any symmetric J, K (K + 1) / 2 outputs; its variances may come out negative
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import log_softmax, logsigmoid

from uq._base.exceptions import InputError
from uq._base.validation import check_count, check_option

__all__ = ["DirichletHead", "DirichletLaw", "JointHead", "JointLaw", "MixtureHead", "MixtureLaw", "pair_log_loss"]


# ---- laws of a pair of answers


class JointLaw(NamedTuple):
    """The law of a pair as a table.

    Parameters
    ----------
    log_table : tensor of shape (n_samples, n_classes, n_classes)
        Logarithms of probabilities; each table sums to 1.

    Examples
    --------
    >>> import torch
    >>> from uq.epistemic.heads import JointLaw
    >>> law = JointLaw(torch.tensor([[[0.5, 0.1], [0.1, 0.3]]]).log())
    >>> law.log_marginal().exp()
    tensor([[0.6000, 0.4000]])
    """

    log_table: torch.Tensor

    def log_prob(self, first, second):
        """Return log J of the classes `first` and `second`, integer tensors (n, m), as a tensor (n, m)."""
        n_classes = self.log_table.shape[-1]
        return self.log_table.flatten(1).gather(1, first * n_classes + second)

    def log_marginal(self):
        """Return the log probabilities (n, K) of one answer."""
        return self.log_table.logsumexp(2)

    def joint(self):
        """Return the probabilities (n, K, K) of two answers."""
        return self.log_table.exp()


class MixtureLaw(NamedTuple):
    """The law of a pair that answers from one of several components, the same one twice.

    Parameters
    ----------
    log_weights : tensor of shape (n_samples, n_components)
        Log probabilities of the components.
    log_components : tensor of shape (n_samples, n_components, n_classes)
        Log probabilities of the classes under each.

    Examples
    --------
    >>> import torch
    >>> from uq.epistemic.heads import MixtureLaw
    >>> certain = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])  # each component knows the answer
    >>> MixtureLaw(torch.tensor([[0.75, 0.25]]).log(), certain.log()).joint()
    tensor([[[0.7500, 0.0000],
             [0.0000, 0.2500]]])
    """

    log_weights: torch.Tensor
    log_components: torch.Tensor

    def log_prob(self, first, second):
        """Return log J of the classes `first` and `second`, integer tensors (n, m), as a tensor (n, m)."""
        both = torch.cat([first, second], 1)[:, None, :].expand(-1, self.log_weights.shape[1], -1)
        of_pair = self.log_components.gather(2, both).unflatten(2, (2, -1)).sum(2)
        return (self.log_weights[:, :, None] + of_pair).logsumexp(1)

    def log_marginal(self):
        """Return the log probabilities (n, K) of one answer."""
        return (self.log_weights[:, :, None] + self.log_components).logsumexp(1)

    def joint(self):
        """Return the probabilities (n, K, K) of two answers."""
        roots = (self.log_weights[:, :, None] / 2 + self.log_components).exp()
        return roots.transpose(1, 2) @ roots


class DirichletLaw(NamedTuple):
    """The law of a pair whose answers agree more often than chance, by one number rho per row.

    Parameters
    ----------
    log_mean : tensor of shape (n_samples, n_classes)
        Log probabilities m of one answer.
    logit_rho : tensor of shape (n_samples,)
        Log-odds of rho, within (0, 1): the second answer repeats the first with probability rho, else it is drawn
        anew. The variance of the probability of class k is rho m_k (1 - m_k).

    Examples
    --------
    >>> import torch
    >>> from uq.epistemic.heads import DirichletLaw
    >>> DirichletLaw(torch.tensor([[0.5, 0.5]]).log(), torch.zeros(1)).joint()
    tensor([[[0.3750, 0.1250],
             [0.1250, 0.3750]]])
    """

    log_mean: torch.Tensor
    logit_rho: torch.Tensor

    def log_prob(self, first, second):
        """Return log J of the classes `first` and `second`, integer tensors (n, m), as a tensor (n, m)."""
        repeated, anew = logsigmoid(self.logit_rho)[:, None], logsigmoid(-self.logit_rho)[:, None]
        drawn = anew + self.log_mean.gather(1, second)
        return self.log_mean.gather(1, first) + torch.where(first == second, torch.logaddexp(repeated, drawn), drawn)

    def log_marginal(self):
        """Return the log probabilities (n, K) of one answer."""
        return self.log_mean

    def joint(self):
        """Return the probabilities (n, K, K) of two answers."""
        mean, rho, rest = self.log_mean.exp(), self.logit_rho.sigmoid(), (-self.logit_rho).sigmoid()
        return torch.diag_embed(rho[:, None] * mean) + rest[:, None, None] * (mean[:, :, None] * mean[:, None, :])


# ---- heads


class _Head(nn.Module):
    """Linear layers from features to the numbers that a law needs."""

    def __init__(self, n_features, n_classes, n_outputs):
        super().__init__()
        self.n_classes = n_classes
        self.linear = nn.Linear(n_features, n_outputs)


def _checked(head, n_features, n_classes):
    return check_count(n_features, head, "n_features"), check_count(n_classes, head, "n_classes", low=2)


class JointHead(_Head):
    """Any symmetric law of a pair: one softmax over all pairs of classes.

    Parameters
    ----------
    n_features : int
        Width of what comes in.
    n_classes : int
        Number of classes, 2 or more.

    Raises
    ------
    InputError
        For sizes that are no such integers.

    See Also
    --------
    MixtureHead : never a negative variance, and far fewer outputs for many classes.

    Notes
    -----
    The logits of unordered pairs, K (K + 1) / 2 of them, fill both triangles of the table: its symmetry comes from
    equal logits, which is not the same as averaging the two triangles of a free table's probabilities. There are
    (n_features + 1) K (K + 1) / 2 parameters.

    **Guarantee.** Symmetric, and each table sums to 1. Not more: a law of two independent answers has a covariance
    without negative eigenvalues, which this head can only learn (`PairDistribution.diagnose` tells, `project` mends).

    Examples
    --------
    >>> import torch
    >>> from uq.epistemic.heads import JointHead
    >>> table = JointHead(5, 3)(torch.ones(2, 5)).joint()
    >>> table.shape, bool((table == table.mT).all())
    (torch.Size([2, 3, 3]), True)
    """

    def __init__(self, n_features, n_classes):
        n_features, n_classes = _checked("JointHead", n_features, n_classes)
        super().__init__(n_features, n_classes, n_classes * (n_classes + 1) // 2)

    def forward(self, features):
        """Return the `JointLaw` of features (n, n_features)."""
        logits = self.linear(features)
        k = torch.arange(self.n_classes, device=logits.device)
        low, high = torch.minimum(k[:, None], k), torch.maximum(k[:, None], k)
        place = low * self.n_classes - low * (low + 1) // 2 + high  # in the upper triangle, row by row
        return JointLaw(log_softmax(logits[:, place.flatten()], 1).unflatten(1, place.shape))


class MixtureHead(_Head):
    """A law of a pair that is a mixture of few components, within each of which the two answers are independent.

    Parameters
    ----------
    n_features : int
        Width of what comes in.
    n_classes : int
        Number of classes, 2 or more.
    n_components : int, default 8
        What the truth may be, in so many guesses; 1 claims that it is known.

    Raises
    ------
    InputError
        For sizes that are no such integers.

    Notes
    -----
    J = sum_r w_r(x) q_r(x) q_r(x)'. The loss costs as much as that of `n_components` plain heads, whatever the number
    of classes; there are (n_features + 1) R (K + 1) parameters.

    **Guarantee.** Symmetric, each table sums to 1, no covariance has a negative eigenvalue, no variance is negative,
    and no confidence exceeds 1; all by construction, whatever the weights.

    Examples
    --------
    >>> import torch
    >>> from uq.epistemic.heads import MixtureHead, pair_log_loss
    >>> head = MixtureHead(5, 3, n_components=4)
    >>> loss = pair_log_loss(head(torch.ones(2, 5)), torch.tensor([[1, 1, 0], [0, 0, 7]]))
    >>> loss.backward()
    >>> loss.shape, sum(p.numel() for p in head.parameters())
    (torch.Size([]), 96)
    """

    def __init__(self, n_features, n_classes, n_components=8):
        n_features, n_classes = _checked("MixtureHead", n_features, n_classes)
        n_components = check_count(n_components, "MixtureHead", "n_components")
        super().__init__(n_features, n_classes, n_components * n_classes)
        self.n_components = n_components
        self.gate = nn.Linear(n_features, n_components)

    def forward(self, features):
        """Return the `MixtureLaw` of features (n, n_features)."""
        components = self.linear(features).unflatten(1, (self.n_components, self.n_classes))
        return MixtureLaw(log_softmax(self.gate(features), 1), log_softmax(components, 2))


class DirichletHead(_Head):
    """The law of a pair by a mean and one number: how often a second answer would repeat the first for certain.

    Parameters
    ----------
    n_features : int
        Width of what comes in.
    n_classes : int
        Number of classes, 2 or more.

    Raises
    ------
    InputError
        For sizes that are no such integers.

    See Also
    --------
    uq.epistemic.ScaledVariance : the same form with one rho for all rows, for a model that is trained already.

    Notes
    -----
    J = rho(x) diag(m(x)) + (1 - rho(x)) m(x) m(x)', the pair law of a Dirichlet distribution whose concentrations sum
    to 1 / rho - 1. There are (n_features + 1) (K + 1) parameters.

    **Guarantee.** Symmetric, each table sums to 1, no covariance has a negative eigenvalue, no variance is negative,
    and no confidence exceeds 1; all by construction, whatever the weights.

    Examples
    --------
    >>> import torch
    >>> from uq.epistemic.heads import DirichletHead
    >>> law = DirichletHead(5, 3)(torch.ones(2, 5))
    >>> law.log_mean.shape, law.logit_rho.shape
    (torch.Size([2, 3]), torch.Size([2]))
    """

    def __init__(self, n_features, n_classes):
        n_features, n_classes = _checked("DirichletHead", n_features, n_classes)
        super().__init__(n_features, n_classes, n_classes + 1)

    def forward(self, features):
        """Return the `DirichletLaw` of features (n, n_features)."""
        outputs = self.linear(features)
        return DirichletLaw(log_softmax(outputs[:, :-1], 1), outputs[:, -1])


# ---- loss


def pair_log_loss(law, counts, reduction="mean"):
    """Return the log loss of a law of pairs, averaged over all pairs of different answers to a row.

    Parameters
    ----------
    law : JointLaw, MixtureLaw, DirichletLaw or tensor of shape (n_samples, n_classes, n_classes)
        What a head returned; a tensor holds log probabilities.
    counts : tensor of shape (n_samples, n_classes)
        How many answers to each row fell into each class, two or more per row, independent given the row.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over rows, each of which counts the same however many answers it has.

    Returns
    -------
    tensor
        A number, or one per row.

    Raises
    ------
    InputError
        For other shapes, no rows, an unknown `reduction`, a law of whole numbers, counts that are negative, fractions,
        infinite or bool, and rows with fewer than two.

    See Also
    --------
    uq.epistemic.pair_counts : the same averages as tables, without torch.

    Notes
    -----
    With counts c that sum to n the loss of a row is -sum_kl (c_k c_l - [k = l] c_k) / (n (n - 1)) log J_kl: the mean
    over the n (n - 1) ordered pairs without an answer being paired with itself, which would pass off noise for
    ignorance. The cost does not grow with the number of classes, only with that of different answers to a row.

    **Guarantee.** An unbiased estimate of the expected log loss of two fresh answers, which the true law of pairs
    minimises, where the number of answers was fixed without regard to what they were.

    References
    ----------
    .. [1] D. D. Johnson, D. Tarlow, D. Duvenaud, C. J. Maddison (2024). Experts don't cheat: learning what you don't
       know by predicting pairs. arXiv:2402.08733.

    Examples
    --------
    >>> import torch
    >>> from uq.epistemic.heads import pair_log_loss
    >>> table = torch.tensor([[[0.5, 0.1], [0.1, 0.3]]]).log()
    >>> pair_log_loss(table, torch.tensor([[2, 0]])), pair_log_loss(table, torch.tensor([[1, 1]]))
    (tensor(0.6931), tensor(2.3026))
    """
    owner = "pair_log_loss"
    check_option(reduction, ("mean", "sum", "none"), owner, "reduction")
    if isinstance(law, torch.Tensor):
        if law.ndim != 3 or law.shape[1] != law.shape[2]:
            raise InputError(f"{owner}: law must have shape (n, K, K); got {tuple(law.shape)}.")
        law = JointLaw(law)
    if not isinstance(law, (JointLaw, MixtureLaw, DirichletLaw)):
        raise InputError(f"{owner}: law must be what a head returned, or a tensor (n, K, K); got {type(law).__name__}.")
    if not all(each.is_floating_point() for each in law):
        raise InputError(f"{owner}: law must hold floating-point numbers; got {', '.join(str(e.dtype) for e in law)}.")
    shape = (law[0].shape[0], law[-1].shape[-1] if not isinstance(law, DirichletLaw) else law[0].shape[1])
    if not isinstance(counts, torch.Tensor) or counts.shape != shape or not shape[0]:
        got = f"{tuple(counts.shape)}" if isinstance(counts, torch.Tensor) else type(counts).__name__
        raise InputError(f"{owner}: counts must be a tensor of shape {shape}, as the law, with some row; got {got}.")
    if counts.dtype == torch.bool or counts.is_complex():
        raise InputError(f"{owner}: counts must hold whole numbers; got {counts.dtype}.")
    counts = counts.to(law[0].device)
    bad = (counts < 0) | (counts != counts.round()) | ~torch.isfinite(counts)
    if bool(bad.any()):
        row, column = bad.nonzero()[0].tolist()
        got = f"{counts[row, column].item():g} in row {row} (counting from 0)"
        raise InputError(f"{owner}: counts must be non-negative whole numbers; got {got}.")
    if bool((total := counts.sum(1)).min() < 2):
        got = f"{total.min().item():g} in row {int(total.argmin())} (counting from 0)"
        raise InputError(f"{owner}: counts must hold two answers or more per row; got {got}. Leave such rows out.")
    # half precision would round the weights of many answers
    first, second, weights = _pairs(counts.to(torch.promote_types(law[0].dtype, torch.float32)))
    # a pair that was not seen may have probability 0
    losses = -(weights * law.log_prob(first, second).masked_fill(weights == 0, 0.0)).sum(1)
    return {"mean": losses.mean, "sum": losses.sum, "none": lambda: losses}[reduction]()


def _pairs(counts):
    """Return the unordered pairs of classes seen in each row (first, second) and their weights, padded with zeros."""
    seen = int((counts > 0).sum(1).max())
    counts, classes = counts.sort(1, descending=True)
    i, j = torch.triu_indices(seen, seen, device=counts.device)
    total = counts.sum(1, keepdim=True)
    ways = torch.where(i == j, counts[:, i] * (counts[:, i] - 1), 2 * counts[:, i] * counts[:, j])
    return classes[:, i], classes[:, j], ways / (total * (total - 1))
