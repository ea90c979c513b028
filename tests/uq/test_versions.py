"""The five names belong to this distribution alone, and a clash is said loudly."""

import importlib.metadata
import pickle
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

import uq._versions as module
from uq._versions import NAMES, show_versions


def test_this_installation_owns_its_five_names_alone():
    versions = show_versions()
    assert versions.owners == {name: ("errorbars",) for name in NAMES}
    assert versions.problems == ()
    assert versions.ok


def test_it_prints_the_versions():
    versions = show_versions()
    for name in ("numpy", "scikit-learn", "errorbars"):
        assert versions.packages[name] == importlib.metadata.version(name)
    text = str(versions)
    assert repr(versions) == text
    assert text.splitlines()[0].startswith("Python")
    assert "import calibration" in text
    assert "numpy" in versions._repr_html_()
    assert pickle.loads(pickle.dumps(versions)) == versions


def test_missing_libraries_are_said_to_be_missing(monkeypatch):
    monkeypatch.setattr(module, "OPTIONAL", ("no-such-distribution",))
    assert show_versions().packages["no-such-distribution"] == "not installed"


def test_no_optional_library_is_imported():
    code = (
        "import sys; from uq._versions import OPTIONAL, show_versions; before = set(sys.modules); show_versions(); "
        "print(*sorted(set(OPTIONAL) & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.fixture
def installed(monkeypatch):
    def fake(**owners):
        found = {name: ["errorbars", "errorbars"] for name in NAMES} | owners
        monkeypatch.setattr(importlib.metadata, "packages_distributions", lambda: found)
        return show_versions()

    return fake


def test_a_clash_is_the_first_thing_said(installed):
    versions = installed(calibration=["errorbars", "Uncertainty_Calibration"])
    assert not versions.ok
    first = str(versions).splitlines()[0]
    assert first.startswith("!!! the package 'calibration' is also installed by uncertainty-calibration")
    assert "pip uninstall uncertainty-calibration" in first
    assert "PROBLEM" in versions._repr_html_()


def test_a_foreign_package_alone_is_a_clash_too(installed):
    assert not installed(calibration=["uncertainty-calibration"]).ok


def test_a_name_that_nobody_owns(installed):
    versions = installed(bayes=[])
    assert "no installed distribution owns the package 'bayes'" in str(versions)


def test_metadata_listed_twice_is_no_clash(installed):
    assert installed(uq=["errorbars", "ErrorBars"]).ok


@pytest.mark.slow
def test_a_folder_that_hides_ours(tmp_path, monkeypatch):
    other = ModuleType("causal")
    other.__spec__ = SimpleNamespace(origin=str(tmp_path / "causal" / "__init__.py"))
    monkeypatch.setitem(sys.modules, "causal", other)
    versions = show_versions()
    assert not versions.ok
    assert f"Python finds 'causal' in {tmp_path.resolve()}" in str(versions)
    other.__spec__ = None
    assert "Python finds no package 'causal'" in str(show_versions())
