"""Which rows two estimates share, as far as labels can say: checked before any covariance is computed."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.containers import as_labels, is_missing
from uq._base.exceptions import InputError
from uq._base.results import Estimate

from ._influence import Influence, label_sums
from ._row_labels import only_count, same_rows

__all__ = ["Pair", "check_pair"]

_BLOCKS = ("fit", "apply")


@dataclass(slots=True)
class _Block:
    """The rows of one estimate in one role.

    Parameters
    ----------
    of, role : str
        "a" or "b"; "fit" or "apply".
    labels : ndarray
    clustered : ndarray of bool
        Which of them name clusters.
    values : ndarray of float or None
        Predictions, or their sums over clusters; NaN where unknown.
    codes : ndarray of int
        Equal where the labels are; that a cluster and a row are called alike says nothing, so theirs differ.
    """

    of: str
    role: str
    labels: Any
    clustered: Any
    values: Any
    codes: Any = None

    def __str__(self):
        return f"{self.role} rows of {self.of}"

    @property
    def is_clustered(self):
        return bool(len(self.labels) and self.clustered.any())

    @property
    def only_counts(self):
        """Tell whether the labels may be no more than the numbers of rows of some frame, or of clusters."""
        return only_count(self.labels, clusters=self.is_clustered)


class Pair:
    """Two estimates of the same quantities with their joint covariance, in units of the larger error of each.

    Parameters
    ----------
    a, b : Estimate
    blocks : list of four _Block
        The fit and the apply rows of a, then of b.
    """

    def __init__(self, a, b, blocks):
        self.a, self.b = a, b
        codes = [block.codes for block in blocks]
        self.size = 1 + max((int(c.max()) for c in codes if len(c)), default=-1)
        self.values_a, self.values_b = np.atleast_1d(a.estimate), np.atleast_1d(b.estimate)
        larger = np.maximum(np.atleast_1d(a.std_error), np.atleast_1d(b.std_error))
        self.unit = np.where(larger > 0, larger, 1.0)  # squares shall neither overflow nor vanish
        # by label, not by row: a row that an estimate used twice counts with the sum of its two values
        self.sums_a, self.sums_b = self._sums(a, codes[:2]), self._sums(b, codes[2:])
        self.v_a, self.v_b = self.sums_a.T @ self.sums_a, self.sums_b.T @ self.sums_b
        self.c = self.sums_a.T @ self.sums_b
        self.v_difference = self.v_a + self.v_b - self.c - self.c.T
        self._blocks = blocks

    def _sums(self, estimate, codes):
        values = estimate.influence
        scaled = Influence(fit=values.fit / self.unit, apply=values.apply / self.unit)
        return label_sums(scaled, np.concatenate(codes), self.size)

    def combined_cov(self, weight):
        """Return the covariance matrix of ``weight * a + (1 - weight) * b`` in these units."""
        total = weight * self.sums_a + (1 - weight) * self.sums_b
        return total.T @ total

    def combined_influence(self, weight):
        """Return the influence values of ``weight * a + (1 - weight) * b`` by label.

        A row that was ever fitted on stands in the fit block, with all its values.
        """
        total = self.unit * (weight * self.sums_a + (1 - weight) * self.sums_b)
        blocks = self._blocks
        kinds = {block.labels.dtype.kind for block in blocks if len(block.labels)}
        labels = np.empty(self.size, np.result_type(*(b.labels for b in blocks if len(b.labels)))
                          if len(kinds) == 1 and kinds <= set("iufM") else object)  # fmt: skip
        fitted, clustered = np.zeros(self.size, dtype=bool), np.zeros(self.size, dtype=bool)
        values, known = np.full(self.size, np.nan), np.zeros(self.size, dtype=bool)
        for block in blocks:
            at = block.codes
            labels[at] = _as_objects(block.labels) if labels.dtype == object else block.labels
            clustered[at] = block.clustered
            fitted[at] |= block.role == "fit"
            if block.values is not None:
                differ = known[at] & (values[at] != block.values)  # predictions of two models
                values[at] = np.where(differ, np.nan, block.values)
                known[at] = True
        a, b = (e.influence.estimand for e in (self.a, self.b))
        rest = ~fitted
        return Influence(
            fit=total[fitted], apply=total[rest], fit_ids=labels[fitted], apply_ids=labels[rest],
            fit_clustered=clustered[fitted], apply_clustered=clustered[rest], fit_values=values[fitted],
            apply_values=values[rest], estimand=a if b is None else b,
        )  # fmt: skip

    @property
    def df(self):
        """Return the degrees of freedom of both laws, each broadcast to shape (k,)."""
        return [np.broadcast_to(getattr(e.law, "df", np.inf), self.values_a.shape) for e in (self.a, self.b)]


def check_pair(a, b, ids_a, ids_b, owner):
    """Return the `Pair`, or raise InputError where its covariance cannot be known."""
    for name, estimate in (("a", a), ("b", b)):
        _check_estimate(estimate, owner, name)
    estimands = [e.influence.estimand for e in (a, b)]
    other = None not in estimands and estimands[0] != estimands[1]
    if other or np.shape(a.estimate) != np.shape(b.estimate) or a.names != b.names:
        raise InputError(
            f"{owner}: a and b must estimate the same quantities; got {_described(a)} and {_described(b)}. Use the "
            "same verb and the same columns for both."
        )
    if (a.n_groups is None) != (b.n_groups is None):
        raise InputError(
            f"{owner}: a and b must both come from groups, or both from rows; got n_groups {a.n_groups} and "
            f"{b.n_groups}. Rows cannot be found again within clusters: give both verbs and both fits the same groups."
        )
    blocks = [*_blocks(a.influence, ids_a, owner, "a"), *_blocks(b.influence, ids_b, owner, "b")]
    _number(blocks, owner)
    if ids_a is None or ids_b is None:
        _refuse_rows_in_clusters(blocks, owner)
        _refuse_counted_labels(blocks, owner, a.n_groups is not None)
        if not any(_shared(one, two).any() for one in blocks[:2] for two in blocks[2:]):
            raise InputError(
                f"{owner}: a and b share no row label, so that nothing says whether they share rows. Pass ids_a and "
                "ids_b; labels that are all different state that the two are independent."
            )
    else:
        _refuse_one_name_for_both(blocks, owner)
    return Pair(a, b, blocks)


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
    size, verb = np.size(estimate.estimate), estimate.influence.estimand
    values = f"{size} value{'s' * (size != 1)}" + ("" if verb is None else f" of {verb}")
    return values + ("" if estimate.names is None else f" {list(estimate.names)}")


def _blocks(influence, given, owner, name):
    """Return the fit rows and the apply rows of an estimate."""
    blocks = []
    pair = (influence.fit_ids, influence.apply_ids) if given is None else given
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise InputError(f"{owner}: ids_{name} must be a pair (labels of the fit rows, labels of the apply rows).")
    for role, labels in zip(_BLOCKS, pair, strict=True):
        n = len(getattr(influence, role))
        if labels is None:
            if n == 0:
                labels = np.empty(0, dtype=np.int64)
            else:
                raise InputError(
                    f"{owner}: the {role} rows of {name} ({n}) have no labels, so that shared rows cannot be found "
                    f"and a covariance of zero would be a guess. Pass ids_{name}=(fit labels, apply labels), or "
                    "y_pred as a pandas column whose index names the rows."
                )
        labels = _labels(labels, owner, f"the index of the {role} rows of {name}" if given is None
                         else f"ids_{name} ({role})")  # fmt: skip
        if len(labels) != n:
            none = "" if n else f" {name} used no {role} rows: pass None in their place."
            raise InputError(f"{owner}: ids_{name} must have {n} labels of {role} rows; got {len(labels)}.{none}")
        clustered = np.broadcast_to(np.asarray(getattr(influence, f"{role}_clustered"), dtype=bool), (n,))
        # labels that the caller gives need not be those that the predictions belong to
        values = None if given is not None else getattr(influence, f"{role}_values")
        blocks.append(_Block(name, role, labels, clustered, values))
    return blocks


def _labels(labels, owner, name):
    """Return labels as an array; those of a pandas index of several levels are tuples."""
    if getattr(labels, "nlevels", 1) > 1:
        labels = _as_objects(labels)
        if any(is_missing(part) for label in labels for part in label):
            raise InputError(f"{owner}: {name} must not be missing; got a label with a missing part.")
        return labels
    if isinstance(labels, np.ndarray) and labels.dtype == object and any(isinstance(v, tuple) for v in labels):
        return labels  # of an earlier combination
    return as_labels(labels, owner, name)


def _as_objects(labels):
    out = np.empty(len(labels), dtype=object)
    out[:] = labels.tolist()
    return out


def _number(blocks, owner):
    """Give every label its code: 1 and "1" are different, and so are a row and a cluster of one name."""
    if len({block.labels.dtype.kind for block in blocks}) == 1 and blocks[0].labels.dtype.kind in "iufM":
        rows = np.unique(np.concatenate([block.labels for block in blocks]), return_inverse=True)[1]
        codes = np.split(rows, np.cumsum([len(block.labels) for block in blocks])[:-1])
    else:
        known: dict = {}
        codes = [
            np.array([known.setdefault(label, len(known)) for label in block.labels.tolist()], dtype=np.intp)
            for block in blocks
        ]
    kinds = [2 * code + block.clustered for code, block in zip(codes, blocks, strict=True)]
    codes = np.split(
        np.unique(np.concatenate(kinds), return_inverse=True)[1], np.cumsum([len(code) for code in codes])[:-1]
    )
    for block, code in zip(blocks, codes, strict=True):
        block.codes = code
        n, different = len(code), len(np.unique(code))
        if different < n:
            raise InputError(
                f"{owner}: labels of the {block} must not repeat; got {different} different ones of {n}. Number the "
                "rows anew, or pass ids."
            )


def _shared(one, two):
    return np.isin(one.codes, two.codes)


def _refuse_rows_in_clusters(blocks, owner):
    """Raise where rows of one estimate may lie within clusters of the other, which labels cannot tell."""
    a, b = {x.role: x for x in blocks[:2]}, {x.role: x for x in blocks[2:]}
    for one in a.values():
        for two in b.values():
            if not len(one.labels) or not len(two.labels) or one.is_clustered == two.is_clustered:
                continue
            # rows of one that the other used, too, in a role that it takes as independent of the clusters at hand
            if one.role != two.role and (_shared(one, b[one.role]).all() or _shared(two, a[two.role]).all()):
                continue
            clusters, rows = (one, two) if one.is_clustered else (two, one)
            raise InputError(
                f"{owner}: a and b must both come from groups, or both from rows, block by block; got clusters for the "
                f"{clusters} and single rows for the {rows}. Rows cannot be found again within clusters: give both "
                "fits (and both verbs) the same groups; or pass ids_a and ids_b, which state by labels that are all "
                "different that these rows lie in none of the clusters."
            )


def _refuse_one_name_for_both(blocks, owner):
    """Raise where a row may lie in the cluster of its name; not where both estimates have clusters in the same role."""
    of_role = list(zip(blocks[:2], blocks[2:], strict=True))
    if all(len(a.labels) and len(b.labels) and a.is_clustered == b.is_clustered for a, b in of_role):
        return  # in either role a name means the same kind of thing
    for i, one in enumerate(blocks):
        for two in blocks[i + 1 :]:
            if one.of == two.of or one.is_clustered == two.is_clustered:
                continue
            common = set(one.labels.tolist()) & set(two.labels.tolist())
            if common:
                raise InputError(
                    f"{owner}: ids_a and ids_b must not name a row as they name a cluster; got {min(map(str, common))} "
                    f"for one of the {one} and one of the {two}. A row cannot be compared with a cluster: give "
                    "clusters other names, such as 'g0'."
                )


def _refuse_counted_labels(blocks, owner, clustered):
    """Raise where labels only count rows and yet match those of other rows: two frames both begin at 0."""
    for i, one in enumerate(blocks):
        for two in blocks[i + 1 :]:
            if not (one.only_counts or two.only_counts) or not _shared(one, two).any():
                continue
            if one.values is not None and two.values is not None:
                places = np.intersect1d(one.codes, two.codes, assume_unique=True, return_indices=True)[1:]
                if same_rows(one.values[places[0]], two.values[places[1]]):
                    continue
            labels = one.labels
            raise InputError(
                f"{owner}: the groups of the {one} and of the {two} bear the same numbers, which may or may not be the "
                "same groups. Pass ids_a and ids_b, or give groups names that tell them apart."
                if clustered or one.is_clustered
                else f"{owner}: the {one} are labelled {labels[0]}, {labels[1] if len(labels) > 1 else '...'}, ..., as "
                f"are rows among the {two}, and their predictions do not show that they are the same: labels that only "
                "count say nothing about who is who. Pass ids_a and ids_b, or give both frames an index that names "
                "the rows."
            )
