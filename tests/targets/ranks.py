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


TARGETS = {
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
