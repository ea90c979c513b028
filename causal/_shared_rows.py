"""Which rows two estimates share, as far as labels can say: checked before any covariance is computed."""

import numpy as np

from uq._base.containers import as_labels
from uq._base.exceptions import InputError
from uq._base.results import Estimate

from ._influence import Influence, label_sums

__all__ = ["Pair", "check_pair"]

_BLOCKS = ("fit", "apply")


class Pair:
    """Two estimates of the same quantities with their joint covariance, in units of the larger error of each.

    Parameters
    ----------
    a, b : Estimate
    codes : list of four ndarrays of int
        The same number for the same row or cluster: of the fit and of the apply rows of a, then of b.
    labels : ndarray
        What the numbers stand for.
    """

    def __init__(self, a, b, codes, labels):
        self.a, self.b, self.labels = a, b, labels
        self.values_a, self.values_b = np.atleast_1d(a.estimate), np.atleast_1d(b.estimate)
        larger = np.maximum(np.atleast_1d(a.std_error), np.atleast_1d(b.std_error))
        self.unit = np.where(larger > 0, larger, 1.0)  # squares shall neither overflow nor vanish
        # by label, not by row: a row that an estimate used twice counts with the sum of its two values
        self.sums_a, self.sums_b = self._sums(a, codes[:2]), self._sums(b, codes[2:])
        self.v_a, self.v_b = self.sums_a.T @ self.sums_a, self.sums_b.T @ self.sums_b
        self.c = self.sums_a.T @ self.sums_b
        self.v_difference = self.v_a + self.v_b - self.c - self.c.T
        self.fitted = np.zeros(len(labels), dtype=bool)
        self.fitted[np.concatenate([codes[0], codes[2]])] = True

    def _sums(self, estimate, codes):
        values = estimate.influence
        scaled = Influence(fit=values.fit / self.unit, apply=values.apply / self.unit)
        return label_sums(scaled, np.concatenate(codes), len(self.labels))

    def combined_cov(self, weight):
        """Return the covariance matrix of ``weight * a + (1 - weight) * b`` in these units."""
        total = weight * self.sums_a + (1 - weight) * self.sums_b
        return total.T @ total

    def combined_influence(self, weight):
        """Return the influence values of ``weight * a + (1 - weight) * b`` by label.

        A row that was ever fitted on stands in the fit block, with all its values.
        """
        total = self.unit * (weight * self.sums_a + (1 - weight) * self.sums_b)
        fitted, labels = self.fitted, self.labels
        return Influence(fit=total[fitted], apply=total[~fitted], fit_ids=labels[fitted], apply_ids=labels[~fitted])

    @property
    def df(self):
        """Return the degrees of freedom of both laws, each broadcast to shape (k,)."""
        return [np.broadcast_to(getattr(e.law, "df", np.inf), self.values_a.shape) for e in (self.a, self.b)]


def check_pair(a, b, ids_a, ids_b, owner):
    """Return the `Pair`, or raise InputError where its covariance cannot be known."""
    for name, estimate in (("a", a), ("b", b)):
        _check_estimate(estimate, owner, name)
    if np.shape(a.estimate) != np.shape(b.estimate) or a.names != b.names:
        raise InputError(
            f"{owner}: a and b must estimate the same quantities; got {_described(a)} and {_described(b)}. Use the "
            "same verb and the same columns for both."
        )
    if (a.n_groups is None) != (b.n_groups is None):
        raise InputError(
            f"{owner}: a and b must both come from groups, or both from rows; got n_groups {a.n_groups} and "
            f"{b.n_groups}. Rows cannot be found again within clusters: give both verbs and both fits the same groups."
        )
    blocks_a, blocks_b = _ids(a.influence, ids_a, owner, "a"), _ids(b.influence, ids_b, owner, "b")
    if ids_a is None or ids_b is None:
        _refuse_counted_labels(blocks_a, blocks_b, owner, "groups" if a.n_groups is not None else "index")
    codes, labels = _codes([*blocks_a, *blocks_b])
    if (ids_a is None or ids_b is None) and not np.isin(np.concatenate(codes[:2]), np.concatenate(codes[2:])).any():
        raise InputError(
            f"{owner}: a and b share no row label, so that nothing says whether they share rows. Pass ids_a and ids_b; "
            "labels that are all different state that the two are independent."
        )
    return Pair(a, b, codes, labels)


def _check_estimate(estimate, owner, name):
    if not isinstance(estimate, Estimate):
        raise InputError(f"{owner}: {name} must be a uq.Estimate; got {type(estimate).__name__}. Call a verb first.")
    values = getattr(estimate, "influence", None)
    if not isinstance(values, Influence):
        raise InputError(
            f"{owner}: {name} must carry influence values, from which the covariance on shared rows comes; got an "
            f"estimate by {estimate.method!r} that has none. Use mean, ate or ols of an estimator of `causal` that "
            "still has its rows: after partial_fit, partial_estimate and merge there are moments alone, a bootstrap "
            "gives draws alone, and an infinite error has no parts."
        )
    if not np.isfinite(estimate.std_error).all():
        raise InputError(f"{owner}: {name} must have a finite error; got {estimate.std_error}. It needs more rows.")


def _described(estimate):
    return f"{np.size(estimate.estimate)} values" + ("" if estimate.names is None else f" {list(estimate.names)}")


def _ids(influence, given, owner, name):
    """Return the labels of the fit rows and of the apply rows as arrays."""
    blocks = []
    pair = (influence.fit_ids, influence.apply_ids) if given is None else given
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise InputError(f"{owner}: ids_{name} must be a pair (labels of the fit rows, labels of the apply rows).")
    for block, labels in zip(_BLOCKS, pair, strict=True):
        n = len(getattr(influence, block))
        if labels is None:
            if n == 0:
                labels = np.empty(0, dtype=np.int64)
            else:
                raise InputError(
                    f"{owner}: the {block} rows of {name} ({n}) have no labels, so that shared rows cannot be found "
                    f"and a covariance of zero would be a guess. Pass ids_{name}=(fit labels, apply labels), or "
                    "y_pred as a pandas column whose index names the rows."
                )
        labels = as_labels(labels, owner, f"ids_{name} ({block})")
        if len(labels) != n:
            none = "" if n else f" {name} used no {block} rows: pass None in their place."
            raise InputError(f"{owner}: ids_{name} must have {n} labels of {block} rows; got {len(labels)}.{none}")
        different = len(set(labels.tolist())) if labels.dtype.kind in "OUS" else len(np.unique(labels))
        if different < n:
            raise InputError(
                f"{owner}: labels of the {block} rows of {name} must not repeat; got {different} different ones of "
                f"{n}. Number the rows anew, or pass ids."
            )
        blocks.append(labels)
    return blocks


def _refuse_counted_labels(blocks_a, blocks_b, owner, where):
    """Raise where labels only count rows and yet match those of other rows: two frames both begin at 0."""
    named = [(f"{block} rows of {name}", role, labels) for name, pair in (("a", blocks_a), ("b", blocks_b))
             for role, (block, labels) in enumerate(zip(_BLOCKS, pair, strict=True))]  # fmt: skip
    for i, (what, role, labels) in enumerate(named):
        if role or not _only_counts(labels):
            continue
        for j, (other_what, other_role, other) in enumerate(named):
            same = other_role == role and np.array_equal(labels, other)
            if i != j and not same and np.isin(labels, other).any():
                raise InputError(
                    f"{owner}: the {what} are labelled {labels[0]}, {labels[1] if len(labels) > 1 else '...'}, ..., as "
                    f"are the {other_what}: labels that only count say nothing about who is who. Pass ids_a and ids_b, "
                    f"or give both frames an {where} that names the rows."
                    if where == "index"
                    else f"{owner}: the groups of the {what} and of the {other_what} bear the same numbers, which may "
                    "or may not be the same groups. Pass ids_a and ids_b, or give groups names that tell them apart."
                )


def _only_counts(labels):
    if labels.dtype.kind not in "iu" or not len(labels):
        return False
    return labels[0] in (0, 1) and np.array_equal(labels, np.arange(labels[0], labels[0] + len(labels)))


def _codes(blocks):
    """Return integers for the labels of all blocks, equal where the labels are: 1 and "1" are not."""
    if len({block.dtype.kind for block in blocks}) == 1 and blocks[0].dtype.kind in "iufM":
        labels, rows = np.unique(np.concatenate(blocks), return_inverse=True)
        return np.split(rows, np.cumsum([len(block) for block in blocks])[:-1]), labels
    known: dict = {}
    codes = [np.array([known.setdefault(label, len(known)) for label in b.tolist()], dtype=np.intp) for b in blocks]
    labels = np.empty(len(known), dtype=object)
    labels[:] = list(known)
    return codes, labels
