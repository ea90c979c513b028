"""The names of the true scores: exact moves between equivalent labellings, and how often another one fits better.

Exchanging two labels everywhere leaves the likelihood as it is; the prior of the judges decides. Draws that are kept
are never relabelled: they would no longer come from the posterior.
"""

import itertools

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import gammaln

__all__ = ["MOST_ORDERED", "draw_order", "exchange", "label_ambiguity", "swap_all", "swap_cells", "swap_family"]

MOST_ORDERED = 6  # levels, all of whose orders are weighed against each other


def _two_labels(rng, shape, n_levels):
    first = rng.integers(0, n_levels, shape)
    return first, (first + rng.integers(1, n_levels, shape)) % n_levels


def exchange(array, chains, a, b):
    """Exchange the labels a and b, one pair per chain, in the last axis of an array (..., chain, label), in place."""
    array[..., chains, a], array[..., chains, b] = array[..., chains, b], array[..., chains, a]


def _accepted(rng, log_ratio):
    return -rng.standard_exponential(log_ratio.shape) < log_ratio


def swap_all(rng, log_phi, prior, anchors=None):
    """Propose to exchange two true scores in each chain.

    Parameters
    ----------
    rng : numpy.random.Generator
    log_phi : ndarray of shape (family, vote, chain, label)
    prior : ndarray of shape (vote, label)
    anchors : ndarray of shape (cell, true score, chain, label), optional
        Log-likelihood of the anchored items of each true score, were it the score `label`.

    Returns
    -------
    chains, a, b : ndarray of int
        The chains that accept, and their two labels.
    """
    n_chains, n_levels = log_phi.shape[2:]
    s = np.arange(n_chains)
    a, b = _two_labels(rng, n_chains, n_levels)
    gain = log_phi[:, :, s, b] - log_phi[:, :, s, a]
    log_ratio = ((prior[:, a] - prior[:, b]) * gain).sum(axis=(0, 1))
    if anchors is not None:
        total = anchors.sum(axis=0)
        log_ratio += total[a, s, b] + total[b, s, a] - total[a, s, a] - total[b, s, b]
    chains = np.flatnonzero(_accepted(rng, log_ratio))
    return chains, a[chains], b[chains]


def draw_order(rng, counts, prior):
    """Draw which class of items has which label, given their votes, with the matrices integrated out.

    An exchange that keeps the matrices fails where a class is empty: its matrix stems from the prior of its own label.

    Parameters
    ----------
    rng : numpy.random.Generator
    counts : ndarray of shape (family, vote, chain, class)
    prior : ndarray of shape (vote, label)

    Returns
    -------
    ndarray of int of shape (chain, label)
        The class that each label gets.
    """
    n_levels = len(prior)
    a = prior[:, None, None, :] + counts[..., None]  # (family, vote, chain, class, label)
    fit = (gammaln(a).sum(axis=1) - gammaln(a.sum(axis=1))).sum(axis=0)
    orders = np.array(list(itertools.permutations(range(n_levels))))
    weight = fit[:, orders, np.arange(n_levels)].sum(axis=2)
    return orders[np.argmax(weight + rng.gumbel(size=weight.shape), axis=1)]


def swap_cells(rng, log_phi, log_cell, constancy, cells, anchors=None):
    """Propose to exchange two true scores in single cells, all of whose matrices are their own.

    Parameters
    ----------
    rng : numpy.random.Generator
    log_phi : ndarray of shape (family, vote, chain, label)
    log_cell : ndarray of shape (cell, family, vote, chain, label)
    constancy : ndarray of shape (family, cell)
    cells : ndarray of int
    anchors : ndarray of shape (cell, true score, chain, label), optional

    Returns
    -------
    cells, chains, a, b : ndarray of int
        What accepts, and its two labels.
    """
    n_chains, n_levels = log_phi.shape[2:]
    c, s = cells[:, None], np.arange(n_chains)[None]
    a, b = _two_labels(rng, (len(cells), n_chains), n_levels)
    gain = log_cell[c, :, :, s, b] - log_cell[c, :, :, s, a]  # (cell, chain, family, vote)
    phi = np.exp(log_phi)
    weight = (phi[:, :, s, a] - phi[:, :, s, b]).transpose(2, 3, 0, 1)
    log_ratio = (constancy.T[cells][:, None, :, None] * weight * gain).sum(axis=(2, 3))
    if anchors is not None:
        log_ratio += anchors[c, a, s, b] + anchors[c, b, s, a] - anchors[c, a, s, a] - anchors[c, b, s, b]
    at, chains = np.nonzero(_accepted(rng, log_ratio))
    return cells[at], chains, a[at, chains], b[at, chains]


def swap_family(rng, log_phi, prior, log_psi, copy_prior):
    """Propose to exchange two latent votes of one family.

    Parameters
    ----------
    rng : numpy.random.Generator
    log_phi : ndarray of shape (family vote, chain, label)
    prior : ndarray of shape (family vote, label)
    log_psi : ndarray of shape (judge, vote, chain, family vote)
    copy_prior : ndarray of shape (judge, vote, chain, family vote)

    Returns
    -------
    chains, a, b : ndarray of int
        The chains that accept, and their two family votes.
    """
    n_levels, n_chains, _ = log_phi.shape
    s = np.arange(n_chains)
    a, b = _two_labels(rng, n_chains, n_levels)
    gain = log_phi[b, s] - log_phi[a, s]
    log_ratio = ((prior[a] - prior[b]) * gain).sum(axis=1)
    gain = log_psi[:, :, s, b] - log_psi[:, :, s, a]
    log_ratio += ((copy_prior[:, :, s, a] - copy_prior[:, :, s, b]) * gain).sum(axis=(0, 1))
    chains = np.flatnonzero(_accepted(rng, log_ratio))
    return chains, a[chains], b[chains]


def label_ambiguity(theta):
    """Return the share of draws in which another labelling puts more mass on the diagonals of the judges' mean matrix.

    Parameters
    ----------
    theta : ndarray of shape (..., judge, true score, vote)
    """
    mean = theta.mean(axis=-3).reshape(-1, *theta.shape[-2:])
    n_levels = mean.shape[1]
    if n_levels <= 5:
        rows = np.arange(n_levels)
        orders = [list(order) for order in itertools.permutations(rows)]
        best = np.max([mean[:, order, rows].sum(axis=1) for order in orders], axis=0)
    else:
        best = np.array([m[linear_sum_assignment(m, maximize=True)].sum() for m in mean])
    return float(np.mean(best > np.trace(mean, axis1=1, axis2=2) + 1e-12))
