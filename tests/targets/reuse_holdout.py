"""How a holdout is driven."""

import numpy as np
from hypothesis import strategies as st
from strategies import (
    BOUNDS,
    HOSTILE_NUMBERS,
    HOSTILE_WORDS,
    Target,
    arguments,
    column,
    hostile_arrays,
    mostly,
    per_size,
    rows,
    scores,
)

from uq.exceptions import UQError
from uq.reuse import GaussianMechanism, GuessAndCheck, NaiveReuse, SampleSplitting

NAMES = mostly(st.sampled_from([None, "a", "b", "\x00", "ä" * 99]), HOSTILE_WORDS | st.just("\udcff"))
GUESSES = mostly(st.sampled_from([0.5, 0, 1, np.float32(0.25), None]), HOSTILE_NUMBERS)
FUNCTIONS = st.sampled_from(
    [
        lambda x: x,
        lambda x: np.asarray(x) > 0,
        lambda x: np.asarray(x, dtype=float) / 0,
        lambda x: 1 / 0,
        lambda x: x[:-1],
        lambda x: "a",
        lambda x: np.full(len(x), np.nan),
        lambda x: x.missing,
    ]
)


def _data(n):
    good = st.sampled_from(
        [np.arange(n), np.linspace(0, 1, n).tolist(), (np.arange(n), np.ones(n)), {"x": np.arange(n)}, ["a"] * n]
    )
    return mostly(good | scores(n), hostile_arrays(n) | st.sampled_from([{}, (), [object()] * n, {1, 2}, [{}] * n]))


def _ask(function, data, mechanism, query, again, question, batch, **more):
    """Open, ask once, ask a batch, ask for more than there is; the ledger stays sound whatever was asked."""
    holdout = function(data, mechanism, **more)
    answers, refused = [], None
    for ask in (
        lambda: answers.append(holdout.mean(query, **question)),
        lambda: answers.extend(holdout.ask_many([query, again], **batch)),
        lambda: answers.append(holdout.score(query)),
    ):
        try:
            ask()
        except UQError as error:
            refused = error
    audit = holdout.audit()
    assert audit.n_lost == 0
    assert audit.n_asked <= mechanism.n_queries
    for answer in answers:
        low, high = answer.interval
        assert answer.bounds[0] <= low <= high <= answer.bounds[1]
        assert answer.value is None or low <= answer.value <= high
    if refused is not None and not answers:
        raise refused
    return [*answers, audit, holdout.remaining(0.5), holdout.remaining()]


TARGETS = {
    "uq.reuse.Holdout": Target(
        per_size(
            lambda n: arguments(
                {
                    "data": _data(n),
                    "mechanism": st.sampled_from(
                        [GuessAndCheck(3, 1), GaussianMechanism(3), NaiveReuse(3), SampleSplitting(3)]
                    ),
                    "query": mostly(column(n), FUNCTIONS, one_in=3),
                    "again": mostly(column(n), FUNCTIONS),
                    "question": arguments({"guess": GUESSES}, {"bounds": BOUNDS, "query_id": NAMES}),
                    "batch": arguments(
                        {"guesses": st.tuples(GUESSES, GUESSES)},
                        {"bounds": BOUNDS, "query_ids": st.tuples(NAMES, NAMES)},
                    ),
                },
                {
                    "name": mostly(st.just("mine"), HOSTILE_WORDS),
                    "wait": mostly(st.just(1), HOSTILE_NUMBERS),
                    "insecure_seed": mostly(st.sampled_from([None, 0, 7]), HOSTILE_NUMBERS),
                },
            ),
            rows(3),
        ),
        _ask,
    ),
}
NOT_DRIVEN = {
    "uq.reuse.HoldoutAnswer": "what a Holdout returns",
    "uq.reuse.HoldoutAudit": "what a Holdout returns",
}
