"""What the votes and anchors at hand count for, when it is asked what their design identifies."""

import numpy as np

from uq._base.exceptions import NotIdentifiedError

from ._identifiability import Identification, identifiability

__all__ = ["anchors_kind", "check_identified", "count_views"]

LEAST_SHARE = 0.1  # of the items, that must have what is said of a design


def check_identified(problem, constancy, owner) -> Identification:
    """Return what the design identifies; families of several judges are refused where the prior decides."""
    n_views = count_views(problem, constancy)
    joint = problem.likelihood == "joint" and n_views > 1
    found = identifiability(
        levels=problem.n_levels,
        judges=n_views if joint else problem.n_judges,
        candidates=problem.n_candidates,
        likelihood="joint" if joint else "marginal",
        constancy=constancy,
        anchors=anchors_kind(problem, constancy),
    )
    several = max(map(len, problem.members)) > 1
    if several and problem.likelihood == "joint" and found["shares"] == "no":
        raise NotIdentifiedError(
            f"{owner}: families leave {n_views} independent vote{'s' if n_views > 1 else ''} per item of some "
            "candidate; three are needed, or two with constancy=inf. Add judges of another family, give anchors of "
            "every candidate, or use likelihood='marginal'."
        )
    return found


def count_views(problem, constancy=None):
    """Return how many families voted on one item: the most that a tenth of the items of every candidate have.

    `constancy` is that of judges and candidates who are strangers, which decides; by default all are taken together.

    Only items without an anchor are looked at. Where matrices are common to all candidates, three views or more of one
    candidate show the families that voted there, and a vote of such a family tells as much about another candidate; a
    family is shown if a tenth of all items on which it voted have that many views. Two views need the candidate for a
    third: a pair of families counts that voted together on a tenth of the items of two candidates, and so do votes of
    its two. Self-votes, whose matrices are their own, are left out. Where matrices are not common, each stratum of a
    candidate must have the views by itself.
    """
    unknown = problem.truth < 0
    seen = np.zeros((len(problem.cell), problem.n_families), bool)
    row, judge = np.nonzero((problem.votes >= 0) & unknown[:, None])
    seen[row, problem.family[judge]] = True
    common = problem.is_constant or (constancy is not None and np.isinf(constancy))
    rows = seen.any(axis=1)
    if not rows.any():
        return 0
    if common:
        seen &= np.isinf(problem.constancy[:, problem.cell]).T
    seen, count = seen[rows], problem.count[rows].astype(float)
    group = problem.cell_candidate[problem.cell[rows]] if common else problem.cell[rows]
    views = seen.sum(axis=1)
    most = int(views.max())
    best = max((v for v in range(1, most + 1) if _everywhere(views >= v, group, count)), default=1)
    if not common:
        return best
    votes = np.maximum(count @ seen, 1.0)
    for v in range(most, max(best, 2), -1):
        shown = (count * (views >= v)) @ seen >= LEAST_SHARE * votes
        if _everywhere((seen & shown).any(axis=1), group, count):
            return v
    return best if best != 2 or _candidates_linked(seen, group, count) else 1


def _candidates_linked(seen, group, count):
    """Tell whether every candidate has votes of families that voted in pairs on two candidates or more."""
    names = np.unique(group)
    if len(names) == 1:
        return True  # its pairs are its own views, and nothing is compared
    together = np.zeros((seen.shape[1], seen.shape[1]), int)
    for name in names:
        of_name = group == name
        x, weight = seen[of_name].astype(float), count[of_name]
        together += (x.T * weight) @ x >= LEAST_SHARE * weight.sum()
    np.fill_diagonal(together, 0)
    return _everywhere((seen & (together >= 2).any(axis=1)).any(axis=1), group, count)


def _everywhere(mask, group, count):
    """Tell whether at least a tenth of the items of every group that has any is under the mask."""
    total = np.bincount(group, count)
    return bool((np.bincount(group, count * mask, len(total)) >= LEAST_SHARE * total).all())


def anchors_kind(problem, constancy):
    """Return what the anchors are as `identifiability` calls it, or None where they are too few to count.

    "random" where every candidate (in every stratum) has some, and either they show each judge at each true score or
    there are as many of them as levels. "truth" where only some candidates have any, which together show each judge at
    each true score, and judges treat all candidates alike.
    """
    known = problem.truth >= 0
    judged = problem.vote_counts(anchored=True).sum(axis=(0, 3)) > 0  # (true score, judge)
    anchored = np.bincount(problem.cell[known], problem.count[known], problem.n_cells)
    least = 1 if judged.all() else problem.n_levels
    if (anchored >= least).all():
        return "random"
    return "truth" if judged.all() and np.isinf(constancy) else None
