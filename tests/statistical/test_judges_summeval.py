"""Five language models judge twelve summarisers (SummEval): ranks against those of the experts, all four dimensions.

Twelve systems decide little. The judges' scores are merged into low, middle and high (1-2, 3, 4-5), which is quick:
five levels and 1,200 items have several modes, and finding those that count takes ten times as long.
"""

import warnings

import numpy as np
import pytest
from contracts import require, require_data
from scipy import stats

from bayes import SimplexRanker
from uq import RankSummary

pytestmark = pytest.mark.slow
DIMENSIONS = ("coherence", "consistency", "fluency", "relevance")
FAMILIES = {
    "gpt-4-0314": "gpt",
    "gpt-3.5-turbo-0301": "gpt",
    "llama-2-7b-chat-hf": "llama",
    "llama-2-13b-chat-hf": "llama",
    "llama-2-70b-chat-hf": "llama",
}


def tables(dimension, merged=True):
    """Return (votes, raw scores by item and system averaged over judges, experts' means by system)."""
    pd = require("pandas")
    votes = pd.read_parquet(require_data("judges/summeval12_llm_judges.parquet"))
    people = pd.read_parquet(require_data("judges/summeval12_human.parquet"))
    votes = votes[(votes.prompt == "rts") & (votes.dimension == dimension)]
    people = people[(people.rater_type == "expert") & (people.dimension == dimension)]
    experts = people.groupby("candidate", observed=True).score.mean()
    mean = votes.groupby(["doc", "candidate"], observed=True).score.mean().unstack()[experts.index]
    score = np.floor(votes.score.to_numpy() + 0.5)
    if merged:
        score = np.digitize(score, [2.5, 3.5]) + 1.0
    table = {
        "candidate": votes.candidate.astype(str).to_numpy(),
        "item": votes.doc.astype(str).to_numpy(),
        "judge": votes.judge.astype(str).to_numpy(),
        "score": np.where(votes.score.isna(), np.nan, score),
    }
    return table, mean.to_numpy(), experts


def judged(ranking, experts):
    """Return (share of true ranks in their intervals, mean width, Spearman's correlation of expected ranks)."""
    first = 1 + (experts > experts[:, None]).sum(axis=1)
    last = len(experts) - (experts < experts[:, None]).sum(axis=1)
    lower, upper = ranking.rank_interval(0.95)
    held = np.mean((lower <= first) & (upper >= last))
    return float(held), float(np.mean(upper - lower)), float(stats.spearmanr(-ranking.expected_rank, experts)[0])


@pytest.fixture(scope="module")
def results():
    found = {}
    for dimension in DIMENSIONS:
        table, mean, experts = tables(dimension)
        names, experts = list(experts.index.astype(str)), experts.to_numpy()
        rng = np.random.default_rng(0)
        means = [np.nanmean(mean[rng.integers(0, len(mean), len(mean))], axis=0) for _ in range(2000)]
        found[dimension, "naive"] = judged(RankSummary(np.array(means), names), experts)
        for name, families in (("judges", None), ("families", FAMILIES)):
            ranker = SimplexRanker(levels=[1, 2, 3], random_state=0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                ranker.fit(table, families=families, missing="drop")
            assert ranker.candidates_.tolist() == names
            utility = ranker.utility_.reshape(-1, len(names))
            found[dimension, name] = judged(RankSummary(utility, names), experts)
    return found


def test_more_true_ranks_are_held_than_by_a_naive_bootstrap(results):
    held = {way: np.mean([results[d, way][0] for d in DIMENSIONS]) for way in ("naive", "judges", "families")}
    assert held["judges"] >= held["naive"] + 0.08, results
    assert held["families"] >= held["naive"], results


def test_intervals_are_wider_because_judges_err(results):
    for dimension in DIMENSIONS:
        assert results[dimension, "judges"][1] > results[dimension, "naive"][1], results


def test_the_order_is_about_as_good_as_that_of_the_mean(results):
    """The mean of scores is no worse a point ranking here; what it lacks is an honest error."""
    for dimension in DIMENSIONS:
        naive, judges = results[dimension, "naive"][2], results[dimension, "judges"][2]
        assert abs(naive - judges) < 0.1, results


def test_five_levels_are_ranked_because_a_longer_warm_up_leaves_the_lesser_modes(monkeypatch):
    """With the first warm-up alone some chains keep the lowest score apart, others leave it unused."""
    table, _, _ = tables("consistency", merged=False)
    ranker = SimplexRanker(levels=[1, 2, 3, 4, 5], random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with monkeypatch.context() as once:
            once.setattr("bayes.ranking._sampling.AGAIN_MOST", 0)
            assert ranker.fit(table, missing="drop").diagnostics_.rhat.max() > 1.3
        ranker.fit(table, missing="drop")
    assert ranker.diagnostics_.converged
    assert ranker.diagnostics_.ess_bulk.min() > 100
