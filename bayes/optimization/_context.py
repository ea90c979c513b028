"""What a trial is evaluated in and with, beside its params: an environment with a law, a fidelity with a target.

The surrogate lives on params, environment and fidelity together. What is sought is the best params on average over the
environment's law, at the fidelity that counts.
"""

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.containers import as_numeric
from uq._base.exceptions import InputError

from ._dimensions import Categorical, Dimension, Integer, Real
from ._levels import Levels
from ._space import Space, restore_space

__all__ = ["Context", "ContextMean", "check_context", "restore_context"]

FIDELITY = "fidelity"
LONGEST = math.log(4.0)
MOST_NODES = 500
_NODES = {1: 16, 2: 8}  # of a quadrature in so many environments without end; 4 in more


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Environment and fidelity of a campaign; either may be missing.

    Parameters
    ----------
    space : Space
        Of the params alone.
    joint : Space
        Of params, environment and fidelity, in this order; `space` itself where there is neither.
    weights : dict of str to ndarray or None
        By environment: one weight for each of its values, which sum to 1; None for the uniform law on an interval.
    given : dict of str to list or None
        The weights as they were given, for the log.
    has_fidelity : bool
    target : object
        The fidelity that counts.
    """

    space: Space
    joint: Space
    weights: dict[str, Any]
    given: dict[str, Any]
    has_fidelity: bool
    target: Any

    def __bool__(self):
        return self.joint is not self.space

    @property
    def columns(self):
        """Columns of the joint space that are no params."""
        return np.arange(self.space.n_columns, self.joint.n_columns)

    @property
    def longest(self):
        """Largest log length scales: environments that were alike so far may differ where nobody has looked yet."""
        return tuple(LONGEST if name in self.weights else math.inf for name in self.joint.names)

    def spot(self, params, environment, fidelity):
        """Return the setting in the joint space."""
        spot = {**params, **(environment or {})}
        if self.has_fidelity:
            spot[FIDELITY] = fidelity
        return spot

    def split(self, spot):
        """Return params and what an event holds of environment and fidelity."""
        found: dict[str, Any] = {"params": {name: spot[name] for name in self.space.names}}
        if self.weights:
            found["environment"] = {name: spot[name] for name in self.weights}
        if self.has_fidelity:
            found["fidelity"] = spot[FIDELITY]
        return found

    def check(self, environment, fidelity, owner):
        """Return what an event holds of a caller's environment and fidelity."""
        found: dict[str, Any] = {}
        names = ", ".join(self.weights)
        if self.weights:
            if not isinstance(environment, Mapping) or set(environment) != set(self.weights):
                raise InputError(
                    f"{owner}: environment must be a dict with a value for each of {names:.200}, what the params were "
                    f"evaluated in; got {environment!r:.100}."
                )
            found["environment"] = {
                name: self.joint.dimensions[name].check(environment[name], owner, f"environment[{name!r}]")
                for name in self.weights
            }
        elif environment is not None:
            raise InputError(
                f"{owner}: environment must be left out, since the optimizer was made without one; got "
                f"{environment!r:.100}. Name it in BayesianOptimizer(environment=...)."
            )
        if self.has_fidelity:
            value = self.target if fidelity is None else fidelity
            found["fidelity"] = self.joint.dimensions[FIDELITY].check(value, owner, "fidelity")
        elif fidelity is not None:
            raise InputError(
                f"{owner}: fidelity must be left out, since the optimizer was made without one; got {fidelity!r:.100}. "
                "Name it in BayesianOptimizer(fidelity=...)."
            )
        return found

    def describe(self):
        """Return what JSON can hold and `restore` reads, of environment and fidelity."""
        found: dict[str, Any] = {}
        if self.weights:
            found["environment"] = [
                [name, self.joint.dimensions[name].describe(), weights] for name, weights in self.given.items()
            ]
        if self.has_fidelity:
            found["fidelity"] = [self.joint.dimensions[FIDELITY].describe(), self.target]
        return found

    def nodes(self, exact):
        """Return places (m, n_context) of environments at the target, their weights (m,), and columns left out.

        With `exact` intervals are left out, whose columns are returned: a closed form takes their place. Otherwise
        they are Gauss-Legendre nodes.
        """
        endless = [name for name, law in self.weights.items() if law is None]
        n = _NODES.get(len(endless), 4)
        rows, weights, left_out = np.empty((1, 0)), np.ones(1), []
        for name, law in self.weights.items():
            if law is not None:
                places, law = self.joint.dimensions[name].levels(), law
            elif exact:
                left_out.append(rows.shape[1])
                places, law = np.full((1, 1), 0.5), np.ones(1)
            else:
                points, law = np.polynomial.legendre.leggauss(n)
                places, law = (points[:, None] + 1) / 2, law / 2
            k = len(places)
            rows = np.hstack([np.repeat(rows, k, axis=0), np.tile(places, (len(rows), 1))])
            weights = np.repeat(weights, k) * np.tile(law, len(weights))
        if self.has_fidelity:
            there = self.joint.dimensions[FIDELITY].encode(self.target)
            rows = np.hstack([rows, np.tile(there, (len(rows), 1))])
        return rows, weights, np.array(left_out, dtype=int)


class ContextMean:
    """A mean that is linear in environment and fidelity: what is the same for all params is no signal."""

    def __init__(self, columns):
        self.columns = columns

    def __call__(self, X):
        """Return the basis (n, n_context)."""
        return X[:, self.columns]


def check_context(space, environment, fidelity, owner):
    """Return the Context of a campaign on a Space of params."""
    dimensions, weights, given, target = dict(space.dimensions), {}, {}, None
    for name, asked in _environments(environment, owner):
        if name in dimensions:
            raise InputError(f"{owner}: names in environment must differ from those in space; got {name!r:.100}.")
        dimensions[name], given[name] = _listed(name, asked, owner)
        weights[name] = _normalised(dimensions[name], given[name])
    if fidelity is not None:
        if FIDELITY in dimensions:
            raise InputError(f"{owner}: with fidelity= no parameter or environment may have the name {FIDELITY!r}.")
        dimensions[FIDELITY], target = _fidelity(fidelity, owner)
    joint = space if len(dimensions) == len(space.names) else Space(dimensions)
    endless = sum(law is None for law in weights.values())
    n_nodes = math.prod(len(law) for law in weights.values() if law is not None) * _NODES.get(endless, 4) ** endless
    if n_nodes > MOST_NODES:
        raise InputError(
            f"{owner}: environment must have at most {MOST_NODES} combinations of values (an interval counts as a few);"
            f" got {n_nodes}. Give an interval, Real(low, high), in place of many integers."
        )
    return Context(
        space=space, joint=joint, weights=weights, given=given, has_fidelity=fidelity is not None, target=target
    )


def _environments(environment, owner):
    if environment is None:
        return ()
    if not isinstance(environment, Mapping) or not environment:
        raise _refused(owner, environment)
    for name in environment:
        if not isinstance(name, str) or not name or name.encode("utf-8", "replace").decode() != name:
            raise InputError(f"{owner}: names in environment must be strings that are not empty; got {name!r:.100}.")
    return environment.items()


def _listed(name, given, owner):
    """Return the dimension of an environment, and its weights as a list, or None where none were given."""
    values, weights = given, None
    if isinstance(given, tuple) and len(given) == 2:
        values, weights = given
    if isinstance(values, Real):
        if weights is not None:
            raise InputError(f"{owner}: environment[{name!r}] must be Real(low, high), whose law is uniform, alone.")
        return values, None
    if not isinstance(values, (Integer, Categorical)):
        values = _dimension_of(name, values, owner)
    if values.size > MOST_NODES:
        raise InputError(
            f"{owner}: environment[{name!r}] must have at most {MOST_NODES} values; got {int(values.size)}. Give an "
            "interval, Real(low, high)."
        )
    size = int(values.size)
    if weights is None:
        return values, None
    law = np.asarray(as_numeric(weights, owner, f"weights of environment[{name!r}]"), dtype=float)
    if law.shape != (size,) or not np.isfinite(law).all() or (law < 0).any() or not 0 < law.max() <= 1e150:
        raise InputError(
            f"{owner}: weights of environment[{name!r}] must be {size} numbers of at least 0, not all of them 0; got "
            f"{weights!r:.100}."
        )
    return values, law.tolist()


def _normalised(dimension, weights):
    if isinstance(dimension, Real):
        return None
    law = np.ones(int(dimension.size)) if weights is None else np.array(weights) / max(weights)
    return law / law.sum()


def _dimension_of(name, values, owner):
    # a set has no order for weights to follow, and another one in each process
    shapeless = isinstance(values, (str, bytes, Mapping, Set)) or getattr(values, "ndim", 1) != 1
    if shapeless or not (hasattr(values, "__iter__") and hasattr(values, "__len__")):
        raise _refused(owner, {name: values})
    if any(isinstance(v, (list, np.ndarray)) for v in values):  # values with weights, as JSON has them, or half of them
        raise _refused(owner, {name: values})
    if not 1 <= len(values) <= MOST_NODES:
        raise InputError(f"{owner}: environment[{name!r}] must be 1 to {MOST_NODES} values; got {len(values)}.")
    values = [v.item() if isinstance(v, np.generic) else v for v in values]
    if values and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        if not all(abs(v) <= 1e150 for v in values) or len(set(values)) < len(values):
            raise InputError(
                f"{owner}: environment[{name!r}] must be finite numbers that differ from each other; got "
                f"{values!r:.100}."
            )
        return Levels(tuple(values))
    return Categorical(values)


def _refused(owner, got):
    return InputError(
        f"{owner}: environment must be a dict from names to laws: ([128, 512], [.7, .3]) for values with weights, "
        f"Real(0, 1) for the uniform law on an interval, Integer or Categorical for equal weights; got {got!r:.100}."
    )


def _fidelity(fidelity, owner):
    if not isinstance(fidelity, (tuple, list)) or len(fidelity) != 2 or not isinstance(fidelity[0], Dimension):
        raise InputError(
            f"{owner}: fidelity must be a pair of what it may be and the one that counts, such as (Integer(1, 81), 81) "
            f"or (Categorical(['simulated', 'measured']), 'measured'); got {fidelity!r:.100}."
        )
    dimension, target = fidelity
    if target is None:
        raise InputError(f"{owner}: fidelity[1], the one that counts, must not be None; give it a name.")
    return dimension, dimension.check(target, owner, "fidelity[1]")


def restore_context(event):
    """Return environment and fidelity as `BayesianOptimizer` takes them, from what `Context.describe` wrote down."""
    found: dict[str, Any] = {"environment": None, "fidelity": None}
    if event.get("environment"):
        found["environment"] = {name: _given(about, law) for name, about, law in event["environment"]}
    if event.get("fidelity"):
        about, target = event["fidelity"]
        found["fidelity"] = (_dimension(about), target)
    return found


def _given(about, law):
    values = about[1] if about[0] == "levels" else _dimension(about)
    return values if law is None else (values, law)


def _dimension(about):
    return restore_space([[FIDELITY, *about]])[FIDELITY]
