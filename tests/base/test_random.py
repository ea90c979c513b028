"""Seeds: what is accepted, what repeats, and that nothing global is touched; the border to scikit-learn."""

import numbers

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from uq._base.random import check_rng, spawn_seeds
from uq._base.sklearn import Range, StrOptions, as_generator, as_random_state, validate_params
from uq.exceptions import InputError, UQError


def test_an_int_repeats_and_a_generator_goes_on():
    assert check_rng(3).random() == check_rng(3).random() == np.random.default_rng(3).random()
    generator = np.random.default_rng(3)
    assert check_rng(generator) is generator
    assert check_rng(np.int64(3)).random() == check_rng(3).random()
    assert check_rng(np.random.SeedSequence(3)).random() == check_rng(3).random()
    assert check_rng(None).random() != check_rng(None).random()


def test_a_legacy_random_state_moves_on():
    state = np.random.RandomState(0)
    first, second = check_rng(state).random(), check_rng(state).random()
    assert first != second
    assert first == check_rng(np.random.RandomState(0)).random()


@pytest.mark.parametrize("bad", [-1, 1.5, "seed", True, [1, 2], np.nan, object()])
def test_other_seeds_are_refused(bad):
    with pytest.raises(InputError, match="rng"):
        check_rng(bad, "owner")
    with pytest.raises(InputError, match="random_state"):
        as_generator(bad, "owner")


def test_the_global_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    spawn_seeds(check_rng(None), 5)
    as_random_state(np.random.default_rng(0), "owner")
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@given(st.integers(1, 50), st.integers(0, 2**40))
def test_spawned_seeds_are_many_and_repeatable(n, seed):
    seeds = spawn_seeds(np.random.default_rng(seed), n)
    assert seeds == spawn_seeds(np.random.default_rng(seed), n)
    assert len(set(seeds)) == n
    assert all(len(s) == 4 and all(type(word) is int and 0 <= word < 2**32 for word in s) for s in seeds)
    np.random.default_rng(seeds[0]).random()


def test_spawning_advances_the_generator():
    generator = np.random.default_rng(0)
    assert spawn_seeds(generator, 2) != spawn_seeds(generator, 2)


@pytest.mark.parametrize(
    "seed", [None, 0, 2**31, 2**32 - 1, 2**40, np.int64(7), np.random.RandomState(1), np.random.default_rng(1),
             np.random.SeedSequence(1)], ids=lambda s: type(s).__name__,
)  # fmt: skip
def test_scikit_learn_takes_what_we_hand_over(seed):
    check_random_state(as_random_state(seed, "owner")).random_sample()
    as_generator(seed, "owner").random()


def test_small_ints_and_states_are_handed_over_as_they_are():
    state = np.random.RandomState(0)
    assert as_random_state(state, "owner") is state
    assert as_random_state(5, "owner") == 5
    assert as_random_state(None, "owner") is None
    assert as_random_state(np.random.default_rng(1), "o") == as_random_state(np.random.default_rng(1), "o")


class _Small(BaseEstimator):
    _parameter_constraints = {"n": [Range(numbers.Integral, 1, None, closed="left")], "kind": [StrOptions({"a", "b"})]}  # noqa: RUF012

    def __init__(self, n=1, kind="a"):
        self.n = n
        self.kind = kind


def test_constraints_raise_our_error():
    validate_params(_Small(n=3, kind="b"))
    for bad in (_Small(n=0), _Small(n=1.5), _Small(kind="c"), _Small(kind=None)):
        name = "n" if bad.kind == "a" else "kind"
        with pytest.raises(UQError, match=f"'{name}' parameter of _Small must be .* Got") as caught:
            validate_params(bad)
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, InputError)
