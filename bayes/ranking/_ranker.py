"""Who is better, when the judges are models too: candidates and judges described by one model of the votes."""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from uq._base.citation import cites
from uq._base.exceptions import UQError
from uq._base.random import spawn_seeds
from uq._base.rank import RankSummary
from uq._base.sklearn import Range, StrOptions, as_generator, validate_params
from uq._base.validation import check_jobs, check_level

from ._diagnosis import MOST_RHAT
from ._input import prepare
from ._learning import disagreement, learn
from ._sampler import sample_posterior
from ._sensitivity import RankSensitivity, read_grid, sensitivity
from ._simplex_plot import simplex_picture

__all__ = ["SimplexRanker"]


@cites("vossler2025", "dawid1979", "teh2006", "talts2018")
class SimplexRanker(BaseEstimator):
    """Rank candidates from the votes of judges that err, each in its own way, and a few human anchors if there are any.

    Parameters
    ----------
    levels : array-like of shape (n_levels,), optional
        Possible scores, ascending; what a score is worth is its value. Default: the scores that occur.
    likelihood : {"joint", "marginal"}
        "joint" uses which judges voted how on the same item. "marginal" uses each judge's counts of scores alone,
        divided by the design effect of judges that saw the same items; it runs by NUTS, and where there are three
        levels or more its order rests on the prior (`prior_driven_`).
    prior_strength : float, default 10
        How many votes the prior of each row of a judge's matrix is worth.
    judge_accuracy : float, default .6
        Prior probability that a judge gives the true score; wrong scores are half as likely with each further level.
        The true score must be the likeliest, so that the bound depends on the number of levels: above .5 for two, .4
        for three, .34 for many.
    constancy : float, default inf
        inf: each judge has one matrix P(vote | true score) for all candidates. Else the matrix for a candidate (in a
        stratum) is drawn around the common one with the precision of so many votes: 10 is loose, 100 tight.
    self_constancy : float, optional
        The same for judges and candidates of one family or name. Default: 10, or `constancy` where that is smaller.
    self_votes : {"model", "drop", "keep"}
        What becomes of votes on a candidate of the judge's own family or name: a matrix of their own, none, no
        difference. Names are texts; a judge 0 and a candidate 0 are numbers, and akin only where `families` names 0.
    target : {"population", "sample"}
        The mean score of all items like these, or of these very items.
    sampler : {"gibbs", "nuts"}
        "nuts" draws from the same posterior with PyMC; the marginal likelihood always does.
    draws, tune, chains : int, default 1000, 500, 4
        Kept draws and warm-up draws of each chain, and chains. Where the chains of up to 20,000 patterns times levels
        disagree after 100 warm-up draws or more, Gibbs draws all anew: four times the warm-up, every fourth draw kept.
    n_jobs : int, optional
        Workers for the chains of large problems; small ones run side by side in one. The draws do not depend on it.
    random_state : None, int, RandomState or Generator

    Attributes
    ----------
    candidates_, judges_, levels_ : ndarray
    strata_ : ndarray or None
    pi_ : ndarray of shape (n_chains, n_draws, n_candidates, n_levels)
        Shares of the true scores of each candidate, averaged over strata by their number of items.
    theta_ : ndarray of shape (n_chains, n_draws, n_judges, n_levels, n_levels)
        P(vote | true score) of each judge, rows are true scores.
    utility_ : ndarray of shape (n_chains, n_draws, n_candidates)
        Mean true score. With target="sample", means that are equal up to rounding are equal.
    ranking_ : RankSummary
        Of all draws. Raises a UQError where the chains disagree, under `hasattr` too: ask `diagnostics_.converged`
        first. The draws stand in `utility_`.
    diagnostics_ : RankingDiagnostics
        R-hat and effective draws per candidate; `diagnostics_.agreement` holds the agreement of judges against what
        the model predicts.
    design_effect_ : ndarray of shape (n_candidates,) or None
        By what the marginal likelihood divides the counts of votes on each candidate, because judges saw the same
        items; None for the joint likelihood.
    label_ambiguity_ : float
        Share of draws in which another naming of the true scores would suit the judges better.
    identification_ : Identification
        What votes of this design can tell at all; see `identifiability`. Views count that a tenth of the items of every
        candidate have (or a vote of a judge whom other items show). Anchors count where every candidate has some, which
        show each judge at each true score or are as many as levels; or, with constancy=inf, where those of some
        candidates show all that.
    prior_driven_ : bool
        Whether the order rests on the prior, however many votes there are.
    n_votes_, n_missing_, n_self_votes_ : int
        Votes that were cast, scores that were missing, and votes on a candidate of the judge's own family or name
        (dropped ones included).

    Raises
    ------
    InputError
        From `fit`: see there.

    See Also
    --------
    identifiability : what a design can tell.
    simplex_breakdown : two levels without sampling, and how unequal a judge's treatment may be.
    uq.rank_models : the mean of scores, where the scores are the truth.

    Notes
    -----
    An item of candidate k has a true score m with probability pi_k[m]; judge j then votes v with probability
    theta_j[m, v], independently of other judges. The prior of pi_k is uniform, that of theta_j[m] a Dirichlet law of
    total `prior_strength` around `judge_accuracy`. Judges of a family share a latent vote, which each of them copies
    with a matrix of its own (prior: accuracy .9, strength 10); however many of them agree, they count as one judge.

    Sampling is blocked Gibbs on counts of unique patterns of votes, with steps along the ridge on which merits and
    judges change together, so its cost depends on the number of patterns, not of votes. Finite constancy takes a matrix
    per candidate and about five times as long. With dozens of judges hardly two items have the same pattern, and a
    sweep costs as much as the votes. During the first half of the warm-up several starts per chain compete, each
    chain's among themselves. Many levels and few items give posteriors with many modes, which differ in the levels that
    are unused or split. A second, longer warm-up mostly brings the chains into one of them (in the five-level data that
    were tried, towards the higher one); chains that agree do not prove that no other mode matters. Where they disagree
    all the same, merge levels, or give anchors.

    The marginal likelihood takes the votes of an item for independent, which they are not even given perfect judges, so
    its counts are divided by `design_effect_`: how much more its derivative along the utility varies over items than
    independent votes would make it, at a first fit. NUTS, unlike Gibbs, does not jump between namings of the true
    scores; where more than one has weight, its chains disagree, or all miss it.

    **Guarantee.** Posterior: ranks and intervals are as good as the model. They are not confidence intervals; near ties
    they hold the true rank less often than they say. With the marginal likelihood of several judges they are a
    calibrated composite: right for large samples and the utility of one candidate at a time. The order among labellings
    of the true scores comes from the prior of the judges (or from anchors): judges that are wrong more often than right
    turn it round. Votes may be missing for any reason but the true score itself. Where judges err together for reasons
    that no family names, the intervals are too narrow; `diagnostics_` tells of pairs that agree more than they should,
    if there are four judges or more. A judge who treats candidates unequally needs finite `constancy`; nothing in votes
    alone proves constancy. Anchors count as exact and as drawn at random, or by their votes.

    References
    ----------
    .. [1] Vossler, Xia, Mai, Subbaswamy and Feng (2025). LLMs judging LLMs: a simplex perspective. arXiv:2505.21972.
    .. [2] Dawid and Skene (1979). Maximum likelihood estimation of observer error-rates using the EM algorithm.
       doi:10.2307/2346806.
    .. [3] Teh, Jordan, Beal and Blei (2006). Hierarchical Dirichlet processes. doi:10.1198/016214506000000302 (the
       draws of common matrices where constancy is finite).
    .. [4] Talts, Betancourt, Simpson, Vehtari and Gelman (2018). Validating Bayesian inference algorithms with
       simulation-based calibration. arXiv:1804.06788 (how the sampler is tested).

    Examples
    --------
    >>> import numpy as np
    >>> from bayes import SimplexRanker
    >>> rng = np.random.default_rng(0)
    >>> merit = {"a": .4, "b": .5, "c": .8}
    >>> votes = {"candidate": [], "item": [], "judge": [], "score": []}
    >>> for candidate, p in merit.items():
    ...     for item in range(400):
    ...         good = rng.random() < p
    ...         for judge, accuracy in (("x", .9), ("y", .7), ("z", .6)):
    ...             votes["candidate"].append(candidate)
    ...             votes["item"].append(item)
    ...             votes["judge"].append(judge)
    ...             votes["score"].append(int(good == (rng.random() < accuracy)))
    >>> ranker = SimplexRanker(draws=250, random_state=0).fit(votes)
    >>> ranker.ranking_.point_ranking().names
    ('c', 'b', 'a')
    >>> ranker.theta_.mean(axis=(0, 1))[:, 1, 1].round(1)  # P(vote 1 | good) of x, y, z
    array([0.9, 0.7, 0.6])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "levels": [object],
        "likelihood": [StrOptions({"joint", "marginal"})],
        "prior_strength": [Range(Real, 1e-3, 1e6, closed="both")],
        "judge_accuracy": [Range(Real, 0, 1, closed="neither")],
        "constancy": [Range(Real, 1e-3, None, closed="both")],
        "self_constancy": [Range(Real, 1e-3, None, closed="both"), None],
        "self_votes": [StrOptions({"model", "drop", "keep"})],
        "target": [StrOptions({"population", "sample"})],
        "sampler": [StrOptions({"gibbs", "nuts"})],
        "draws": [Range(Integral, 4, 10**7, closed="both")],
        "tune": [Range(Integral, 0, 10**7, closed="both")],
        "chains": [Range(Integral, 1, 1000, closed="both")],
        "n_jobs": [object],
        "random_state": [object],
    }

    def __init__(
        self,
        levels=None,
        likelihood="joint",
        prior_strength=10.0,
        judge_accuracy=0.6,
        constancy=np.inf,
        self_constancy=None,
        self_votes="model",
        target="population",
        sampler="gibbs",
        draws=1000,
        tune=500,
        chains=4,
        n_jobs=1,
        random_state=None,
    ):
        self.levels = levels
        self.likelihood = likelihood
        self.prior_strength = prior_strength
        self.judge_accuracy = judge_accuracy
        self.constancy = constancy
        self.self_constancy = self_constancy
        self.self_votes = self_votes
        self.target = target
        self.sampler = sampler
        self.draws = draws
        self.tune = tune
        self.chains = chains
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, votes, anchors=None, *, families=None, strata=None, columns=None, missing="raise"):
        """Draw candidates and judges from their posterior.

        Parameters
        ----------
        votes : frame, dict of columns or structured array, one row per vote
            Columns candidate, item, judge and score. A vote that was not cast has no row. A column `count`, if there
            is one, says how many items such a row stands for (the same in all rows of an item); the marginal likelihood
            does without `item`.
        anchors : the same with the columns candidate, item, score, optional
            True scores of some items, from people, among the levels. An item that stands for several needs a `count`
            here, too: all of them have that true score.
        families : dict, optional
            Judge -> family. Judges of a family share their errors. Candidates may be named, too: votes within a family
            are self-votes, as are those of a judge on a candidate of its name (if that is a text). A number that is
            both a judge and a candidate names both.
        strata : str or array-like of shape (n_votes,), optional
            The name of a column of the votes, or one label per row, alike in all rows of an item. Each stratum has its
            own shares of true scores; utilities are averages over strata by their number of items: each item once per
            candidate, by its `count`, however many votes it has or misses. Without items, by the number of rows.
        columns : dict, optional
            What the columns are called: ``{"candidate": "model", "score": "rating"}``.
        missing : {"raise", "drop"}
            Whether a score that is NaN is a mistake or a vote that was not cast.

        Returns
        -------
        self

        Raises
        ------
        InputError
            For columns that are not there or differ in length, scores that are no numbers or not among the levels, NaN
            unless dropped, two votes of a judge on one item, a candidate or judge without votes, candidates that no
            chain of common judges links, a candidate without votes in a stratum, an accuracy at which the true score is
            not the likeliest vote, families of nobody, anchors that stand for more or fewer items than the votes.
        NotIdentifiedError
            For families that leave fewer than three independent votes per item (two where constancy is inf), counted as
            in `identification_`.
        MissingExtraError
            Where NUTS is asked for and PyMC is not installed.

        Warns
        -----
        UserWarning
            Where chains disagree or NUTS diverges, where the joint likelihood finds the order to rest on the prior,
            where two judges agree more or less than the model can explain, and where the marginal likelihood of several
            judges is given no items.
        """
        owner = "SimplexRanker.fit"
        validate_params(self)
        n_jobs = check_jobs(self.n_jobs, owner)
        rng = as_generator(self.random_state, owner)
        data = prepare(self, votes, anchors, families, strata, columns, missing, owner)
        found = sample_posterior(self, data.problem, rng, n_jobs)
        words, learned = learn(self, data, found)
        learned["_seed"] = spawn_seeds(rng, 1)[0]
        for name, value in learned.items():
            setattr(self, name, value)
        for text in words:
            warnings.warn(f"SimplexRanker: {text}", UserWarning, stacklevel=2)
        return self

    @property
    def ranking_(self) -> RankSummary:
        """The ranks of the candidates, from all draws."""
        check_is_fitted(self)
        if not self.diagnostics_.converged:
            raise UQError(f"SimplexRanker.ranking_: {disagreement(self.diagnostics_, self.pi_, self.levels_)}")
        utility = self.utility_
        return RankSummary(
            utility.reshape(-1, utility.shape[-1]),
            self.diagnostics_.names,
            method=self.diagnostics_.method,
        )

    def sensitivity(self, grid, *, confidence_level=0.95) -> RankSensitivity:
        """Rank the same candidates under other priors, and tell what holds under all of them.

        Parameters
        ----------
        grid : dict of lists, or list of dicts
            Values of prior_strength, judge_accuracy, constancy and self_constancy: all combinations of the lists, or
            the points one by one. The prior of the fit is added to them. ``{"judge_accuracy": [.55, .6, .8],
            "constancy": [10, 30, inf]}`` is a fair start.
        confidence_level : float, default .95

        Returns
        -------
        RankSensitivity
            Intervals of ranks under each prior and their union, Kendall's tau against the order as fitted, and the
            `pairs` whose order holds throughout.

        Raises
        ------
        InputError
            For a grid of other parameters, values they may not have, a point that repeats, self_constancy where no vote
            is a self-vote with a matrix of its own, or a level outside (0, 1).

        Warns
        -----
        UserWarning
            Where the chains disagree under some of the priors.

        Notes
        -----
        Each point costs as much as the fit. The draws depend on the seed of the fit alone, so the answer is the same
        each time.

        **Guarantee.** None: a grid is a set of priors and not a sample of them. An order that holds over the grid may
        turn under a prior that is not in it; one that turns within it is the prior's doing.

        Examples
        --------
        >>> import numpy as np
        >>> from bayes import SimplexRanker
        >>> rng = np.random.default_rng(0)
        >>> good = rng.random((400, 1)) < np.repeat([.4, .7], 200)[:, None]
        >>> score = np.where(rng.random((400, 2)) < .8, good, ~good)
        >>> votes = {"candidate": np.repeat(["a", "b"], 400), "item": np.repeat(np.arange(400), 2)}
        >>> votes |= {"judge": np.tile(["x", "y"], 400), "score": score.astype(int).ravel()}
        >>> ranker = SimplexRanker(draws=100, tune=100, random_state=0).fit(votes)
        >>> ranker.sensitivity({"prior_strength": [5, 20]}).pairs()
        (('b', 'a'),)
        """
        owner = "SimplexRanker.sensitivity"
        check_is_fitted(self)
        level = check_level(confidence_level, owner)
        points = read_grid(grid, self, len(self.levels_), owner)
        report = sensitivity(self, points, level, check_jobs(self.n_jobs, owner))
        apart = [prior for prior, worst in zip(report.priors, report.rhat, strict=True) if worst > MOST_RHAT]
        if apart:
            warnings.warn(
                f"{owner}: the chains disagree under {'; '.join(apart)}, so that these ranks cannot be trusted. Take "
                "more draws and tune.",
                UserWarning,
                stacklevel=2,
            )
        return report

    def to_inference_data(self):
        """Return the draws as ArviZ holds them, for its pictures and diagnostics.

        Returns
        -------
        arviz.InferenceData, or xarray.DataTree since ArviZ 1
            The group `posterior` with pi (candidate, true_score), theta (judge, true_score, vote) and utility
            (candidate).

        Raises
        ------
        MissingExtraError
            Where ArviZ is not installed.

        Notes
        -----
        **Guarantee.** None of its own: the draws as they stand in `pi_`, `theta_` and `utility_`.
        """
        from ._pymc import inference_data

        check_is_fitted(self)
        names = {"candidate": self.candidates_, "judge": self.judges_}
        scores = {"true_score": self.levels_, "vote": self.levels_}
        return inference_data(
            {"pi": self.pi_, "theta": self.theta_, "utility": self.utility_},
            {"pi": ["candidate", "true_score"], "theta": ["judge", "true_score", "vote"], "utility": ["candidate"]},
            {axis: [str(name) for name in labels] for axis, labels in names.items()} | scores,
        )

    def plot_simplex(self, ax=None):
        """Draw candidates and judges of three levels on the triangle of laws on the scores.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            A new figure where None.

        Returns
        -------
        matplotlib.axes.Axes
            A candidate is a point: its shares of true scores (posterior mean, draws around it). A judge is a triangle:
            how it votes on items of each true score; a judge without error fills the frame, one that knows nothing is a
            point.

        Raises
        ------
        InputError
            Where there are not three levels.
        MissingExtraError
            Where matplotlib is not installed.

        Notes
        -----
        **Guarantee.** None: a picture of posterior means, whose cloud shows how far they may be off.
        """
        check_is_fitted(self)
        return simplex_picture(
            ax, self.pi_, self.theta_, self.levels_, self.candidates_, self.judges_, "SimplexRanker.plot_simplex"
        )
