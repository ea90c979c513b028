"""The house: its floors, its doors, its light entrance, and small rooms. Nothing here runs any mathematics."""

import ast
import doctest
import functools
import importlib
import importlib.metadata
import inspect
import json
import pkgutil
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from contracts import require

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("bayes", "calibration", "causal", "conformal", "uq")
TOPICS = ("uq.epistemic", "uq.reuse", "uq.sampling")
HEAVY = (
    "torch",
    "pymc",
    "arviz",
    "matplotlib",
    "statsmodels",
    "pandas",
    "polars",
    "pyarrow",
    "safetensors",
    "dask",
    "tqdm",
)
MOST_LINES, MEDIAN_LINES = 500, 200


def sources(*folders):
    """Return the Python files below these folders of the repository."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_names():
    """Return every module of the five packages; those that need a heavy library stand behind public doors."""
    for package in PACKAGES:
        yield package
        for info in pkgutil.walk_packages(
            importlib.import_module(package).__path__, package + ".", onerror=lambda _: None
        ):
            yield info.name


def modules():
    """Yield the modules that import without an extra, with their names."""
    for name in module_names():
        try:
            yield name, importlib.import_module(name)
        except ImportError as error:
            if (error.name or "").split(".")[0] not in HEAVY:
                raise


def run_python(code):
    """Run code in a fresh interpreter outside of the repository and return what it prints as JSON."""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd="/")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


# ---- floors and doors


def test_import_contracts_hold():
    require("importlinter")
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", code, "--no-cache"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "0 broken" in answer.stdout


def test_importing_everything_loads_nothing_heavy():
    there = [topic for topic in TOPICS if importlib.util.find_spec(topic)]
    code = "import json, sys, {}; print(json.dumps(sorted(sys.modules)))"
    loaded, before = (
        {name.split(".")[0] for name in run_python(code.format(imports))}
        for imports in (", ".join([*PACKAGES, *there]), "sklearn.base")
    )
    heavy = loaded & set(HEAVY)
    # scikit-learn imports pandas (and that pyarrow) by itself where they are installed
    heavy -= before & {"pandas", "pyarrow"}
    assert not heavy
    assert loaded >= set(PACKAGES)


@pytest.mark.slow
def test_importing_everything_costs_little_beside_scikit_learn():
    clock = "import json, time; t = time.perf_counter(); import {}; print(json.dumps(time.perf_counter() - t))"
    theirs = [run_python(clock.format("sklearn.linear_model, sklearn.model_selection, scipy.stats")) for _ in range(5)]
    ours = [run_python(clock.format(", ".join(PACKAGES))) for _ in range(5)]
    assert min(ours) < 2 * min(theirs), f"{min(ours):.2f} s against {min(theirs):.2f} s of scikit-learn"


def test_importing_changes_no_warning_filter_and_no_random_state():
    code = (
        "import json, warnings, sklearn.linear_model, scipy.stats, narwhals, numpy as np\n"
        "before, state = list(warnings.filters), np.random.get_state()[1].tolist()\n"
        f"import {', '.join(PACKAGES)}\n"
        "print(json.dumps([warnings.filters == before, np.random.get_state()[1].tolist() == state]))"
    )
    assert run_python(code) == [True, True]


def test_the_five_names_are_ours_alone():
    owners = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, ["errorbars"])) == {"errorbars"}
        assert Path(importlib.import_module(package).__file__) == ROOT / package / "__init__.py"
        assert (ROOT / package / "py.typed").exists()


# ---- sizes and names


@pytest.mark.parametrize("folder", [*PACKAGES, "tests", "notebooks"])
def test_no_file_is_long(folder):
    long = {str(p.relative_to(ROOT)): n for p in sources(folder) if (n := len(p.read_text().splitlines())) > MOST_LINES}
    assert not long


def test_the_median_file_is_short():
    lengths = [len(p.read_text().splitlines()) for p in sources(*PACKAGES) if p.name != "__init__.py"]
    assert statistics.median(lengths) <= MEDIAN_LINES


def defined_names(module):
    """Return the public names that a module's source defines or re-exports as `from .x import A as A`."""
    names = set()
    for node in ast.parse(Path(module.__file__).read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {t.id for t in targets if isinstance(t, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname for alias in node.names if alias.asname == alias.name}
    return {name for name in names if not name.startswith("_")}


def test_all_is_sorted_true_and_complete():
    wrong = {}
    for name, module in modules():
        if "__all__" not in vars(module):
            if defined_names(module):
                wrong[name] = "has no __all__"
            continue
        listed = list(module.__all__)
        constants = {n for n in defined_names(module) if n.isupper()}
        missing = defined_names(module) - constants - set(listed)
        unknown = {n for n in listed if not hasattr(module, n)}
        in_order = listed in (sorted(set(listed)), sorted(set(listed), key=lambda n: (not n.isupper(), n)))
        if not in_order or missing or unknown:
            wrong[name] = f"sorted: {in_order}, missing: {missing}, unknown: {unknown}"
    assert not wrong


def test_private_files_are_reached_through_their_package():
    """A name that a package shows is the object that its private file defines."""
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                assert thing.__module__.split(".")[0] == package


# ---- words


def public_things():
    """Yield (name, object) of every function and class that a package or a topic shows."""
    for package in (*PACKAGES, *TOPICS):
        if importlib.util.find_spec(package) is None:
            continue
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield f"{package}.{name}", thing


def sections(docstring):
    """Return the numpydoc sections of a docstring by name."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.cleandoc(docstring or ""), flags=re.MULTILINE)
    return {"Summary": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


# They give what others promise, or promise nothing about data.
NO_GUARANTEE = {"uq.Curve", "uq.Estimate", "uq.Interval", "uq.TestResult", "uq.RankSummary", "uq.Report"}


@pytest.mark.parametrize(("name", "thing"), [pytest.param(*pair, id=pair[0]) for pair in public_things()])
def test_public_names_are_documented(name, thing):
    found = sections(thing.__doc__)
    assert found["Summary"].strip(), "no summary"
    assert found["Summary"].strip().split("\n")[0].endswith("."), "the first line is one sentence"
    assert "Examples" in found, "no example"
    assert doctest.DocTestParser().get_examples(found["Examples"]), "an example without code"
    takes = [p for p in inspect.signature(thing).parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    for parameter in takes:
        described = re.search(rf"^[^\n]*\b{parameter.name}\b[^\n]*( : |$)", found.get("Parameters", ""), re.MULTILINE)
        assert described or parameter.name in found.get("Parameters", ""), f"{parameter.name} is not documented"
    if inspect.isfunction(thing):
        assert "Returns" in found, "what is returned?"
        said = "**Guarantee.**" in found.get("Notes", "") or name in NO_GUARANTEE
        assert said, "no **Guarantee.** paragraph in Notes"
    elif hasattr(thing, "fit") and name not in NO_GUARANTEE:
        assert "**Guarantee.**" in found.get("Notes", ""), "no **Guarantee.** paragraph in Notes"


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(?<![\w.`])print\(", "a library does not print"),
        (r"plt\.show\(|pyplot\.show\(", "the caller decides when a picture is shown"),
        (r"np\.random\.(seed|rand|randn|randint|normal|uniform|choice|shuffle|permutation|random)\(", "global state"),
        (r"import random$|from random import", "global state"),
        (r"warnings\.filterwarnings\(|plt\.style\.use|rcParams\[", "settings of the user's process"),
    ],
)  # fmt: skip
def test_code_leaves_the_process_alone(pattern, why):
    for path in sources(*PACKAGES):
        for number, line in enumerate(_code_lines(path), start=1):
            assert not re.search(pattern, line), f"{path.relative_to(ROOT)}:{number}: {why}: {line.strip()}"


@functools.cache
def _tree(path):
    return ast.parse(path.read_text())


@functools.cache
def _code_lines(path):
    """Return the lines of a file with its docstrings blanked."""
    lines = path.read_text().splitlines()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for number in range(node.lineno - 1, node.end_lineno):
                lines[number] = ""
    return [line.split("  # ")[0] for line in lines]


def test_warning_filters_are_changed_only_within_a_block():
    for path in sources(*PACKAGES):
        tree = _tree(path)
        inside = {
            id(call)
            for block in ast.walk(tree)
            if isinstance(block, ast.With) and any("catch_warnings" in ast.dump(item) for item in block.items)
            for call in ast.walk(block)
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and "simplefilter" in ast.dump(call.func):
                assert id(call) in inside, f"{path.relative_to(ROOT)}:{call.lineno}"


def test_files_speak_of_the_project_alone():
    """No registry, mirror or path of one machine: what installs here must install anywhere."""
    forbidden = re.compile(
        r"--index-url|--extra-index-url|https?://[\w.-]*(mirror|proxy|internal|localhost)|/work/|/home/\w+/"
    )
    kinds = ("*.py", "*.toml", "*.txt", "*.md", "*.cff", "*.yaml", "Makefile", ".ci/*")
    for path in sorted(
        {path for kind in kinds for path in ROOT.glob(kind)} | set(sources(*PACKAGES, "tests", "notebooks"))
    ):
        if path == Path(__file__):
            continue
        found = forbidden.search(path.read_text())
        assert not found, f"{path.relative_to(ROOT)}: {found.group() if found else ''}"
