"""The rows behind an estimate, by their labels: read, numbered, and refused where labels cannot tell who is who."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.containers import as_labels, is_missing
from uq._base.exceptions import InputError

from ._row_labels import only_count, same_rows

__all__ = [
    "Block",
    "as_objects",
    "number_labels",
    "read_blocks",
    "refuse_counted_labels",
    "refuse_one_name_for_both",
    "refuse_rows_in_clusters",
    "shared_labels",
]

_ROLES = ("fit", "apply")


@dataclass(slots=True)
class Block:
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


def read_blocks(influence, given, owner, name):
    """Return the fit rows and the apply rows of an estimate."""
    blocks = []
    pair = (influence.fit_ids, influence.apply_ids) if given is None else given
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise InputError(f"{owner}: ids_{name} must be a pair (labels of the fit rows, labels of the apply rows).")
    for role, labels in zip(_ROLES, pair, strict=True):
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
        blocks.append(Block(name, role, labels, clustered, values))
    return blocks


def _labels(labels, owner, name):
    """Return labels as an array; those of a pandas index of several levels are tuples."""
    if getattr(labels, "nlevels", 1) > 1:
        labels = as_objects(labels)
        if any(is_missing(part) for label in labels for part in label):
            raise InputError(f"{owner}: {name} must not be missing; got a label with a missing part.")
        return labels
    if isinstance(labels, np.ndarray) and labels.dtype == object and any(isinstance(v, tuple) for v in labels):
        return labels  # of an earlier combination
    return as_labels(labels, owner, name)


def as_objects(labels):
    """Return labels as an array of objects, tuples among them."""
    out = np.empty(len(labels), dtype=object)
    out[:] = labels.tolist()
    return out


def number_labels(blocks, owner):
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


def shared_labels(one, two):
    """Tell which rows of one block are rows of the other."""
    return np.isin(one.codes, two.codes)


def refuse_rows_in_clusters(blocks, owner):
    """Raise where rows of one estimate may lie within clusters of the other, which labels cannot tell."""
    a, b = {x.role: x for x in blocks[:2]}, {x.role: x for x in blocks[2:]}
    for one in a.values():
        for two in b.values():
            if not len(one.labels) or not len(two.labels) or one.is_clustered == two.is_clustered:
                continue
            # rows of one that the other used, too, in a role that it takes as independent of the clusters at hand
            if one.role != two.role and (
                shared_labels(one, b[one.role]).all() or shared_labels(two, a[two.role]).all()
            ):
                continue
            clusters, rows = (one, two) if one.is_clustered else (two, one)
            raise InputError(
                f"{owner}: a and b must both come from groups, or both from rows, block by block; got clusters for the "
                f"{clusters} and single rows for the {rows}. Rows cannot be found again within clusters: give both "
                "fits (and both verbs) the same groups; or pass ids_a and ids_b, which state by labels that are all "
                "different that these rows lie in none of the clusters."
            )


def refuse_one_name_for_both(blocks, owner):
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


def refuse_counted_labels(blocks, owner, clustered):
    """Raise where labels only count rows and yet match those of other rows: two frames both begin at 0."""
    for i, one in enumerate(blocks):
        for two in blocks[i + 1 :]:
            if not (one.only_counts or two.only_counts) or not shared_labels(one, two).any():
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
