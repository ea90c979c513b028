"""Benchmarks run beside peers that are not installed here; what they take from us must be there all the same."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest
from contracts import require

HERE = Path(__file__).resolve().parent / "benchmarks"
PACKAGES = ("uq", "conformal", "calibration", "bayes", "causal")


def taken(tree):
    """Yield what is taken from our packages, as (module, name), and each attribute of a module taken so."""
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES and not node.level:
            for alias in node.names:
                yield node.module, alias.name
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield modules[node.value.id], node.attr


def there(module, name):
    """Whether a module, or what is called so in one, has a name."""
    if "epistemic._training" in f"{module}.{name}" or "epistemic.heads" in f"{module}.{name}":
        require("torch")
    *parents, last = module.split(".")
    try:
        owner = importlib.import_module(module)
    except ModuleNotFoundError:
        owner = getattr(importlib.import_module(".".join(parents)), last)
    if not inspect.ismodule(owner) or hasattr(owner, name):
        return True  # attributes of classes and results are for the tests of these
    try:
        importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return False
    return True


@pytest.mark.parametrize("path", sorted(HERE.rglob("*.py")), ids=lambda path: path.relative_to(HERE).as_posix())
def test_what_a_benchmark_takes_from_us_is_there(path):
    missing = [f"{module}.{name}" for module, name in taken(ast.parse(path.read_text())) if not there(module, name)]
    assert not missing


def test_a_name_that_moved_is_found():
    moved = ast.parse("from uq.epistemic import _training as t, pair_counts\nt.make_network\nt._network\n")
    require("torch")
    assert [name for module, name in taken(moved) if not there(module, name)] == ["_network"]
