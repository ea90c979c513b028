"""From draws to what a fitted ranker knows: its attributes, and what its fit warns of."""

import numpy as np

from ._diagnosis import MOST_RHAT, diagnose
from ._predictive import AgreementCheck
from ._sampler import needs_nuts
from ._utility import utilities

__all__ = ["disagreement", "learn"]

MOST_DIVERGENT = 0.01  # share of draws


def learn(ranker, data, found):
    """Return what to warn of, and the fitted attributes by name, given the data as prepared and the draws."""
    problem, pi, names = data.problem, found["pi"], [str(name) for name in data.candidates]
    utility = utilities(ranker.target, problem, found)
    agreement = None
    if found.get("agreement") is not None:
        agreement = AgreementCheck(problem).summary(found["agreement"], data.judges)
    driven = data.identification.prior_driven
    effect = found.get("design_effect")
    method = f"{ranker.likelihood} votes, {'NUTS' if needs_nuts(ranker) else 'Gibbs'}"
    method += ", calibrated composite" if effect is not None and problem.n_judges > 1 else ""
    method += ", prior-driven" if driven else ""
    diagnostics = diagnose(utility, found["theta"], agreement, names, method, data.n_self_votes, data.n_votes)
    shares = np.moveaxis(problem.per_candidate(np.moveaxis(pi, -1, 0)), 0, -1)
    words = _words(diagnostics, driven and ranker.likelihood == "joint", shares, problem.levels)
    words += _nuts_words(found.get("n_divergent", 0), pi.shape[0] * pi.shape[1])
    if effect is not None and not problem.has_items and problem.n_judges > 1:
        words.append(
            "votes without items count as independent; where judges saw the same items, intervals are too narrow. "
            "Name the items, so that the design effect can be seen."
        )
    return words, {
        "candidates_": data.candidates,
        "judges_": data.judges,
        "levels_": problem.levels,
        "strata_": data.strata,
        "pi_": shares,
        "theta_": found["theta"],
        "utility_": utility,
        "diagnostics_": diagnostics,
        "design_effect_": None if effect is None else problem.per_candidate(effect),
        "label_ambiguity_": diagnostics.label_ambiguity,
        "identification_": data.identification,
        "prior_driven_": driven,
        "n_votes_": data.n_votes,
        "n_missing_": data.n_missing,
        "n_self_votes_": data.n_self_votes,
        "_problem": problem,
        "_home": data.home,
    }


def disagreement(diagnostics, pi=None, levels=None):
    """Return that the chains disagree, on whom, on which level (given the draws `pi`), and what there is to do."""
    worst = int(np.argmax(diagnostics.rhat))
    rhat = np.ceil(1e4 * diagnostics.rhat[worst]) / 1e4  # up, lest it looks like the threshold
    return (
        f"the chains disagree on {diagnostics.names[worst]} (R-hat {rhat:.4f}, at most {MOST_RHAT:g} is asked for), so "
        "that no ranking is given; diagnostics_ tells of each candidate, the draws stand in utility_."
        f"{_modes(pi, levels)} Take more draws and tune, fewer levels (scores of neighbours merged before the fit, say "
        "1-2, 3 and 4-5), a stronger prior of the judges, or anchors."
    )


def _modes(pi, levels):
    """Return which level the chains use most unlike each other: what their modes are."""
    if pi is None or len(pi) < 2:
        return ""
    share = pi.mean(axis=(1, 2))  # (chain, level)
    m = int(np.argmax(np.ptp(share, axis=0)))
    low, high = share[:, m].min(), share[:, m].max()
    return f" True score {levels[m]:g} holds {low:.0%} of the items in one chain and {high:.0%} in another."


def _words(diagnostics, driven, pi, levels):
    words = [] if diagnostics.converged else [disagreement(diagnostics, pi, levels)]
    if driven:
        words.append(
            "the order rests on the prior of the judges, however many votes there are (see identification_). Votes of "
            "three judges on the same items of each candidate would tell, or two with constancy=inf, or anchors of "
            "every candidate."
        )
    check = diagnostics.agreement
    if check is not None and (i := check.misfit()) is not None:
        (a, b), seen, model = check.pairs[i], check.observed[i], check.expected[i]
        words.append(
            f"{a} and {b} agree on {seen:.3g} of their items, and the model explains {model:.3g}: they do not err "
            "independently, and intervals are too narrow. Put judges that err together into one family."
        )
    return words


def _nuts_words(n_divergent, n_draws):
    if n_divergent <= MOST_DIVERGENT * n_draws:
        return []
    return [
        f"NUTS diverged in {n_divergent} of {n_draws} draws, so that corners of the posterior may be missing. Take "
        "more tune, or a stronger prior of the judges."
    ]
