"""What a design identifies, held against the rank of the derivative of all that can be observed."""

import inspect
import pickle

import numpy as np
import pytest

from bayes import identifiability, simplex_breakdown
from bayes.ranking._breakdown import Breakdown
from bayes.ranking._identifiability import Identification
from uq.exceptions import InputError

STEP = 1e-6


def observed(parameters, m, k, n_judges, joint, constant, anchors):
    """Return every share that can be observed with infinitely many votes, one long vector."""
    pi, theta = unpack(parameters, m, k, n_judges, constant)
    shares = []
    for c in range(k):
        judges = theta[0 if constant else c]
        if joint:
            given_truth = np.ones((m, 1))
            for judge in judges:
                given_truth = (given_truth[:, :, None] * judge[:, None, :]).reshape(m, -1)
        else:
            given_truth = judges.transpose(1, 0, 2).reshape(m, -1)
        shares.append(pi[c] @ given_truth)
        if anchors:
            shares.append(given_truth.ravel())
        if anchors == "random":
            shares.append(pi[c])
    return np.concatenate(shares)


def unpack(parameters, m, k, n_judges, constant):
    """Return pi (candidate, level) and theta (1 or candidate, judge, level, vote); the last of each is what is left."""
    rows = parameters.reshape(-1, m - 1)
    rows = np.column_stack([rows, 1 - rows.sum(axis=1)])
    return rows[:k], rows[k:].reshape(1 if constant else k, n_judges, m, m)


def draw(rng, m, k, n_judges, constant):
    judges = [rng.dirichlet(np.ones(m) + 4 * np.eye(m)[s]) for _ in range((1 if constant else k) * n_judges)
              for s in range(m)]  # fmt: skip
    return np.concatenate([rng.dirichlet(np.full(m, 2.0), k), judges])[:, :-1].ravel()


def derivative(function, at):
    return np.column_stack(
        [(function(at + STEP * e) - function(at - STEP * e)) / (2 * STEP) for e in np.eye(len(at))]
    )  # fmt: skip


def free_directions(jacobian):
    """Return the rank, and the directions in which no observable share changes."""
    values, vectors = np.linalg.eigh(jacobian.T @ jacobian)
    free = values < 1e-10 * values[-1]
    return np.sum(~free), vectors[:, free].T


def is_fixed(free, gradient):
    """Tell whether what has this gradient does not change where no observable share changes."""
    return np.abs(free @ gradient).max(initial=0) < 1e-4 * np.abs(gradient).max()


DESIGNS = [
    (m, k, j, joint, constant, anchors)
    for m, k, j in [(2, 2, 1), (2, 2, 2), (2, 3, 1), (2, 4, 2), (2, 2, 3), (3, 2, 1), (3, 2, 2), (3, 4, 1), (3, 4, 2),
                    (3, 2, 3), (3, 5, 3)]
    for joint in (True, False)
    for constant in (True, False)
    for anchors in (None, "random", "truth")
    if not (joint and j == 1)
]  # fmt: skip


@pytest.mark.parametrize(("m", "k", "j", "joint", "constant", "anchors"), DESIGNS)
def test_the_verdicts_agree_with_the_rank_of_the_derivative(m, k, j, joint, constant, anchors):
    at = draw(np.random.default_rng([m, k, j, joint]), m, k, j, constant)
    levels = np.arange(m) ** 1.5  # no symmetry between the levels

    def shares(parameters):
        return observed(parameters, m, k, j, joint, constant, anchors)

    def utility(parameters):
        return unpack(parameters, m, k, j, constant)[0] @ levels

    rank, free = free_directions(derivative(shares, at))
    answer = identifiability(
        m, j, k, likelihood="joint" if joint else "marginal", constancy=np.inf if constant else 20, anchors=anchors
    )
    # every share of the votes and of the truth sums to one, which leaves one observable fewer
    tables = m**j - 1 if joint else j * (m - 1)
    n_observed = k * tables + (k * m * tables if anchors else 0) + (k * (m - 1) if anchors == "random" else 0)
    assert answer.surplus == n_observed - rank
    pi = [is_fixed(free, e) for e in np.eye(len(at))[: k * (m - 1)]]
    theta = [is_fixed(free, e) for e in np.eye(len(at))[k * (m - 1) :]]
    assert (answer["shares"] != "no") == all(pi)
    assert (answer["judges"] != "no") == all(theta)
    if answer["shares"] == "no":
        assert not any(pi)
    # a difference of utilities is fixed with the shares; for two levels its ratio to another one is, too
    gap = derivative(lambda p: utility(p)[:1] - utility(p)[1:2], at)[0]
    assert is_fixed(free, gap) == (answer["shares"] != "no")
    if k > 2:
        ratio = derivative(
            lambda p: (utility(p)[:1] - utility(p)[1:2]) / (utility(p)[1:2] - utility(p)[2:3]), at
        )[0]  # fmt: skip
        assert is_fixed(free, ratio) == (answer["ratios"] != "no")
    assert answer.prior_driven == (answer["order"] == "no")
    assert (answer["order"] == "no") == (answer["ratios"] == "no")


# ---- three levels, shares of votes alone: the order turns round

HONEST = np.array([[0.70, 0.20, 0.10], [0.15, 0.70, 0.15], [0.10, 0.20, 0.70]])
TURN = np.array([[0.60, 0.40, 0.0], [0.45, 0.55, 0.0], [0.0, 0.05, 0.95]])


def test_two_descriptions_of_the_same_votes_order_the_candidates_the_other_way():
    other = TURN @ HONEST
    np.testing.assert_allclose(other, [[0.48, 0.40, 0.12], [0.3975, 0.475, 0.1275], [0.1025, 0.225, 0.6725]])
    for judge in (HONEST, other):
        # nothing about either judge looks wrong: likeliest right, and a better truth gives better votes
        assert np.array_equal(judge.argmax(axis=1), [0, 1, 2])
        assert np.all(np.diff(judge.cumsum(axis=1)[:, :2], axis=0) < 0)
    pi = np.array([[0.0, 1.0, 0.0], [0.6, 0.0, 0.4]])
    turned = pi @ TURN
    np.testing.assert_allclose(turned, [[0.45, 0.55, 0.0], [0.36, 0.26, 0.38]])
    np.testing.assert_allclose(pi @ other, turned @ HONEST, atol=1e-15)
    levels = np.arange(1, 4)
    assert np.diff((pi @ levels)[::-1]) == pytest.approx(0.2)
    assert np.diff((turned @ levels)[::-1]) == pytest.approx(-0.47)
    assert identifiability(3, 7, likelihood="marginal").prior_driven
    # two votes on the same item tell the two descriptions apart
    both = [np.einsum("km,mu,mv->kuv", p, judge, judge) for p, judge in ((pi, other), (turned, HONEST))]
    assert np.abs(both[0] - both[1]).max() > 0.03
    assert not identifiability(3, 2, likelihood="joint").prior_driven


def test_two_levels_change_their_scale_and_keep_their_order():
    rng = np.random.default_rng(0)
    pi = np.sort(rng.uniform(0.2, 0.8, 5))
    first, second = np.array([0.2, 0.9]), np.array([0.3, 0.6])
    for low, high in rng.uniform([-0.2, 1.0], [0.0, 1.2], (20, 2)):
        # a common rescaling of pi, undone by every judge: the same votes
        scaled = low + (high - low) * pi
        for a, b in (first, second):
            b_new = a + (b - a) * (1 - low) / (high - low)
            a_new = a - (b - a) * low / (high - low)
            np.testing.assert_allclose(a_new + (b_new - a_new) * scaled, a + (b - a) * pi)
        assert np.array_equal(np.argsort(scaled), np.arange(5))
        np.testing.assert_allclose(np.diff(scaled) / (scaled[1] - scaled[0]), np.diff(pi) / (pi[1] - pi[0]))


# ---- the surface


def test_families_are_one_view():
    names = ["gpt-4", "gpt-3.5", "llama-7", "llama-13", "mistral"]
    assert identifiability(5, names).n_views == 5
    answer = identifiability(5, names, 12, families={"gpt-4": "gpt", "gpt-3.5": "gpt"})
    assert answer.n_views == 4
    one = identifiability(5, names, 12, families=dict.fromkeys(names, "all"))
    assert one.n_views == 1
    assert one.prior_driven
    two = identifiability(5, names, 12, families={**dict.fromkeys(names, "all"), "mistral": "another"})
    assert (two.n_views, two["order"]) == (2, "up to labels")
    assert identifiability(5, names, 12, families=dict.fromkeys(names[:4], "all"), constancy=30).prior_driven
    assert identifiability(5, names, ["x", "gpt-4"], families={"x": "gpt", "gpt-4": "gpt"}).n_views == 5
    # a judge may be called like a family
    assert identifiability(3, ["a", "b", "c"], families={"a": "b", "c": "b"}).n_views == 2


def test_counts_and_names_mean_the_same():
    assert identifiability(3, 2, 4) == identifiability([1, 2, 3], ["a", "b"], list("wxyz"))
    assert identifiability(np.int64(3), np.int64(2), 4) == identifiability(np.array([0.0, 0.5, 1.0]), 2, 4)


def test_prints_pickles_and_says_what_it_leans_on():
    answer = identifiability(3, 4, 5)
    assert pickle.loads(pickle.dumps(answer)) == answer
    text = str(answer)
    assert "independent given the true score" in text
    assert "treats all candidates alike" in text
    assert "shares to test them with" in text
    assert "cannot be tested" in str(identifiability(2, 1))
    assert "simplex_breakdown" in str(identifiability(2, 1, constancy=30))
    assert "treats all candidates alike" not in str(identifiability(3, 4, 5, constancy=30))
    assert answer.to_dict()["identified"] == answer.identified
    assert repr(answer).startswith("<Identification (joint): order: up to labels, ratios: up to labels, shares:")
    assert "<table" in answer._repr_html_()
    with pytest.raises(InputError, match="quantity"):
        answer["theta"]


@pytest.mark.parametrize(
    ("record", "function"), [(Identification, identifiability), (Breakdown, simplex_breakdown)], ids=["design", "votes"]
)
def test_records_are_described_where_they_are_made(record, function):
    returns = inspect.getdoc(function).split("Returns\n-------\n")[1].split("\n\n")[0]
    own = {name for name, member in vars(record).items() if callable(member) or isinstance(member, property)}
    wanted = {name for name in {*record.__dataclass_fields__, *own} if not name.startswith("_")}
    missing = [name for name in sorted(wanted) if f"`{name}`" not in returns and f"``{name}(" not in returns]
    assert set(missing) <= {"method", "guarantee"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"levels": 1}, "levels must be an integer of at least 2"),
        ({"levels": [3]}, "levels must be 2 or more"),
        ({"levels": [1, 1]}, "all different"),
        ({"levels": [1, np.nan]}, "finite"),
        ({"levels": 2.5}, "levels"),
        ({"levels": True}, "levels"),
        ({"levels": "abc"}, "levels"),
        ({"judges": 0}, "judges"),
        ({"judges": []}, "judges"),
        ({"judges": ["a", "a"]}, "judges"),
        ({"judges": None}, "judges"),
        ({"candidates": 1}, "candidates"),
        ({"likelihood": "both"}, "likelihood"),
        ({"constancy": 0}, "constancy"),
        ({"constancy": np.nan}, "constancy"),
        ({"anchors": "some"}, "anchors"),
        ({"anchors": True}, "anchors"),
        ({"families": {"a": "b"}}, "names of the judges"),
        ({"families": {"z": "b"}, "judges": ["a", "b"]}, "'z'"),
        ({"families": {"a": ["b"]}, "judges": ["a", "b"]}, "labels"),
        ({"families": {"x": "b"}, "judges": ["a", "b"]}, "neither"),
        ({"families": ["x", "y"], "judges": ["a", "b"]}, "dict"),
    ],
)
def test_bad_designs_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        identifiability(**{"levels": 3, "judges": 3, **arguments})
