"""Costs and successes of runs, checked: one table of items and runs, or one such table per model."""

from collections.abc import Mapping

import numpy as np

from uq._base.containers import as_numeric
from uq._base.exceptions import InputError
from uq._base.validation import check_binary, check_matrix, check_vector

from ._scalars import check_each

__all__ = ["check_baseline", "check_families", "check_models", "check_runs"]


def check_runs(costs, successes, owner):
    """Return costs and successes of one model as (1, n_items, n_runs), and the runs made, (1, n_items)."""
    costs, successes = (_items(x, owner, name) for x, name in ((costs, "costs"), (successes, "successes")))
    return _check(costs[None], successes[None], owner)


def _items(x, owner, name):
    """Return a table (n_items, n_runs), NaN where a run was not made."""
    lengths = {len(row) for row in x if isinstance(row, (list, tuple))} if isinstance(x, (list, tuple)) else set()
    if len(lengths) > 1:
        raise InputError(
            f"{owner}: {name} must have as many entries for each item; got rows of {min(lengths)} to {max(lengths)}. "
            "Fill them up with NaN, in costs and in successes: a run that was not made."
        )
    array = as_numeric(x, owner, name)
    if array.ndim == 1:
        return check_vector(array, owner, name)[:, None]
    return check_matrix(array, owner, name, nan_policy="omit")


def check_models(costs, successes, owner):
    """Return names, costs and successes (n_models, n_items, n_runs), and the runs made, (n_models, n_items)."""
    if isinstance(costs, Mapping) != isinstance(successes, Mapping):
        raise InputError(
            f"{owner}: costs and successes must both be dicts of tables by model, or both arrays; got "
            f"{type(costs).__name__} and {type(successes).__name__}."
        )
    if not isinstance(costs, Mapping):
        cubes = [_cube(x, owner, name) for x, name in ((costs, "costs"), (successes, "successes"))]
        return tuple(f"model {i}" for i in range(len(cubes[0]))), *_check(cubes[0], cubes[1], owner)
    if not costs or list(costs) != [m for m in costs if m in successes] or len(costs) != len(successes):
        raise InputError(
            f"{owner}: costs and successes must hold the same models, at least one; got {_some(costs)} and "
            f"{_some(successes)}."
        )
    cubes = []
    for tables, name in ((costs, "costs"), (successes, "successes")):
        parts = [_items(tables[m], owner, f"{name}[{m!r:.40}]") for m in costs]
        if len({part.shape for part in parts}) > 1:
            raise InputError(
                f"{owner}: {name} must have as many items and runs for each model; got shapes "
                f"{', '.join(str(part.shape) for part in parts[:5])}. Items pair up by their row; fill up with NaN, in "
                "costs and in successes, where a model has fewer runs."
            )
        cubes.append(np.stack(parts))
    names = tuple(str(m) for m in costs)
    _check_names(costs, owner, "costs", "models")
    return names, *_check(cubes[0], cubes[1], owner)


def _cube(x, owner, name):
    array = as_numeric(x, owner, name)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or not array.size:
        raise InputError(
            f"{owner}: {name} must have shape (n_models, n_items, n_runs), none of them 0; got {array.shape}. A dict "
            "of tables (n_items, n_runs) by model does as well."
        )
    return check_matrix(array.reshape(len(array), -1), owner, name, nan_policy="omit").reshape(array.shape)


def _check(costs, successes, owner):
    if costs.shape != successes.shape:
        raise InputError(
            f"{owner}: costs and successes must have one entry per run each; got shapes {costs.shape[-2:]} and "
            f"{successes.shape[-2:]}, or other numbers of models."
        )
    costs, successes, runs = _made(costs, successes, owner)
    check_binary(successes, owner, "successes")
    if costs.min() < 0:
        raise InputError(f"{owner}: costs must not be negative; got {costs.min():g}.")
    return costs, successes, runs


def _made(costs, successes, owner):
    """Return the runs that were made first in each row, 0 in place of the others, and how many were made."""
    absent = np.isnan(costs)
    odd = absent != np.isnan(successes)
    if odd.any():
        model, item, run = (int(i) for i in np.argwhere(odd)[0])
        raise InputError(
            f"{owner}: costs and successes must be NaN together, for a run that was not made; got a cost of "
            f"{costs[model, item, run]:g} and a success of {successes[model, item, run]:g} for run {run} of item "
            f"{item}{f' of model {model}' if len(costs) > 1 else ''} (counting from 0). A run that failed to answer "
            "has a cost and the success 0."
        )
    runs = (~absent).sum(axis=2)
    if not runs.all():
        model, item = (int(i) for i in np.argwhere(runs == 0)[0])
        raise InputError(
            f"{owner}: each item must have at least 1 run{' under each model' if len(costs) > 1 else ''}; got none of "
            f"item {item}{f' under model {model}' if len(costs) > 1 else ''} (counting from 0). Leave out the item."
        )
    if absent.any():
        order = np.argsort(absent, axis=2, kind="stable")[:, :, : runs.max()]
        costs, successes = (np.nan_to_num(np.take_along_axis(x, order, axis=2)) for x in (costs, successes))
    return costs, successes, runs


def check_baseline(baseline, owner, n_items, *, required=False):
    """Return the price per item at which an answer can be had elsewhere, inf where there is none."""
    if baseline is None and not required:
        return np.full(n_items, np.inf)
    return np.full(n_items, check_each(baseline, owner, "baseline", low=0, high=1e150, n=n_items))


def check_families(families, owner, names):
    """Return the families, in order of their first model, and which one each model belongs to."""
    if families is None:
        return names, np.arange(len(names))
    if not isinstance(families, Mapping):
        raise InputError(f"{owner}: families must be a dict of model -> family; got {type(families).__name__}.")
    _check_names(families, owner, "families", "models")
    _check_names(families.values(), owner, "families", "families")
    given = {str(model): str(family) for model, family in families.items()}
    if set(given) != set(names):
        raise InputError(
            f"{owner}: families must name one family for each model ({_some(names)}) and no other; got {_some(given)}."
        )
    labels = tuple(dict.fromkeys(given[name] for name in names))
    return labels, np.array([labels.index(given[name]) for name in names])


def _check_names(labels, owner, name, kind):
    """Raise where a text and something else, such as "1" and 1, would be one name."""
    seen: dict[str, bool] = {}
    for label in labels:
        if seen.setdefault(str(label), isinstance(label, str)) != isinstance(label, str):
            raise InputError(
                f"{owner}: {name} must write each of the {kind} one way, so that they are told apart by their names; "
                f"got the text {str(label)!r:.40} and something else that is written so. Rename one of them, or write "
                "both alike if they are the same."
            )


def _some(names):
    shown = [f"{name!r:.40}" for name in list(names)[:5]]
    return ", ".join([*shown, *(["..."] if len(names) > 5 else [])]) or "none"
