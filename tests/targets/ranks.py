"""How the summary of ranks is driven, and what tells about the design of a ranking by judges."""

from hypothesis import strategies as st
from strategies import (
    HOSTILE_LEVELS,
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    LEVELS,
    Target,
    arguments,
    hostile_arrays,
    labels,
    mostly,
    per_size,
    scores,
)


def _rank_verbs(function, confidence_level=0.9, method="auto", loss="kendall", **given):
    summary = function(**given)
    interval = summary.rank_interval(confidence_level, method)
    assert interval.lower.min() >= 1
    assert interval.upper.max() <= len(summary.names)
    summary.indistinguishable_pairs(confidence_level, method)
    summary.indistinguishable_groups(confidence_level, method)
    return summary, interval, summary.point_ranking(loss)


def _breakdown(function, candidate, item, judge, score, count, violation, **options):
    columns = {"candidate": candidate, "item": item, "judge": judge, "score": score, "count": count}
    answer = function({name: column for name, column in columns.items() if column is not None}, **options)
    answer.certain_pairs()
    for ends in (answer.estimate, answer.lower, answer.upper, answer.refuted):
        assert ((ends >= 0) & (ends <= 0.5)).all()
    answer.certain_pairs(violation)
    return answer


TARGETS = {
    "bayes.identifiability": Target(
        arguments(
            {
                "levels": mostly(st.sampled_from([2, 3, 7, [0, 1], (1.0, 2.5, 4)]), HOSTILE_NUMBERS),
                "judges": mostly(st.sampled_from([1, 2, 5, ["a", "b"], ["a", "b", "c", "d"]]), HOSTILE_NUMBERS),
            },
            {
                "candidates": mostly(st.sampled_from([2, 12, ["x", "y", "z"]]), HOSTILE_NUMBERS | hostile_arrays(3)),
                "likelihood": mostly(st.sampled_from(["joint", "marginal"]), HOSTILE_WORDS),
                "families": mostly(
                    st.sampled_from([None, {}, {"a": "f"}, {"a": "f", "b": "f", "x": "f"}]),
                    st.sampled_from([{"q": "f"}, {"a": []}, {"a": None}, ["a"], "a", 3, {None: 1}]),
                ),
                "constancy": mostly(st.sampled_from([float("inf"), 10, 0.5]), HOSTILE_NUMBERS),
                "anchors": mostly(st.sampled_from([None, "random", "truth"]), HOSTILE_WORDS),
            },
        )
    ),
    "bayes.simplex_breakdown": Target(
        per_size(
            lambda n: arguments(
                {
                    "candidate": mostly(labels(n), hostile_arrays(n)),
                    "item": mostly(st.none() | st.just(list(range(n))) | labels(n), hostile_arrays(n)),
                    "judge": mostly(labels(n) | st.just(["gpt"] * n), hostile_arrays(n)),
                    "score": mostly(scores(n, kinds=("binary", "binary", "ones", "ties")), hostile_arrays(n)),
                    "count": mostly(st.none() | st.just([3] * n), hostile_arrays(n)),
                    "violation": mostly(st.sampled_from([0, 0.1, 0.5]), HOSTILE_NUMBERS),
                },
                {
                    "levels": mostly(st.sampled_from([None, [0, 1]]), hostile_arrays(2)),
                    "missing": mostly(st.sampled_from(["raise", "drop"]), HOSTILE_WORDS),
                    "confidence_level": mostly(LEVELS, HOSTILE_LEVELS),
                },
            )
        ),
        _breakdown,
    ),
    "uq.RankSummary": Target(
        per_size(
            lambda n: arguments(
                {"samples": mostly(scores(n, 3), hostile_arrays(n, 3))},
                {
                    "names": mostly(st.sampled_from([None, list("abc")]), st.sampled_from([["a"], "abc", ["a"] * 3])),
                    "greater_is_better": mostly(st.booleans(), HOSTILE_WORDS),
                    "center": mostly(st.none() | scores(3), hostile_arrays(3)),
                    "guarantee": mostly(st.sampled_from(["posterior", "asymptotic"]), HOSTILE_WORDS),
                    "df": mostly(st.sampled_from([float("inf"), 9, 1, 0]), HOSTILE_NUMBERS),
                    "confidence_level": mostly(LEVELS, HOSTILE_LEVELS),
                    "method": mostly(st.sampled_from(["auto", "credible", "simultaneous"]), HOSTILE_WORDS),
                    "loss": mostly(st.sampled_from(["kendall", "spearman"]), HOSTILE_WORDS),
                },
            )
        ),
        _rank_verbs,
    ),
}  # fmt: skip
