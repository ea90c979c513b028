"""What pass@k and its like take as counts and as k."""

import numpy as np
import pytest

from uq.exceptions import InputError, SmallSampleWarning
from uq.sampling import (
    CoverageCurve,
    best_of_n,
    cost_of_pass,
    majority_at_k,
    pass_all_k,
    pass_at_k,
    verified_sampling_from_counts,
)

OUTCOMES = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [1, 1, 0]])


def majority(c, n, k):
    return majority_at_k(np.column_stack([c, np.subtract(n, c)]), np.zeros(4, int), k, form="counts")


FUNCTIONS = [pass_at_k, pass_all_k, majority]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("k", [np.array(2), np.int8(2), np.array([[2]])[0, 0], np.array(2, dtype=object)], ids=repr)
def test_an_array_of_one_number_is_a_number(function, k):
    found = function([2, 0, 3, 2], [3, 3, 3, 3], k)
    assert found.names is None
    assert found == function([2, 0, 3, 2], [3, 3, 3, 3], 2)
    assert pass_at_k([2, 0], np.array(3), 2) == pass_at_k([2, 0], 3, 2)


@pytest.mark.parametrize("k", [np.array(2.5), np.array(True), np.array("2"), np.array(0), np.array(None)], ids=repr)
def test_an_array_of_one_wrong_number_is_none(k):
    with pytest.raises(InputError, match="pass_at_k: k must be"):
        pass_at_k([2, 0], 3, k)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_k_that_repeats_is_refused_where_it_names_the_answers(function):
    with pytest.raises(InputError, match=r"k must hold different numbers.*got 1, 3 more than once"):
        function([2, 0, 3, 2], [3, 3, 3, 3], [3, 1, 2, 1, 3])


@pytest.mark.filterwarnings("ignore::uq.exceptions.SmallSampleWarning")
def test_a_prediction_may_be_asked_for_twice():
    curve = CoverageCurve().fit([2, 0, 3, 2], 3)
    assert curve.predict([2, 1, 2]).tolist() == [curve.predict(k) for k in (2, 1, 2)]
    assert curve.predict(np.array(2)) == curve.predict(2)


@pytest.mark.parametrize("outcomes", [OUTCOMES, OUTCOMES.astype(bool), OUTCOMES.tolist(), OUTCOMES[:1]])
@pytest.mark.parametrize("function", [pass_at_k, pass_all_k, lambda c, n, k: CoverageCurve().fit(c, n)])
def test_a_table_of_outcomes_is_told_to_be_summed(function, outcomes):
    with pytest.raises(InputError, match=r"outcomes\.sum\(axis=1\) and n_trials=outcomes\.shape\[1\]"):
        function(outcomes, 3, 1)


def test_sums_of_outcomes_are_counts():
    assert pass_at_k(OUTCOMES.sum(axis=1), OUTCOMES.shape[1], 1).estimate == pytest.approx(OUTCOMES.mean())
    assert pass_at_k([[1], [0]], 1, 1).estimate == 0.5
    with pytest.raises(InputError, match=r"n_correct must have shape \(n,\)"):
        pass_at_k([[1, 2], [0, 0]], 3, 1)


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (lambda: pass_at_k([1], 3, 1, method="t"), "problem"),
        (lambda: CoverageCurve().fit([1], 3), "problem"),
        (lambda: cost_of_pass(np.ones((1, 6)), np.ones((1, 6)), rng=0, n_resamples=99), "item"),
        (
            lambda: verified_sampling_from_counts(
                n_accepted_correct=[1], n_accepted=[2], n_trials=3, rng=0, n_resamples=99
            ),
            "problem",
        ),
    ],
    ids=["pass", "curve", "cost", "verified"],
)
def test_one_is_written_in_the_singular(ask, kind):
    with pytest.warns(SmallSampleWarning, match=f"1 {kind} is too few"):
        ask()
    assert "1 prompt," in repr(best_of_n([1.0, 2.0], 1))
