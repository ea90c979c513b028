"""What votes can tell, however many there are: which parts of the model a design identifies, and why."""

import numbers
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from uq._base.citation import cites
from uq._base.containers import as_labels
from uq._base.exceptions import InputError
from uq._base.record import Result
from uq._base.validation import check_count, check_number, check_option, check_vector

__all__ = ["Identification", "identifiability"]

OWNER = "identifiability"
SURE, LABELS, NEVER = "yes", "up to labels", "no"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Identification(Result):
    """What a design identifies: one row per quantity, and what that leans on.

    Parameters
    ----------
    quantities : tuple of str
        "order" of the candidates by expected score, "ratios" of differences of expected scores, "shares" of the true
        scores of each candidate, "judges": P(vote | true score).
    identified : tuple of str
        "yes", "up to labels" (the votes do not tell which true score is which; the prior of the judges does, or
        anchors), or "no" (the prior decides, however many votes there are).
    reasons : tuple of str
        One per quantity.
    assumptions : tuple of str
        What the answers lean on.
    n_views : int
        Votes on one item that are independent given its true score: families, or judges without families; 1 in the
        marginal likelihood.
    surplus : int
        Observable shares that are left when the identified parameters have taken up theirs: in how many ways the votes
        can contradict the assumptions. 0: these votes cannot test them.
    method : str
        The likelihood.
    guarantee : str
    """

    quantities: tuple[str, ...]
    identified: tuple[str, ...]
    reasons: tuple[str, ...]
    assumptions: tuple[str, ...]
    n_views: int
    surplus: int
    method: str
    guarantee: str = "none"

    @property
    def prior_driven(self) -> bool:
        """Whether the order of the candidates is a matter of the prior, however many votes there are."""
        return self.identified[0] == NEVER

    def __getitem__(self, quantity) -> str:
        check_option(quantity, self.quantities, "Identification", "quantity")
        return self.identified[self.quantities.index(quantity)]

    def _table(self):
        return {"quantity": list(self.quantities), "identified": list(self.identified), "because": list(self.reasons)}

    def _title(self):
        return f"what the {self.method} votes identify"

    def _caption(self):
        return ""

    def _note(self, table):
        tested = (
            f"leave {self.surplus} shares to test them with" if self.surplus else "cannot be tested with these votes"
        )
        return f"Assuming that {'; '.join(self.assumptions)}. These assumptions {tested}."

    def __repr__(self):
        answers = ", ".join(f"{q}: {a}" for q, a in zip(self.quantities, self.identified, strict=True))
        return f"<Identification ({self.method}): {answers}>"


@cites("vossler2025", "allman2009")
def identifiability(
    levels,
    judges,
    candidates=2,
    *,
    likelihood="joint",
    families=None,
    constancy=np.inf,
    anchors=None,
) -> Identification:
    """Tell what a design identifies before any vote is paid for: the order of the candidates, and what lies behind it.

    Parameters
    ----------
    levels : int or array-like of shape (n_levels,)
        How many levels a score has, or the levels; at least 2.
    judges : int or sequence of str
        How many judges there are, or their names.
    candidates : int or sequence of str, default 2
        How many candidates there are, at least 2, or their names.
    likelihood : {"joint", "marginal"}
        "joint" uses the votes of several judges on the same item, "marginal" each judge's shares of votes alone.
    families : dict, optional
        Judge -> family, as in `SimplexRanker`; judges that are not named stand alone. Judges of a family are one view
        of an item; candidates may stand in it and change nothing here.
    constancy : float, default inf
        As in `SimplexRanker`: inf where each judge treats all candidates alike, finite where it may not. Votes on
        candidates of a judge's own family (`self_constancy`) are not looked at apart.
    anchors : {None, "random", "truth"}
        Items of every candidate with a known true score: chosen at random (or by their votes), or by their true score.

    Returns
    -------
    Identification
        One row per quantity: `quantities` ("order", "ratios", "shares", "judges"), `identified` ("yes", "up to labels",
        "no") and `reasons`; ``["order"]`` gives the answer for one. `assumptions` is what the answers lean on,
        `surplus` in how many ways the votes can contradict these, `n_views` how many independent votes an item has.
        `prior_driven` tells whether even the order is the prior's.

    Raises
    ------
    InputError
        For fewer than 2 levels or candidates, no judge, names that repeat, families of judges that do not exist.

    Notes
    -----
    Candidate k has true scores with shares pi_k, judge j votes with P(vote | true score) = theta^j. Shares of votes
    alone, pi_k theta^j, fix neither: with any matrix T whose rows sum to 1, pi T and theta' with theta = T theta' give
    the same shares for all judges. For 2 levels that is a change of scale, common to all judges, which keeps the order;
    for 3 and more it can turn the order round. Votes of several judges on one item, independent given its true score,
    identify all for almost all parameters up to the names of the true scores: three views per item, or two where
    constancy makes the candidate the third.

    **Guarantee.** None of it is about sample size. "yes" and "up to labels" hold for almost all parameters under
    `assumptions`, and say nothing of parameters near the exceptions (judges that hardly tell two levels apart,
    candidates with proportional shares), where many votes are needed.

    References
    ----------
    Vossler, Xia, Mai, Subbaswamy and Feng (2025), LLMs judging LLMs: a simplex perspective, arXiv:2505.21972.
    Allman, Matias and Rhodes (2009), Identifiability of parameters in latent structure models with many observed
    variables, doi:10.1214/09-AOS689.

    Examples
    --------
    >>> from bayes import identifiability
    >>> identifiability(levels=5, judges=3)["order"]
    'up to labels'
    >>> identifiability(levels=5, judges=3, likelihood="marginal")["order"]
    'no'
    >>> identifiability(levels=2, judges=1)
    <Identification (joint): order: up to labels, ratios: yes, shares: no, judges: no>
    """
    check_option(likelihood, ("joint", "marginal"), OWNER, "likelihood")
    n_levels = _size(levels, "levels", 2)
    n_judges, n_candidates = _size(judges, "judges", 1), _size(candidates, "candidates", 2)
    constancy = check_number(constancy, OWNER, "constancy", low=0, infinite=True)
    if anchors is not None:
        check_option(anchors, ("random", "truth"), OWNER, "anchors")
    n_views = _count_families(families, judges, candidates, n_judges) if likelihood == "joint" else 1
    constant = constancy == np.inf
    if anchors is not None:
        rows = _anchored(anchors, constant)
    elif n_views >= 3:
        names = "one naming of the true scores" if constant else "a naming of the true scores for each candidate"
        rows = _latent_classes(f"{n_views} independent votes on one item fix all but {names}", constant, n_levels)
    elif n_views == 2 and constant:
        why = "two independent votes and the candidate are three views, which fix all but the naming of the true scores"
        rows = _latent_classes(why, constant, n_levels)
    elif constant and n_levels == 2:
        rows = _two_levels(n_judges, n_candidates)
    else:
        rows = _prior_decides(constant, n_levels)
    identified, reasons = zip(*rows, strict=True)
    return Identification(
        quantities=("order", "ratios", "shares", "judges"),
        identified=identified,
        reasons=reasons,
        assumptions=_assumptions(n_views, constant, anchors, identified),
        n_views=n_views,
        surplus=_surplus(n_levels, n_judges, n_candidates, n_views, constant, anchors),
        method=likelihood,
    )


def _anchored(anchors, constant):
    judges = (SURE, "votes on items with a known true score show the judges")
    if anchors == "random":
        shares = (SURE, "anchors at random show the shares themselves")
    elif constant:
        shares = (SURE, "known judges turn shares of votes into shares of true scores")
    else:
        shares = (SURE, "each candidate's own anchors show how it is judged")
    return [(SURE, "follows from the shares"), (SURE, "follows from the shares"), shares, judges]


def _latent_classes(why, constant, n_levels):
    follows = "follows from the shares"
    if constant and n_levels == 2:
        ratios = (SURE, "exchanging the two true scores keeps them")
    else:
        ratios = (LABELS, follows)
    return [(LABELS, follows), ratios, (LABELS, why), (LABELS, why)]


def _two_levels(n_judges, n_candidates):
    scale = "a change of scale" if n_judges == 1 else "one change of scale, the same for all judges,"
    why = f"{scale} gives the same shares of votes"
    ratios = "a change of scale keeps them" if n_candidates > 2 else "with two candidates there is but one difference"
    return [
        (LABELS, "the order of the shares of votes, turned round if the judges vote worse than chance"),
        (SURE, ratios),
        (NEVER, why),
        (NEVER, why),
    ]


def _prior_decides(constant, n_levels):
    if constant:
        why = "other shares and other judges give the same votes, with another order"
    elif n_levels == 2:
        why = "what looks like merit can be how a candidate is judged; simplex_breakdown tells how much it would take"
    else:
        why = "what looks like merit can be how a candidate is judged"
    return [(NEVER, why)] * 4


def _assumptions(n_views, constant, anchors, identified):
    found = ["votes are missing for no reason that lies in the true score"]
    if n_views > 1 and anchors is None and NEVER not in identified:
        found.append("votes of different families are independent given the true score")
        if n_views == 2:
            found.append("no two true scores have proportional shares over the candidates")
    if constant:
        found.append("each judge treats all candidates alike")
    if anchors is not None:
        found.append("the anchors' true scores are exact")
    if identified[2] != NEVER:
        found.append("every true score occurs, and each judge tells all of them apart")
    if LABELS in identified:
        found.append("the judges are right more often than not, as the prior says, which names the true scores")
    return tuple(found)


def _surplus(m, n_judges, k, n_views, constant, anchors):
    """Return how many observable shares are left when the identified parameters have taken up theirs."""
    matrices = m * (m - 1)
    if n_views > 1:
        votes, free = m**n_views - 1, n_views * matrices
    else:
        votes, free = n_judges * (m - 1), n_judges * matrices
    identified = k * (m - 1) + free * (1 if constant else k)
    observed = k * votes
    if anchors is not None:  # the votes given the truth and, where the anchors are chosen at random, the truth
        observed += k * (m * votes + (m - 1 if anchors == "random" else 0))
    elif n_views < 2 or (n_views == 2 and not constant):
        # shares of J judges that share M vertices each lie in a space of M - 1 dimensions
        return (k - m) * (n_judges - 1) * (m - 1) if constant and k > m else 0
    return max(observed - identified, 0)


def _size(value, name, least):
    """Return how many there are, given as a number or as a list of them."""
    if isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_)):
        return check_count(value, OWNER, name, low=least)
    if isinstance(value, (bool, np.bool_, numbers.Real)):
        raise InputError(f"{OWNER}: {name} must be a number of them or a list; got {value!r}.")
    listed = check_vector(value, OWNER, name) if name == "levels" else as_labels(value, OWNER, name)
    different = len(set(listed.tolist()))
    if different < len(listed) or different < least:
        raise InputError(f"{OWNER}: {name} must be {least} or more, all different; got {listed.tolist()!r:.100}.")
    return different


def _count_families(families, judges, candidates, n_judges):
    if families is None:
        return n_judges
    if isinstance(judges, numbers.Integral):
        raise InputError(f"{OWNER}: families needs the names of the judges; got judges={judges!r}. Pass their names.")
    if not isinstance(families, Mapping):
        raise InputError(f"{OWNER}: families must be a dict judge -> family; got {type(families).__name__}.")
    names = as_labels(judges, OWNER, "judges").tolist()
    others = [] if isinstance(candidates, numbers.Integral) else as_labels(candidates, OWNER, "candidates").tolist()
    unknown = [name for name in families if name not in names and name not in others]
    if unknown:
        raise InputError(
            f"{OWNER}: families must name judges ({names!r:.100}), or candidates that are given by name; got "
            f"{unknown[0]!r}, which is neither."
        )
    try:
        return len({("family", families[name]) if name in families else ("alone", name) for name in names})
    except TypeError:
        raise InputError(f"{OWNER}: families must be labels, such as strings; got {families!r:.100}.") from None
