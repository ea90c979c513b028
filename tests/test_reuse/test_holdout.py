"""Questions to a holdout: what they cost, what they say, and what they never say."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from contracts import CONTAINERS, in_container, require

from uq.exceptions import BudgetExhaustedError, InputError
from uq.reuse import (
    GaussianMechanism,
    GuessAndCheck,
    Holdout,
    HoldoutAnswer,
    Ladder,
    NaiveReuse,
    PrivateMultiplicativeWeights,
    SampleSplitting,
    Thresholdout,
)

N = 2000
MECHANISMS = {
    "guess and check": GuessAndCheck(50, 3, tolerance=0.3),
    "anytime": GuessAndCheck(None, tolerance=0.3),
    "gaussian": GaussianMechanism(50),
    "thresholdout": Thresholdout(50, 5, 0.05),
    "ladder": Ladder(50, 0.05),
    "splitting": SampleSplitting(50),
    "naive": NaiveReuse(50),
    "weights": PrivateMultiplicativeWeights(np.arange(2.0), 50),
}


def coins(n=N, p=0.7, seed=0):
    return (np.random.default_rng(seed).random(n) < p).astype(float)


def same(x):
    return x


@pytest.fixture(params=MECHANISMS.values(), ids=MECHANISMS)
def mechanism(request):
    return request.param


def guess_for(mechanism):
    return 0.72 if mechanism.needs_guess and not isinstance(mechanism, PrivateMultiplicativeWeights) else None


# ---- answers


def test_every_mechanism_answers_through_the_same_door(mechanism):
    rows = coins()
    holdout = Holdout(rows, mechanism)
    answer = holdout.mean(same, guess=guess_for(mechanism))
    assert isinstance(answer, HoldoutAnswer)
    assert answer.guarantee == mechanism.guarantee
    assert answer.queries_left == mechanism.left({**mechanism.start(N), "asked": 1})[0]
    low, high = answer.interval
    assert 0 <= low <= answer.value <= high <= 1
    assert low <= rows.mean() <= high or isinstance(mechanism, SampleSplitting)
    assert answer.interval.confidence_level == 0.95
    assert answer.certified is (mechanism.guarantee != "none")
    assert pickle.loads(pickle.dumps(answer)) == answer
    assert str(answer)
    assert answer.to_frame().shape[0] == 1


def test_values_and_functions_give_the_same_answer():
    rows = coins()
    by_values, by_function = (Holdout(rows, NaiveReuse(9)).mean(query) for query in (rows, same))
    assert by_values == by_function
    assert by_values.value == rows.mean()


def test_bounds_scale_the_answer():
    rows = coins()
    unit = Holdout(rows, GaussianMechanism(9), insecure_seed=1).mean(rows)
    wide = Holdout(rows, GaussianMechanism(9), insecure_seed=1).mean(10 * rows - 4, bounds=(-4, 6))
    assert wide.value == pytest.approx(10 * unit.value - 4)
    assert wide.tolerance == pytest.approx(10 * unit.tolerance)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_containers(kind):
    rows = coins(64)
    expected = Holdout(rows, NaiveReuse(9)).mean(rows).value
    assert Holdout(rows, NaiveReuse(9)).mean(in_container(kind, rows)).value == expected
    holdout = Holdout(in_container(kind, rows), NaiveReuse(9))
    assert holdout.mean(lambda x: x).value == expected
    assert holdout.mean(in_container(kind, rows[:, None]) if "list" in kind else rows[:, None]).value == expected


def test_frames_pairs_and_dicts_of_columns():
    pd = require("pandas")
    x, y = np.arange(30.0), coins(30)
    frame = pd.DataFrame({"x": x, "y": y, "who": ["a", "b", "c"] * 10, "sure": x > 3})
    for data, query in (
        (frame, lambda d: d["y"] * (d["who"] != "z")),
        ({"x": x, "y": y}, lambda d: d["y"]),
        ((x, y), lambda d: d[1]),
        ((frame, y), lambda d: d[1]),
    ):
        assert Holdout(data, NaiveReuse(3)).mean(query).value == y.mean()


def test_an_answer_by_the_guess_says_so_and_costs_no_failure():
    holdout = Holdout(coins(), GuessAndCheck(10, 2, tolerance=0.3))
    right, wrong = holdout.mean(same, guess=0.72), holdout.mean(same, guess=0.1)
    assert (right.source, right.value, right.failures_left) == ("guess", 0.72, 2)
    assert (wrong.source, wrong.queries_left, wrong.failures_left) == ("holdout", 8, 1)


# ---- budgets


def test_a_refusal_is_final():
    rows = coins()
    holdout = Holdout(rows, GuessAndCheck(10, 1, tolerance=0.3))
    holdout.mean(rows, guess=0.0)
    with pytest.raises(BudgetExhaustedError, match="fresh rows"):
        holdout.mean(rows, guess=0.0)
    with pytest.raises(BudgetExhaustedError, match="closed"):
        holdout.mean(rows, guess=0.72)
    assert holdout.remaining() == 0


def test_no_more_answers_than_queries(mechanism):
    if mechanism.n_queries is None:
        return
    rows, guess = coins(), guess_for(mechanism)
    holdout = Holdout(rows, mechanism)
    answered = 0

    def ask_on():
        nonlocal answered
        for _ in range(60):
            holdout.mean(same, guess=guess)
            answered += 1

    with pytest.raises(BudgetExhaustedError):
        ask_on()
    # the noise of Thresholdout may reject good guesses, and uses up its failures
    assert answered <= 50 if isinstance(mechanism, Thresholdout) else answered == 50


def test_a_query_id_is_answered_once_and_then_free():
    rows = coins()
    holdout = Holdout(rows, GaussianMechanism(5))
    first = holdout.mean(rows, query_id="a")
    again = [holdout.mean(rows, query_id="a") for _ in range(20)]
    assert {answer.value for answer in again} == {first.value}
    assert holdout.remaining() == 4
    batch = holdout.ask_many([rows] * 4, query_ids=["a", "b", "b", None])
    assert batch[0].value == first.value
    assert batch[1].value == batch[2].value
    assert holdout.remaining() == 2
    with pytest.raises(InputError, match="was answered for bounds"):
        holdout.mean(rows, bounds=(0, 2), query_id="a")
    assert holdout.remaining() == 2


def test_known_query_ids_are_answered_after_the_end():
    rows = coins()
    holdout = Holdout(rows, GuessAndCheck(10, 0, tolerance=0.3))
    first = holdout.mean(rows, guess=0.7, query_id="a")
    with pytest.raises(BudgetExhaustedError):
        holdout.mean(rows, guess=0.0)
    assert holdout.mean(rows, guess=0.7, query_id="a").value == first.value
    assert holdout.mean(rows, query_id="a").value == first.value
    with pytest.raises(InputError, match="was answered for guess"):
        holdout.mean(rows, guess=0.0, query_id="a")


def test_a_batch_is_what_single_questions_are(mechanism):
    queries = [coins(seed=seed) for seed in range(8)]
    guesses = [np.array([0.0, 1.0])] * 8 if isinstance(mechanism, PrivateMultiplicativeWeights) else [0.7, 0.0] * 4
    one, many = (Holdout(coins(), mechanism, insecure_seed=3) for _ in range(2))
    batch = many.ask_many(queries, guesses)
    for query, guess, expected in zip(queries, guesses, batch, strict=True):
        try:
            answer = one.mean(query, guess)
        except BudgetExhaustedError:
            assert expected.source == "refused"
            assert tuple(expected.interval) == (0, 1)
        else:
            assert (answer.value, answer.tolerance, answer.source) == (
                expected.value, expected.tolerance, expected.source,
            )  # fmt: skip


def test_a_batch_that_is_too_long_costs_nothing():
    rows = coins()
    holdout = Holdout(rows, GaussianMechanism(5))
    with pytest.raises(BudgetExhaustedError, match=r"6 queries .* 5 are left"):
        holdout.ask_many([rows] * 6)
    assert holdout.remaining() == 5


def test_remaining_counts_what_the_mechanism_can_promise():
    rows = coins()
    mechanism = GuessAndCheck(10, 1)
    tolerance = mechanism.certificate(N)
    holdout = Holdout(rows, mechanism)
    assert holdout.remaining() == holdout.remaining(tolerance) == holdout.remaining(1) == 10
    assert holdout.remaining(0.99 * tolerance) == 0
    assert Holdout(rows, NaiveReuse(10)).remaining(0.5) == 0
    assert Holdout(rows, NaiveReuse(10)).remaining() == 10


# ---- what is wrong costs nothing


BAD = {
    "values too short": {"query": coins(N - 1)},
    "values of texts": {"query": ["a"] * N},
    "no values": {"query": None},
    "a function that raises": {"query": lambda rows: rows["column"]},
    "a function of another shape": {"query": lambda rows: rows[:-1]},
    "a function that writes": {"query": lambda rows: rows.__setitem__(0, 1.0)},
    "bounds upside down": {"bounds": (1, 0)},
    "infinite bounds": {"bounds": (0, np.inf)},
    "guess missing": {"guess": None},
    "guess out of bounds": {"guess": 1.5},
    "guess NaN": {"guess": np.nan},
    "empty query_id": {"query_id": ""},
    "query_id of another kind": {"query_id": 3},
    "query_id that is no text": {"query_id": "\ud800"},
    "long query_id": {"query_id": "x" * 1001},
}


@pytest.mark.parametrize("what", BAD)
def test_bad_arguments_cost_nothing(what):
    holdout = Holdout(coins(), GuessAndCheck(10, 1))
    with pytest.raises(InputError) as caught:
        holdout.mean(**{"query": coins(), "guess": 0.7, **BAD[what]})
    assert len(str(caught.value)) > 30
    assert holdout.audit().n_asked == 0
    batch = {f"{key[:-1]}ies" if key == "query" else f"{key}es" if key == "guess" else f"{key}s": [value]
             for key, value in BAD[what].items() if key != "bounds"}  # fmt: skip
    with pytest.raises(InputError):
        holdout.ask_many(**{"queries": [coins()], "guesses": [0.7], **batch, "bounds": BAD[what].get("bounds", (0, 1))})
    assert holdout.audit().n_asked == 0


@pytest.mark.parametrize("more", [{"guesses": [0.5]}, {"query_ids": ["a"]}, {"guesses": 0.5}, {"query_ids": "ab"}])
def test_batches_of_unequal_length_are_refused(more):
    holdout = Holdout(coins(), GuessAndCheck(10, 1))
    with pytest.raises(InputError):
        holdout.ask_many([coins()] * 2, **{"guesses": [0.7, 0.7], **more})
    for queries in ([], same, 3, None, "ab"):
        with pytest.raises(InputError, match="queries"):
            holdout.ask_many(queries)


@pytest.mark.parametrize(
    "data",
    [None, [], 3, "abc", np.zeros(0), (np.zeros(3), np.zeros(4)), {"x": [1], "y": [1, 2]}, {}, [object()] * 3],
    ids=["None", "empty", "number", "text", "no rows", "unequal pair", "unequal columns", "no columns", "objects"],
)
def test_data_that_are_no_rows_are_refused(data):
    with pytest.raises(InputError, match="data"):
        Holdout(data, NaiveReuse(3))


def test_bad_parameters_are_refused():
    for more in ({"name": ""}, {"name": 3}, {"ledger": 3}, {"ledger": ""}, {"wait": -1}, {"insecure_seed": -1},
                 {"rehearsal": []}):  # fmt: skip
        with pytest.raises(InputError):
            Holdout(coins(), NaiveReuse(3), **more)
    with pytest.raises(InputError, match="mechanism"):
        Holdout(coins(), "GuessAndCheck")
    with pytest.raises(InputError, match="tolerance"):
        Holdout(coins(), GuessAndCheck(10, 1, tolerance=0.001))


# ---- what is in the rows never raises


def test_missing_and_wild_values_are_clipped_and_counted_in_secret():
    rows = np.array([np.nan, np.inf, -np.inf, 5.0, -5.0, 0.25, 0.25, 0.25])
    holdout = Holdout(np.arange(8.0), NaiveReuse(2))
    answer = holdout.mean(rows)
    assert answer.value == np.mean([0.5, 1, 0, 1, 0, 0.25, 0.25, 0.25])
    assert holdout.audit().clipped is None, "a count of the rows while questions can still be asked"
    assert "clipped" not in holdout.audit().to_frame()
    holdout.mean(rows.clip(0, 1))
    assert holdout.audit().clipped.tolist() == [5, 1]


def test_a_function_that_fails_on_the_real_rows_alone_does_not_tell():
    def query(rows):
        if rows.max() > 0:
            warnings.warn(f"the mean is {rows.mean()}", RuntimeWarning, stacklevel=1)
            raise ValueError(f"the mean is {rows.mean()}")
        return rows

    rows = coins()
    holdout = Holdout(rows, NaiveReuse(1))
    assert holdout.mean(query).value == pytest.approx(rows.mean() / 2), "missing rows count half, others nothing"
    assert holdout.audit().clipped.tolist() == [rows.sum()]


def test_a_function_that_warns_is_not_heard():
    assert Holdout(coins(), NaiveReuse(1)).mean(lambda rows: np.log(rows) + 1).value == pytest.approx(coins().mean())


def test_rehearsal_rows_take_the_place_of_zeros():
    texts = np.array(["good", "bad", "good", "good"], dtype=object)
    codes = {"good": 1.0, "bad": 0.0}

    def query(rows):
        return [codes[row] for row in rows]

    with pytest.raises(InputError, match="rehearsal=training_rows"):
        Holdout(texts, NaiveReuse(3)).mean(query)
    assert Holdout(texts, NaiveReuse(3), rehearsal=["bad", "good"]).mean(query).value == 0.75
    records = [{"right": True}, {"right": False}]
    with pytest.raises(InputError, match="rehearsal must be given"):
        Holdout(records, NaiveReuse(3)).mean(lambda rows: [row["right"] for row in rows])
    holdout = Holdout(records, NaiveReuse(3), rehearsal=[{"right": True}])
    assert holdout.mean(lambda rows: [row["right"] for row in rows]).value == 0.5


def test_functions_cannot_change_the_rows():
    rows = coins()
    before = rows.copy()
    for data in (rows, (rows, rows), {"y": rows}):
        holdout = Holdout(data, NaiveReuse(3))
        with pytest.raises(InputError):
            holdout.mean(
                lambda d: (d if isinstance(d, np.ndarray) else d["y"] if isinstance(d, dict) else d[0]).fill(0)
            )
    assert np.array_equal(rows, before)
    assert rows.flags.writeable


# ---- secrets


def test_a_holdout_is_neither_copied_nor_pickled():
    holdout = Holdout(coins(), GuessAndCheck(10, 1))
    for act in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="ledger and name"):
            act(holdout)


def test_noise_comes_from_the_system_unless_it_is_said_to_be_insecure():
    rows = coins()
    free = {Holdout(rows, GaussianMechanism(3)).mean(rows).value for _ in range(5)}
    assert len(free) > 1
    np.random.seed(0)  # noqa: NPY002 - of no effect
    seeded = [Holdout(rows, GaussianMechanism(3), insecure_seed=7).mean(rows) for _ in range(3)]
    assert len({answer.value for answer in seeded}) == 1
    assert {answer.guarantee for answer in seeded} == {"none"}


def test_a_query_does_not_ask_its_own_holdout():
    holdout = Holdout(coins(), NaiveReuse(3))
    caught = []

    def query(rows):
        try:
            holdout.mean(rows)
        except InputError as error:
            caught.append(str(error))
        return rows

    holdout.mean(query)
    assert any("one after the other" in words for words in caught)


def test_threads_share_one_budget():
    from concurrent.futures import ThreadPoolExecutor

    rows = coins()
    holdout = Holdout(rows, GaussianMechanism(40))

    def ask(i):
        try:
            return holdout.mean(rows).value
        except BudgetExhaustedError:
            return None

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(64)))
    assert sum(answer is not None for answer in answers) == 40


# ---- audit


def test_the_audit_lists_answers_and_refusals():
    rows = coins()
    holdout = Holdout(rows, GuessAndCheck(10, 1, tolerance=0.3), name="mine")
    holdout.mean(rows, guess=0.72, query_id="first")
    holdout.ask_many([rows, rows], guesses=[0.0, 0.0])
    audit = holdout.audit()
    assert audit.source == ("guess", "holdout", "refused")
    assert audit.query_id == ("first", "", "")
    assert audit.guess.tolist() == [0.72, 0.0, 0.0]
    assert np.isnan(audit.value[2])
    assert (audit.n_asked, audit.n_lost, audit.queries_left, audit.failures_left) == (3, 0, 0, 0)
    assert "'mine'" in str(audit)
    assert len(audit.to_frame()) == 3
    assert pickle.loads(pickle.dumps(audit)) == audit


def test_answers_and_audits_draw_themselves(axes):
    rows = coins()
    holdout = Holdout(rows, GuessAndCheck(10, 1, tolerance=0.3))
    answer = holdout.mean(rows, guess=0.72, query_id="first")
    assert answer.plot(axes) is axes
    assert holdout.audit().plot(axes) is axes
    assert Holdout([0, 1], NaiveReuse(3)).audit().plot(axes) is axes, "no answers"
