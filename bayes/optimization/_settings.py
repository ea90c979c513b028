"""What a campaign cannot change once it has begun: checked once, and written into the first line of its log."""

import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from uq._base.exceptions import InputError, LogError, UntestedAssumptionWarning
from uq._base.sklearn import as_generator
from uq._base.validation import check_count, check_option

from ._constraints import Bound, check_constraints
from ._context import Context, check_context, restore_context
from ._cost import check_cost
from ._propose import ACQUISITIONS
from ._space import Space, check_space, restore_space
from ._surrogate import check_surrogate, make_surrogate, surrogate_parameters

__all__ = ["Settings", "check_optimizer", "read_parameters"]

FORMAT = 1
FAILURES = ("classifier", "drop", "abandon")
_OF_AVERAGES = ("auto", "knowledge_gradient")
_NO_GAINS = ("upper_confidence_bound", "thompson_sample")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a campaign cannot change once it has begun.

    Parameters
    ----------
    space : Space
    context : Context
    direction, failures : str
    acquisition : str or None
        None for a function of the caller, which no log can hold.
    surrogate : dict or None
        Parameters of the GaussianProcess; None where they hold a function.
    constraints : tuple of Bound
    cost : {"function", "learned"} or None
    n_initial : int
    seed : int
    """

    space: Space
    context: Context
    direction: str
    acquisition: str | None
    surrogate: dict[str, Any] | None
    constraints: tuple[Bound, ...]
    cost: str | None
    failures: str
    n_initial: int
    seed: int

    @property
    def sign(self):
        """What turns values into those to be maximised."""
        return 1.0 if self.direction == "maximize" else -1.0

    def event(self):
        """Return the first event of a log."""
        return {
            "event": "open",
            "format": FORMAT,
            "versions": _versions(),
            "space": self.space.describe(),
            "space_hash": self.space.hash,
            "direction": self.direction,
            "acquisition": self.acquisition,
            "surrogate": self.surrogate,
            "constraints": {bound.name: bound.text for bound in self.constraints},
            "failures": self.failures,
            "n_initial": self.n_initial,
            "seed": self.seed,
            **self.context.describe(),
            **({"cost": self.cost} if self.cost else {}),
        }


def check_optimizer(optimizer) -> Settings:
    """Return the settings of a BayesianOptimizer; raise InputError for parameters that are not what they may be."""
    owner, seed = "BayesianOptimizer", optimizer.random_state
    space = check_space(optimizer.space, owner)
    context = check_context(space, optimizer.environment, optimizer.fidelity, owner)
    cost = check_cost(optimizer.cost, context, owner)
    if not callable(optimizer.acquisition):
        check_option(optimizer.acquisition, tuple(ACQUISITIONS), owner, "acquisition")
    check_option(optimizer.direction, ("maximize", "minimize"), owner, "direction")
    check_option(optimizer.failures, FAILURES, owner, "failures")
    constraints = check_constraints(optimizer.constraints, owner)
    _check_together(optimizer, context, cost, constraints, owner)
    if isinstance(optimizer.n_initial, str):
        check_option(optimizer.n_initial, ("auto",), owner, "n_initial")
        n_initial = max(5, 2 * len(context.joint.names))
    else:
        n_initial = check_count(optimizer.n_initial, owner, "n_initial", low=0)
    generator = as_generator(optimizer.random_state, owner)
    return Settings(
        space=space,
        context=context,
        direction=optimizer.direction,
        acquisition=_name_of(optimizer.acquisition),
        surrogate=surrogate_parameters(check_surrogate(optimizer.surrogate, context.joint.n_columns)),
        constraints=constraints,
        cost=cost,
        failures=optimizer.failures,
        n_initial=n_initial,
        # an int is the seed itself; whatever has a state gives one
        seed=int(seed) if hasattr(seed, "__index__") else int(generator.integers(2**63)),
    )


def _name_of(acquisition):
    """Return the name of an acquisition, of this package's functions too; None for one of the caller."""
    if not callable(acquisition):
        return acquisition
    name = getattr(acquisition, "__name__", None)
    place = str(getattr(acquisition, "__module__", None))
    return name if name in tuple(ACQUISITIONS) and place.startswith(str(__package__)) else None


def _check_together(optimizer, context, cost, constraints, owner):
    """Refuse what does not go together."""
    asked = _name_of(optimizer.acquisition) or optimizer.acquisition
    if context and (callable(asked) or asked not in _OF_AVERAGES):
        raise InputError(
            f"{owner}: acquisition must be 'auto' or 'knowledge_gradient' with an environment or a fidelity, where one "
            f"evaluation is no result but tells of one; got {asked!r:.100}."
        )
    if context and constraints:
        raise InputError(
            f"{owner}: constraints must be left out with an environment or a fidelity, for whose averages they are not "
            "offered. Take what they cost off the value."
        )
    if cost and not callable(asked) and asked in _NO_GAINS:
        raise InputError(
            f"{owner}: acquisition must be a gain, which can be divided by a cost; got {asked!r}. Take 'auto', "
            "'expected_improvement' or 'knowledge_gradient'."
        )


def _versions():
    found = {}
    for name in ("errorbars", "numpy", "scipy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def read_parameters(event, path, surrogate, acquisition, cost=None):
    """Return the constructor's parameters from the first event of a log, and from what no log can hold."""
    parameters, known = _read(event, path)
    for name, given, lost in (
        ("surrogate", surrogate, known is None),
        ("acquisition", acquisition, parameters["acquisition"] is None),
        ("cost", cost, parameters["cost"] == "function"),
    ):
        if (given is None) == lost:
            raise InputError(
                f"BayesianOptimizer.resume: {name} must be "
                f"{'given again: a log cannot hold a function' if lost else 'left out'}; got {given!r:.100}."
            )
    try:
        parameters["surrogate"] = surrogate if known is None else make_surrogate(None).set_params(**known)
    except (TypeError, ValueError) as error:
        raise LogError(f"log {path!r} is damaged: its surrogate is none ({error!r:.80}).") from None
    parameters["acquisition"] = parameters["acquisition"] or acquisition
    parameters["cost"] = parameters["cost"] if cost is None else cost
    return parameters


def _read(event, path):
    if event.get("event") != "open" or event.get("format") != FORMAT:
        raise LogError(
            f"log {path!r} has format {event.get('format')!r}, this version reads {FORMAT}; it is of another version "
            "of errorbars, or not a log of it."
        )
    try:
        space = restore_space(event["space"])
        parameters = {
            "space": space,
            "acquisition": event["acquisition"],
            "direction": event["direction"],
            "constraints": event["constraints"] or None,
            "failures": event["failures"],
            "n_initial": event["n_initial"],
            "random_state": int(event["seed"]),
            "cost": event.get("cost"),
            **restore_context(event),
        }
        found = parameters, event["surrogate"]
        hashes = event["space_hash"], Space(space).hash
    except (KeyError, TypeError, ValueError) as error:
        raise LogError(
            f"log {path!r} is damaged: its first line does not describe a campaign ({error!r:.80})."
        ) from None
    if hashes[0] != hashes[1]:
        raise LogError(
            f"log {path!r} is damaged: its space has the hash {hashes[1]}, not {hashes[0]!r:.40} as written."
        )
    then, now = event.get("versions"), _versions()
    if then != now:
        warnings.warn(
            f"log {path!r} was written with {then}, this is {now}: suggestions may differ in their last digits from "
            "those of an uninterrupted campaign. Install the same versions where that matters.",
            UntestedAssumptionWarning,
            stacklevel=5,
        )
    return found
