"""Versions for a bug report, and whether the five import names belong to this distribution alone."""

import importlib.metadata
import importlib.util
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_info

from ._base.results import Result

__all__ = ["Versions", "show_versions"]

DISTRIBUTION = "errorbars"
NAMES = ("uq", "conformal", "calibration", "bayes", "causal")
CORE = ("numpy", "scipy", "scikit-learn", "narwhals", "joblib", "threadpoolctl")
OPTIONAL = (
    "matplotlib",
    "pandas",
    "polars",
    "pyarrow",
    "safetensors",
    "torch",
    "pymc",
    "arviz",
    "statsmodels",
    "tqdm",
    "dask",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Versions(Result):
    """What is installed; prints as a table, with any problem first.

    Parameters
    ----------
    packages : dict of str to str
        Version of Python, of this library, and of its dependencies; "not installed" where an optional one is missing.
    threadpools : tuple of str
        Native libraries with their number of threads.
    owners : dict of str to tuple of str
        Import name -> the distributions that install it.
    problems : tuple of str
        What is wrong with the five import names; empty where nothing is.
    """

    packages: dict
    threadpools: tuple
    owners: dict
    problems: tuple

    @property
    def ok(self) -> bool:
        """Whether each of the five import names is owned by this distribution alone, and found where it was put."""
        return not self.problems

    def _table(self):
        rows = [("PROBLEM", problem) for problem in self.problems]
        rows += self.packages.items()
        rows += [("threads", pool) for pool in self.threadpools]
        rows += [(f"import {name}", ", ".join(owners) or "no distribution") for name, owners in self.owners.items()]
        return {"name": [name for name, _ in rows], "value": [value for _, value in rows]}

    def _title(self):
        return "versions" if self.ok else "PROBLEM: the import names of errorbars clash with another package"

    def __str__(self):
        head = "".join(f"!!! {problem}\n" for problem in self.problems)
        table = self._table()
        rows = list(zip(*table.values(), strict=True))[len(self.problems) :]
        width = max(len(name) for name, _ in rows)
        return head + "\n".join(f"{name.ljust(width)}  {value}" for name, value in rows)

    def __repr__(self):
        return str(self)


def show_versions() -> Versions:
    """Return the versions of Python, of this library and of its dependencies, and who owns its import names.

    Returns
    -------
    Versions
        Prints as a table. Fields: `packages` (name -> version), `threadpools`, `owners` (import name -> distributions)
        and `problems`. Its `ok` is False where another distribution installs a package called uq, conformal,
        calibration, bayes or causal (``uncertainty-calibration`` does), or where Python finds one of them elsewhere
        than beside this library; the table then begins with the problem and the remedy.

    Notes
    -----
    **Guarantee.** None is needed. No optional library is imported: versions come from the installed metadata.

    Examples
    --------
    >>> from uq import show_versions
    >>> versions = show_versions()
    >>> versions.ok, sorted(versions.owners)
    (True, ['bayes', 'calibration', 'causal', 'conformal', 'uq'])
    """
    owners = _owners()
    return Versions(
        packages={
            "Python": f"{platform.python_version()} ({platform.system()} {platform.machine()})",
            **{name: _version(name) for name in (DISTRIBUTION, *CORE, *OPTIONAL)},
        },
        threadpools=tuple(
            f"{pool['internal_api']} {pool['version'] or ''} ({pool['num_threads']} threads)".replace("  ", " ")
            for pool in threadpool_info()
        ),
        owners=owners,
        problems=(*_clashes(owners), *_strays(_places())),
    )


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _owners():
    """Return {import name: distributions}. An editable install may be listed twice, by its metadata and its source."""
    installed = importlib.metadata.packages_distributions()
    return {name: tuple(sorted({re.sub(r"[-_.]+", "-", d).lower() for d in installed.get(name, ())})) for name in NAMES}


def _places():
    """Return {import name: the folder in which Python finds it, or None}. Nothing is imported."""
    places = {}
    for name in NAMES:
        loaded = sys.modules.get(name)
        spec = loaded.__spec__ if loaded is not None else importlib.util.find_spec(name)
        origin = getattr(spec, "origin", None)
        places[name] = None if origin is None else Path(origin).resolve().parent.parent
    return places


def _clashes(owners):
    for name, found in owners.items():
        others = [owner for owner in found if owner != DISTRIBUTION]
        if others:
            yield (
                f"the package {name!r} is also installed by {', '.join(others)}, and one overwrites the other. "
                f"Run: pip uninstall {' '.join(others)}; pip install --force-reinstall --no-deps {DISTRIBUTION}"
            )
        elif not found:
            yield f"no installed distribution owns the package {name!r}. Run: pip install {DISTRIBUTION}"


def _strays(places):
    home = places["uq"]
    for name, place in places.items():
        if place is None:
            yield f"Python finds no package {name!r}. Run: pip install --force-reinstall --no-deps {DISTRIBUTION}"
        elif place != home:
            yield (
                f"Python finds {name!r} in {place}, not beside uq in {home}: a folder or package of that name hides "
                "ours. Rename or remove it."
            )
