"""Seeding: one conversion at the border, no global state (SPEC 7 for functions, `random_state` for estimators)."""

import numpy as np

from .exceptions import InputError

__all__ = ["check_rng", "spawn_seeds"]


def check_rng(rng, owner="rng"):
    """Turn None, an int, a SeedSequence, a Generator or a legacy RandomState into a `numpy.random.Generator`.

    A Generator is returned as it is, so that successive calls continue its stream; None takes fresh entropy.
    """
    if rng is None or isinstance(rng, (np.random.Generator, np.random.SeedSequence)):
        return np.random.default_rng(rng)
    if isinstance(rng, np.random.RandomState):
        return np.random.default_rng(rng.randint(0, 2**32, size=4, dtype=np.uint32))
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool) and rng >= 0:
        return np.random.default_rng(int(rng))
    raise InputError(
        f"{owner}: rng must be None, a non-negative int, a numpy.random.Generator, SeedSequence or RandomState; "
        f"got {rng!r}."
    )


def spawn_seeds(rng, n):
    """Return `n` independent integer seed tuples drawn from `rng`: the same for any number of workers.

    Integers and not spawned children, because a Generator without a SeedSequence (one that was unpickled from an old
    bit generator, say) cannot spawn, and because the draw advances `rng`, as users of a shared Generator expect.
    """
    return [tuple(int(word) for word in words) for words in rng.integers(0, 2**32, size=(n, 4), dtype=np.uint32)]
