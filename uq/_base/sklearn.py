"""The border to scikit-learn: the one importer of its private parameter validation, and where seeds change hands."""

import functools

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions, validate_parameter_constraints

from .exceptions import InputError
from .random import check_rng

__all__ = [
    "HasMethods",
    "Options",
    "Range",
    "StrOptions",
    "as_generator",
    "as_random_state",
    "validate_params",
]

# scikit-learn calls a range of numbers an Interval; here that word is taken
Range = Interval


def validate_params(estimator):
    """Check the constructor's parameters against ``_parameter_constraints``; to be called first thing in `fit`.

    Raises
    ------
    InputError
        Names the parameter, the estimator, what is allowed and what came. Also a ValueError.
    """
    kind = type(estimator)
    given = {name: getattr(estimator, name) for name in _parameters(kind)}  # type: ignore[arg-type]  # classes are hashable
    for name, value in given.items():
        if isinstance(value, np.floating):  # a short float would cast the ends of a range to its own kind
            given[name] = float(value)
        elif isinstance(value, (bool, np.bool_)) and _is_number(kind._parameter_constraints.get(name)):
            raise InputError(f"The {name!r} parameter of {kind.__name__} must be a number; got {value!r}.")
    try:
        validate_parameter_constraints(kind._parameter_constraints, given, kind.__name__)
    except (ValueError, TypeError) as error:
        raise InputError(str(error)) from None
    for name, value in given.items():
        if isinstance(value, (int, np.integer)) and abs(int(value)) > 2**53 and name != "random_state":
            raise InputError(
                f"The {name!r} parameter of {kind.__name__} must be at most 2**53; got an integer of "
                f"{int(value).bit_length()} bits."
            )


def _is_number(constraints):
    """Tell a parameter that is a number, and never True or False, which Python counts among the integers."""
    return (
        isinstance(constraints, list)
        and "boolean" not in constraints
        and any(isinstance(each, Interval) for each in constraints)
    )


@functools.cache
def _parameters(kind):
    """Return the names that `get_params` finds; it reads the signature each time, longer than many a fit."""
    return kind._get_param_names()


def as_generator(random_state, owner):
    """Turn an estimator's `random_state` (None, int, RandomState or Generator) into a Generator.

    An int gives the same stream at each call, so that a refit repeats itself; the stateful kinds move on, as they do in
    scikit-learn. The parameter itself is never replaced.
    """
    try:
        return check_rng(random_state, owner)
    except InputError:
        raise InputError(
            f"{owner}: random_state must be None, a non-negative int, a numpy.random.RandomState or a "
            f"numpy.random.Generator; got {random_state!r}."
        ) from None


def as_random_state(rng, owner):
    """Turn any seed of ours into what scikit-learn takes: its `check_random_state` rejects a Generator (1.9).

    None, RandomState and ints below 2**32 pass through; a Generator, a SeedSequence or a larger int gives an int drawn
    from its stream.
    """
    if rng is None or isinstance(rng, np.random.RandomState):
        return rng
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool) and 0 <= rng < 2**32:
        return int(rng)
    return int(as_generator(rng, owner).integers(2**32))
