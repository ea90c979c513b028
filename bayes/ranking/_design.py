"""From votes to the problem of the sampler: families and self-votes, cells, unique patterns, and what is refused."""

from collections.abc import Mapping

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from uq._base.exceptions import InputError

__all__ = ["build_cells", "check_linked", "check_voted", "collapse", "read_families"]


def read_families(families, votes, owner):
    """Return the family of each judge, 0 ... F - 1, and which family is at home in which candidate, (F, K) of bool."""
    if families is not None and not isinstance(families, Mapping):
        raise InputError(
            f"{owner}: families must be a dict from judges (and candidates) to families; got {type(families).__name__}."
        )
    families = {} if families is None else dict(families)
    judges, candidates = votes.judges.tolist(), votes.candidates.tolist()
    unknown = [name for name in families if name not in set(judges) | set(candidates)]
    if unknown:
        raise InputError(
            f"{owner}: families must name judges ({judges!r:.200}) or candidates; got {unknown[0]!r}, which is neither."
        )
    of_judge, of_candidate = (
        [_family(name, families, role) for name in names]
        for role, names in (("judge", judges), ("candidate", candidates))
    )
    try:
        index = {home: f for f, home in enumerate(dict.fromkeys(of_judge))}
        guest = [index.get(home, -1) for home in of_candidate]
    except TypeError:
        raise InputError(f"{owner}: families must be labels, such as strings; got {families!r:.200}.") from None
    home = np.arange(len(index))[:, None] == guest
    return np.array([index[home] for home in of_judge], dtype=np.intp), home


def _family(name, families, role):
    """Return where a judge or candidate belongs.

    A text is one name, of a judge, a candidate or a family alike: a judge is of the family that bears its name. 0 as a
    judge and 0 as a candidate are numbers, not one name.
    """
    home = families.get(name, name)
    if isinstance(home, (str, bytes)):
        return "text", home
    return "family" if name in families else role, home


def check_voted(votes, dropped, owner):
    """Raise unless every candidate and every judge has a vote left."""
    for what, codes, names in (
        ("candidate", votes.candidate, votes.candidates),
        ("judge", votes.judge, votes.judges),
    ):
        none = np.bincount(codes, minlength=len(names)) == 0
        if none.any():
            raise InputError(
                f"{owner}: every {what} must have at least one vote; got none of {names[none.argmax()]!s}{dropped}. "
                f"Leave the {what} out."
            )


def check_linked(votes, anchored, owner):
    """Raise unless judges (or anchors) in common link all candidates, directly or through others."""
    k, j = len(votes.candidates), len(votes.judges)
    left = np.concatenate([votes.candidate, anchored])
    right = np.concatenate([k + votes.judge, np.full(len(anchored), k + j)])
    graph = sparse.csr_array((np.ones(len(left)), (left, right)), shape=(k + j + 1, k + j + 1))
    part = connected_components(graph, directed=False)[1][:k]
    if (part != part[0]).any():
        first, other = (votes.candidates[part == p].tolist() for p in (part[0], part[part != part[0]][0]))
        raise InputError(
            f"{owner}: votes must link all candidates through judges in common; got no judge who voted on both "
            f"{first!r:.100} and {other!r:.100}. Rank each part by itself, or give anchors of both."
        )


def build_cells(n_candidates, stratum, candidate, sizes, names, owner, candidates):
    """Return the candidate and the stratum of each cell and the share of its stratum, by candidate, then stratum."""
    n_strata = len(names)
    there = np.bincount(candidate * n_strata + stratum, minlength=n_candidates * n_strata) > 0
    if not there.all():
        k, g = divmod(int(there.argmin()), n_strata)
        raise InputError(
            f"{owner}: every candidate must have votes in every stratum; got none of {candidates[k]!s} in "
            f"{names[g]!s}. Leave the stratum out, or merge it with another."
        )
    cells = np.arange(n_candidates * n_strata)
    return cells // n_strata, cells % n_strata, np.tile(sizes / sizes.sum(), n_candidates)


def collapse(votes, level, cell_of_vote, anchors, anchor_level, cell_of_anchor, names, n_levels, owner):
    """Return unique rows (cell, truth, votes) and their counts; one item per candidate and item label.

    Raises
    ------
    InputError
        For two votes of a judge on one item, counts that differ within an item or from those of its anchor, anchors
        none of which has votes.
    """
    n_judges = len(votes.judges)
    n_items = len(votes.items) if anchors is None else max(len(votes.items), int(anchors.item.max()) + 1)
    keys = votes.candidate * n_items + votes.item
    if anchors is not None:
        anchor_keys = anchors.candidate * n_items + anchors.item
        if not np.isin(anchor_keys, keys).any():
            raise InputError(
                f"{owner}: some anchors must be of items that have votes; got none of {len(anchor_keys)}. Are items "
                "and candidates named alike in both tables, numbers as numbers and texts as texts?"
            )
        keys = np.concatenate([keys, anchor_keys])
    _, unit = np.unique(keys, return_inverse=True)
    n_units = int(unit.max()) + 1
    of_vote, of_anchor = unit[: len(votes.judge)], unit[len(votes.judge) :]
    slot = of_vote * n_judges + votes.judge
    _check_once(slot, votes, owner)
    patterns = np.full((n_units, n_judges), -1, np.int16)
    patterns.reshape(-1)[slot] = level
    count, cell, truth = np.ones(n_units, np.int64), np.zeros(n_units, np.int64), np.full(n_units, -1)
    count[of_vote] = votes.count
    differs = count[of_vote] != votes.count
    if differs.any():
        i = int(differs.argmax())
        raise InputError(
            f"{owner}: votes[{names['count']!r}] must be the same in all rows of an item; got {votes.count[i]} and "
            f"{count[of_vote[i]]} for {votes.candidates[votes.candidate[i]]!s} on item {votes.items[votes.item[i]]!s}."
        )
    cell[of_vote] = cell_of_vote
    if anchors is not None:
        voted = np.isin(of_anchor, of_vote)
        differs = voted & (count[of_anchor] != anchors.count)
        if differs.any():
            i = int(differs.argmax())
            raise InputError(
                f"{owner}: an anchor must stand for as many items as its votes; got {anchors.count[i]} in row {i} of "
                f"anchors, and votes that stand for {count[of_anchor[i]]}. Give anchors a column {names['count']!r} "
                "where all these items have that true score; else a row and a name of its own to the item that has it."
            )
        count[of_anchor] = anchors.count
        truth[of_anchor], cell[of_anchor] = anchor_level, cell_of_anchor
    return _unique_rows(cell, truth, patterns, count, n_levels)


def _check_once(slot, votes, owner):
    ordered = np.sort(slot)
    twice = ordered[1:] == ordered[:-1]
    if not twice.any():
        return
    rows = np.flatnonzero(slot == ordered[1:][twice][0])
    i = rows[0]
    raise InputError(
        f"{owner}: a judge must vote once on an item; got {len(rows)} votes of {votes.judges[votes.judge[i]]!s} on "
        f"{votes.candidates[votes.candidate[i]]!s}, item {votes.items[votes.item[i]]!s} (rows "
        f"{', '.join(map(str, votes.row[rows][:3]))}), and {int(twice.sum()) - 1} more such pairs. Drop repeats, or "
        f"name them as judges of their own ('{votes.judges[votes.judge[i]]!s} #2') and put these into one family."
    )


def _unique_rows(cell, truth, patterns, count, n_levels):
    """Return (cell, truth, votes, count) of the unique rows, by cell."""
    base, wide = n_levels + 1, patterns.shape[1] + 1
    if (int(cell.max()) + 1) * float(base) ** wide < 2.0**62:
        key = cell * base + truth + 1
        for column in patterns.T:
            key = key * base + column + 1
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    else:
        rows = np.column_stack([cell, truth, patterns])
        _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    total = np.zeros(len(first), np.int64)
    np.add.at(total, inverse.reshape(-1), count)
    return cell[first], truth[first], patterns[first].astype(np.int64), total
