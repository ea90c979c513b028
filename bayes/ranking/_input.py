"""Everything that `SimplexRanker.fit` is given, checked before any work, and turned into one problem."""

from dataclasses import dataclass

import numpy as np

from uq._base.exceptions import InputError

from ._anchors import read_anchors
from ._design import build_cells, check_linked, check_voted, collapse, read_families
from ._evidence import check_identified
from ._identifiability import Identification
from ._prior import COPY_ACCURACY, COPY_STRENGTH, check_accuracy, judge_prior
from ._problem import Problem
from ._votes import check_columns, read_levels, read_strata, read_votes

__all__ = ["Prepared", "constancies", "prepare"]

SELF_CONSTANCY = 10.0  # of a judge about its own family, unless told otherwise


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """The problem, its names, and what it identifies; `home` (F, C) marks votes on candidates of one's own family."""

    problem: Problem
    home: np.ndarray
    candidates: np.ndarray
    judges: np.ndarray
    strata: np.ndarray | None
    identification: Identification
    n_votes: int
    n_missing: int
    n_self_votes: int


def prepare(ranker, votes, anchors, families, strata, columns, missing, owner):
    """Return the checked data of a fit; changes nothing."""
    names = check_columns(columns, owner)
    ballots = read_votes(votes, names, missing, owner)
    if ranker.likelihood == "joint" and ballots.item is None:
        raise InputError(
            f"{owner}: votes must have a column {names['item']!r} for the joint likelihood; got none. Name it in "
            "`columns`, or use likelihood='marginal'."
        )
    if ranker.likelihood == "marginal" and ranker.target == "sample":
        raise InputError(
            f"{owner}: target must be 'population' for the marginal likelihood, which knows no items; got 'sample'."
        )
    family, home = read_families(families, ballots, owner)
    if strata is None:
        stratum, stratum_of_item, stratum_names = np.zeros(len(ballots.row), np.intp), None, np.array(["all"])
        sizes = np.ones(1)
    else:
        stratum, stratum_of_item, stratum_names, sizes = read_strata(strata, votes, ballots, owner)
    dropped = " that is not missing" if ballots.n_missing else ""
    own = home[family[ballots.judge], ballots.candidate]
    n_self_votes = int(ballots.count[own].sum())
    if ranker.self_votes == "drop" and n_self_votes:
        ballots, stratum = ballots.kept(~own), stratum[~own]
        dropped = " besides those of its own family"
    check_voted(ballots, dropped, owner)
    known = None if anchors is None else read_anchors(anchors, names, ballots, owner)
    check_linked(ballots, np.empty(0, int) if known is None else known.candidate, owner)
    scores = {f"votes[{names['score']!r}]": (ballots.score, ballots.row)}
    if known is not None:
        scores[f"anchors[{names['score']!r}]"] = (known.score, np.arange(len(known.score)))
    levels, codes = read_levels(ranker.levels, scores, owner)
    check_accuracy(len(levels), ranker.judge_accuracy, owner)
    cells = build_cells(
        len(ballots.candidates), stratum, ballots.candidate, sizes, stratum_names, owner, ballots.candidates
    )
    cell = ballots.candidate * len(stratum_names) + stratum
    if ballots.item is None:
        rows = _single_votes(ballots, codes[0], cell, len(levels))
    else:
        cell_of_anchor = None
        if known is not None:
            cell_of_anchor = known.candidate * len(stratum_names) + _anchor_strata(known, stratum_of_item, owner)
        level_of_anchor = None if known is None else codes[1]
        rows = collapse(ballots, codes[0], cell, known, level_of_anchor, cell_of_anchor, names, len(levels), owner)
    problem = Problem(
        levels=levels,
        cell=rows[0],
        truth=rows[1],
        votes=rows[2],
        count=rows[3],
        cell_candidate=cells[0],
        cell_stratum=cells[1],
        cell_weight=cells[2],
        n_candidates=len(ballots.candidates),
        family=family,
        constancy=constancies(ranker, home[:, cells[0]]),
        prior=judge_prior(len(levels), ranker.prior_strength, ranker.judge_accuracy),
        copy_prior=judge_prior(len(levels), COPY_STRENGTH, COPY_ACCURACY),
        has_items=ballots.item is not None,
        likelihood=ranker.likelihood,
    )
    return Prepared(
        problem=problem,
        home=home[:, cells[0]],
        candidates=ballots.candidates,
        judges=ballots.judges,
        strata=None if strata is None else stratum_names,
        identification=check_identified(problem, ranker.constancy, owner),
        n_votes=int(ballots.count.sum()),
        n_missing=ballots.n_missing,
        n_self_votes=n_self_votes,
    )


def constancies(ranker, home):
    """Return the constancy of each family in each cell, given where it votes on its own."""
    out = np.full(home.shape, float(ranker.constancy))
    if ranker.self_votes == "model":
        own = ranker.self_constancy
        out[home] = min(out.flat[0], SELF_CONSTANCY) if own is None else float(own)
    return out


def _anchor_strata(known, stratum_of_item, owner):
    if stratum_of_item is None:
        return np.zeros(len(known.item), np.intp)
    new = known.item >= len(stratum_of_item)
    if new.any():
        raise InputError(
            f"{owner}: anchors must be of items that have votes, which tell the stratum; got {int(new.sum())} others, "
            f"the first in row {int(new.argmax())} (counting from 0)."
        )
    return stratum_of_item[known.item]


def _single_votes(ballots, level, cell, n_levels):
    """Return rows of one vote each, for tables without items: (cell, truth, votes, count)."""
    n_judges = len(ballots.judges)
    total = np.zeros((int(cell.max()) + 1) * n_judges * n_levels, np.int64)
    np.add.at(total, (cell * n_judges + ballots.judge) * n_levels + level, ballots.count)
    code = np.flatnonzero(total)
    of_cell, judge = code // n_levels // n_judges, code // n_levels % n_judges
    votes = np.full((len(code), n_judges), -1)
    votes[np.arange(len(code)), judge] = code % n_levels
    return of_cell, np.full(len(code), -1), votes, total[code]
