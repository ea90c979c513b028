"""How the ranking of judges' votes is driven."""

import numpy as np
from hypothesis import strategies as st
from strategies import HOSTILE_NUMBERS, HOSTILE_WORDS, INF, NAN, Target, arguments, hostile_arrays, methods, mostly

N = 36
CANDIDATE, ITEM, JUDGE = (x.ravel() for x in np.indices((3, 4, 3)))


def _columns(seed, kind):
    rng = np.random.default_rng(seed)
    score = rng.integers(1, 4, N).astype(float)
    names = np.array(["a", "b", "c"])
    votes = {"candidate": names[CANDIDATE], "item": ITEM, "judge": JUDGE, "score": score}
    if kind == "names":
        votes["judge"] = np.array(["x", "y", "a"])[JUDGE]  # "a" votes on itself
    elif kind == "few":
        votes = {name: column[rng.permutation(N)[:12]] for name, column in votes.items()}
    elif kind == "holes":
        votes["score"] = np.where(rng.random(N) < 0.2, NAN, score)
    elif kind == "repeats":
        votes = {name: np.r_[column, column[:2]] for name, column in votes.items()}
    elif kind == "counts":
        votes["count"] = 10 ** (ITEM % 4)
    elif kind == "no items":
        del votes["item"]
    elif kind == "huge":
        votes["score"] = score * 1e149
    elif kind == "tiny":
        votes["score"] = score * 1e-300
    elif kind == "lists":
        votes = {name: column.tolist() for name, column in votes.items()}
    elif kind == "alike":
        votes["score"] = np.ones(N)
    return votes


KINDS = ["plain", "plain", "names", "few", "holes", "repeats", "counts", "no items", "huge", "tiny", "lists", "alike"]


def _with_hostile_column(name, column):
    return _columns(0, "plain") | {name: column}


VOTES = mostly(
    st.builds(_columns, st.integers(0, 99), st.sampled_from(KINDS)),
    st.builds(
        _with_hostile_column, st.sampled_from(["candidate", "item", "judge", "score", "count"]), hostile_arrays(N)
    )
    | hostile_arrays(N)
    | st.sampled_from([{}, {"score": [1.0]}, 5, "votes"]),
)
ANCHORS = mostly(
    st.sampled_from(
        [
            None,
            {"candidate": ["a", "b"], "item": [0, 1], "score": [1, 3]},
            {"candidate": ["c"], "item": [99], "score": [2]},
            {"candidate": ["a", "b", "c"], "item": [0, 1, 3], "score": [1, 3, 2], "count": [1, 10, 1000]},
        ]
    ),
    st.sampled_from([{}, {"candidate": ["a"], "item": [0], "score": [NAN]}, {"candidate": "a"}, 3, [1]]),
)
FAMILIES = mostly(
    st.sampled_from([None, {}, {0: "f", 1: "f"}, {0: "f", "a": "f"}, {"x": 1, "y": 1}]),
    st.sampled_from([{"nobody": 1}, {0: []}, [0], "f", {0: NAN}]),
)


def _rank(
    function, votes, anchors=None, families=None, strata=None, columns=None, missing="drop", grid=None, **parameters
):
    ranker = function(draws=6, tune=4, chains=2, random_state=0, **parameters)
    ranker.fit(votes, anchors, families=families, strata=strata, columns=columns, missing=missing)
    for array in (ranker.pi_, ranker.theta_, ranker.utility_):
        assert np.isfinite(array).all()
    assert ((ranker.theta_ >= 0) & (ranker.theta_ <= 1 + 1e-9)).all()
    assert np.abs(ranker.theta_.sum(axis=-1) - 1).max() < 1e-9
    answers = (ranker.identification_, ranker.diagnostics_.agreement)
    if grid is not None:
        ranker.n_jobs = 1  # workers for so little cost more than the sampling
        report = ranker.sensitivity(grid)
        assert np.isfinite(report.win_error).all()
        assert (report.union.lower <= report.lower).all()
        answers = (*answers, report)
    return (*answers, ranker.ranking_) if ranker.diagnostics_.converged else answers


TARGETS = {
    "bayes.SimplexRanker": Target(
        arguments(
            {"votes": VOTES},
            {
                "anchors": ANCHORS,
                "families": FAMILIES,
                "strata": mostly(st.sampled_from([None, "item", ITEM // 2]), hostile_arrays(N) | HOSTILE_WORDS),
                "columns": mostly(st.none() | st.just({"score": "score"}), HOSTILE_WORDS | st.just({"a": "b"})),
                "missing": methods("raise", "drop"),
                "levels": mostly(
                    st.sampled_from([None, [1, 2, 3], [0, 1, 2, 3, 9]]), hostile_arrays(3) | HOSTILE_NUMBERS
                ),
                "likelihood": mostly(st.just("joint"), HOSTILE_WORDS),
                "prior_strength": mostly(st.sampled_from([10, 1e-3, 1e6, 0.5]), HOSTILE_NUMBERS),
                "judge_accuracy": mostly(st.sampled_from([0.6, 0.51, 0.999, 1 - 1e-12]), HOSTILE_NUMBERS),
                "constancy": mostly(st.sampled_from([INF, 10, 1e-3, 1e12]), HOSTILE_NUMBERS),
                "self_constancy": mostly(st.sampled_from([None, INF, 2, 1e-3]), HOSTILE_NUMBERS),
                "self_votes": methods("model", "drop", "keep"),
                "target": methods("population", "sample"),
                "sampler": mostly(st.just("gibbs"), HOSTILE_WORDS),
                "grid": mostly(
                    st.sampled_from(
                        [None, None, {"judge_accuracy": [0.7]}, [{"constancy": 5}], {"self_constancy": [2]}]
                    ),
                    st.sampled_from([{}, [], {"draws": [3]}, {"constancy": 3}, {"constancy": [NAN]}, "constancy", 3]),
                ),
                "n_jobs": mostly(st.sampled_from([None, 1, 2, -1]), HOSTILE_NUMBERS),
            },
        ),
        _rank,
    ),
}
