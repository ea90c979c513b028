"""Every notebook runs from top to bottom, from its py:percent file, in under a minute.

A minute of its kernel's CPU, or on the clock, whichever is less: other work on the machine is not the notebook's. Where
a plain loop takes longer than it does elsewhere, notebooks may.
"""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from contracts.containers import require

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.py"))


def slowness():
    """Return how much longer a loop takes now than the fifth of a second of a machine that does nothing else."""
    start, total = time.process_time(), 0
    for i in range(3_000_000):
        total += i
    return (time.process_time() - start) / 0.2


def children():
    """Return the CPU seconds of the processes that were started here and have ended."""
    import resource  # not on every system

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_there_are_notebooks():
    assert {"tour", "error_bars", "drug_targets"} <= {path.stem for path in NOTEBOOKS}


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, recwarn):
    jupytext, nbclient = require("jupytext"), require("nbclient")
    notebook = jupytext.read(path)
    assert notebook.cells[0].cell_type == "markdown", "a notebook begins with its question"
    before, start, cpu = slowness(), time.perf_counter(), children()
    nbclient.NotebookClient(
        notebook, timeout=180, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    cpu, seconds = children() - cpu, time.perf_counter() - start
    assert cpu > 0.1, "the kernel was not waited for: its seconds are not counted"
    limit = 60 * max(1.0, before, slowness())
    assert min(seconds, cpu) < limit, f"{seconds:.0f} s, {cpu:.0f} s of CPU, allowed {limit:.0f}"
    errors = [o for cell in notebook.cells for o in cell.get("outputs", []) if o.output_type == "error"]
    assert not errors


@pytest.mark.notebook
@pytest.mark.parametrize("name", ["tour", "error_bars"])
def test_a_script_called_from_elsewhere_writes_into_its_own_clone_alone(name, tmp_path):
    path = next(path for path in NOTEBOOKS if path.stem == name)
    answer = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert not list(tmp_path.iterdir())
    written = next(line.split(" written")[0] for line in answer.stdout.splitlines() if " written" in line)
    assert Path(written).is_absolute()
    assert Path(written).parent == path.parents[1] / "build"


@pytest.mark.notebook
def test_drug_targets_does_without_the_data_that_do_not_come_with_the_package(tmp_path):
    copy = tmp_path / "clone" / "notebooks" / "drug_targets.py"
    copy.parent.mkdir(parents=True)
    copy.write_text((NOTEBOOKS[0].parent / copy.name).read_text())
    answer = subprocess.run([sys.executable, "-W", "error", copy], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "scikit-learn's diabetes data stand in" in answer.stdout
    assert "drug-target pairs" not in answer.stdout
