"""The site: every public name once, every promise with tests that exist, every snippet and link sound."""

import ast
import functools
import importlib
import inspect
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from contracts import require
from guarantees import BEING_BUILT, VERIFIED_BY

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
ROOMS = ("uq", "conformal", "calibration", "bayes", "causal", "uq.epistemic", "uq.reuse", "uq.sampling")
BESIDE = ("uq.datasets", "uq.exceptions")  # public modules that are no rooms
HAND_WRITTEN = sorted(DOCS.glob("*.md"))
PEERS = ("MAPIE", "crepes", "ppi_py", "netcal and torchmetrics", "scikit-optimize")


@functools.cache
def site():
    """Return the package that writes pages from the code; it lies beside the site's own settings."""
    sys.path.append(str(DOCS / "_ext"))
    try:
        return importlib.import_module("sitepages")
    finally:
        sys.path.pop()


def part(name):
    site()
    return importlib.import_module(f"sitepages.{name}")


@functools.cache
def sources():
    require("jupytext")
    return part("_stage").pages(execute=False, run_examples=False)


@functools.cache
def body(path):
    return ast.parse((ROOT / "tests" / path).read_text()).body


def snippets(path):
    return re.findall(r"^```python\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)


# ---- the reference


def test_every_public_name_has_one_page():
    listed = [f"{room}.{name}" for room in (*ROOMS, *BESIDE) for name in importlib.import_module(room).__all__]
    expected = {name for name in listed if name not in BESIDE}
    directives = [
        target
        for text in part("_api").api_pages().values()
        for target in re.findall(r"^[.]{2} auto(?:class|function|data):: (\S+)", text, re.MULTILINE)
    ]
    assert len(directives) == len(set(directives))
    documented = {target for target in directives if not target.startswith("uq.epistemic.heads.")}  # needs torch
    assert documented == expected


def test_pages_differ_in_more_than_the_case_of_letters():
    paths = [path.lower() for path in part("_api").api_pages()]
    assert len(paths) == len(set(paths))


def test_every_name_stands_once_on_the_page_of_its_module():
    modules = part("_names").public_modules()
    assert {*ROOMS, *BESIDE} <= {module.name for module in modules}
    for module in modules:
        shown = [name for group in module.groups for name in group.names]
        assert sorted(shown) == sorted(module.module.__all__), module.name


def test_groups_are_those_of_the_face():
    module = next(m for m in part("_names").public_modules() if m.name == "conformal")
    assert module.groups[0].title == "The law behind them"
    assert module.groups[0].names == ("RankLaw",)
    assert "BatchPredictor" in module.groups[2].names


def test_methods_are_ours_and_those_of_private_bases():
    from causal import LinearDebiaser

    found = part("_names").members(LinearDebiaser)
    assert {"fit", "transform", "mean", "ols", "ate"} <= set(found)
    assert not {"get_params", "set_params", "set_fit_request"} & set(found)


def stray_markup(docstring):
    """Return what reStructuredText would take for a reference or a substitution, outside of code."""
    found = []
    for line in docstring.splitlines():
        if re.match(
            r"\s*(>>>|\.\.\. )|\*{0,2}\w+(, \*{0,2}\w+)*( : .*)?$", line
        ):  # code; names of parameters and attributes
            continue
        line = re.sub(r"``.*?``|`.*?`", "", line)
        found += re.findall(r"(?<![\w.\]])[a-zA-Z]\w*_(?=[\s,.;:)]|$)|(?:^|[\s(])\|(?=[^\s|])[^|]*", line)
    return found


def test_docstrings_hold_no_stray_markup():
    """The site would not build, and `make docs` is not run by CI."""
    assert stray_markup("the slope_ over its error") == ["slope_"]
    assert stray_markup("the sum of |mean residual| there")
    assert not stray_markup("slope_, intercept_ : float\n`slope_` over ``|x|``, see [1]_.\n>>> a.slope_ | b")
    wrong = {}
    for module in part("_names").public_modules():
        for name in module.module.__all__:
            thing = getattr(module.module, name)
            for target in (thing, *(getattr(thing, member) for member in part("_names").members(thing))):
                text = re.split(r"^Examples\n-+$", inspect.getdoc(target) or "", flags=re.MULTILINE)[0]
                if found := stray_markup(text):
                    wrong[f"{module.name}.{name}"] = found
    assert not wrong


# ---- promises


def test_tests_that_verify_a_promise_exist():
    wrong = []
    for name, nodes in VERIFIED_BY.items():
        assert nodes, name
        for node in nodes:
            path, _, test = node.partition("::")
            *owners, test = test.split("::")
            scope = body(path)
            for owner in owners:
                scope = next((x.body for x in scope if isinstance(x, ast.ClassDef) and x.name == owner), [])
            if not any(isinstance(x, ast.FunctionDef) and x.name == test for x in scope):
                wrong.append(f"{name}: tests/{node}")
    assert not wrong


def test_every_promise_names_its_tests():
    guarantees = part("_guarantees")
    missing = [
        promise.name
        for promise in guarantees.promises()
        if not guarantees.promises_nothing(promise)
        and promise.name not in VERIFIED_BY
        and not promise.thing.__module__.startswith(BEING_BUILT)
    ]
    assert not missing, "add them to tests/guarantees, with the tests that would fail if the promise were broken"


def test_the_register_knows_no_promise_that_nobody_makes():
    made = {promise.name for promise in part("_guarantees").promises()}
    if "uq.epistemic.heads" not in {module.name for module in part("_names").public_modules()}:
        made |= {name for name in VERIFIED_BY if name.startswith("uq.epistemic.heads.")}  # torch is not installed
    assert set(VERIFIED_BY) <= made


def test_a_promise_is_told_from_none():
    guarantees = part("_guarantees")

    def read(text):
        promise = guarantees.Promise("x", text, None)
        return guarantees.promises_nothing(promise), guarantees.kinds(promise)

    assert read("None of its own: what the wrapper promises.") == (True, ("none",))
    assert read("None of it is about sample size.") == (False, ())
    assert read("Finite-sample, for any law.") == (False, ("finite-sample",))
    assert read('"t": asymptotically right. "beta": posterior.') == (False, ("asymptotic", "posterior"))
    assert read("That of the mechanism: finite-sample.")[0]


@pytest.mark.slow
def test_results_promise_no_more_than_their_docstrings():
    """The examples' results say nothing stronger than the paragraph; exact is finite-sample with a known level."""
    guarantees = part("_guarantees")
    order, spoken, of_class = guarantees.WORDS, {}, {}
    for promise in guarantees.promises():  # a class before its methods
        spoken.setdefault(promise.thing, []).extend(guarantees.kinds(promise))
        of_class.setdefault(promise.thing, promise)
    seen = 0
    for thing, words in spoken.items():
        if not words or thing.__module__.startswith(BEING_BUILT):
            continue
        strongest = min(order.index(word) for word in words)
        strongest -= order[strongest] == "finite-sample"
        for word in guarantees.shown(of_class[thing]):
            seen += 1
            assert order.index(word) >= strongest, f"{of_class[thing].name}: an example says {word}, not {words}"
    assert seen >= 20


# ---- pages written by hand


@pytest.mark.parametrize("path", HAND_WRITTEN, ids=lambda path: path.stem)
def test_dotted_names_exist(path):
    for name in re.findall(r"`((?:uq|conformal|calibration|bayes|causal)(?:\.\w+)+)", path.read_text()):
        parts = name.split(".")
        thing = importlib.import_module(parts[0])
        for depth, part_ in enumerate(parts[1:], start=2):
            if not hasattr(thing, part_):
                if name.startswith("uq.epistemic.heads"):
                    require("torch")
                importlib.import_module(".".join(parts[:depth]))
            thing = getattr(thing, part_)


@pytest.mark.parametrize("path", HAND_WRITTEN, ids=lambda path: path.stem)
def test_pages_name_no_host(path):
    assert not re.search(r"https?:|www\.", path.read_text())


def test_formulas_can_be_drawn():
    convert = require("docutils.utils.math.latex2mathml").tex2mathml
    text = (DOCS / "transfer_bound.md").read_text()
    formulas = re.findall(r"\$\$(.+?)\$\$|\$(.+?)\$", text, re.DOTALL)
    assert len(formulas) > 100
    for display, inline in formulas:
        assert "<math" in convert(display or inline, as_block=bool(display))


def test_migration_tables_run(tmp_path, monkeypatch):
    """Each cell under "here" is code that runs, or says that there is nothing."""
    monkeypatch.chdir(tmp_path)
    plt = require("matplotlib.pyplot")
    scope, text = {}, (DOCS / "migration.md").read_text()
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert tuple(part_.split("\n")[0] for part_ in parts) == PEERS
    n_run = 0
    for part_ in parts:
        for block in re.findall(r"^```python\n(.*?)^```", part_, re.DOTALL | re.MULTILINE):
            exec(block, scope)
        rows = [line for line in part_.splitlines() if re.match(r"\| (?!--)", line)]
        for row in (row for row in rows if " | here | " not in row):
            cells = row.strip("|").split(" | ")
            assert len(cells) == 3, row
            codes = re.findall(r"`([^`]+)`", cells[1])
            assert codes or cells[1].strip() == "nothing", row
            for code in codes:
                exec(code, scope)
                n_run += 1
    plt.close("all")
    assert n_run > 60


@pytest.mark.slow
@pytest.mark.parametrize("number", range(2))
def test_what_the_page_on_scale_shows_runs(number, capsys):
    require("dask.distributed")
    code = snippets(DOCS / "scale.md")
    assert len(code) == 2
    scope = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a cluster says of ports and event loops is not ours to judge
        exec(code[number].replace("n_workers=2, threads_per_worker=1", "processes=False"), scope)
    if number == 0:
        assert scope["error"].n_samples_ == scope["accuracy"].n_samples_ == 80_000
    else:
        assert tuple(scope["here"].conf_int()) == tuple(scope["there"].conf_int())
    assert capsys.readouterr().out


# ---- the whole


def test_every_notebook_is_listed():
    stems = {path.stem for path in (ROOT / "notebooks").glob("*.py")}
    pages = sources()
    assert {f"notebooks/{stem}.ipynb" for stem in stems} <= set(pages)
    linked = re.findall(r"\]\((\w+)\.ipynb\)", pages["notebooks/index.md"])
    assert sorted(linked) == sorted(stems)
    assert linked[0] == "tour"


def test_links_and_tables_of_contents_lead_to_pages():
    pages = sources()
    for name, text in pages.items():
        if not name.endswith((".md", ".rst")):
            continue
        folder = Path(name).parent
        assert "<!-- README" not in text, name
        for target in re.findall(r"\]\(([^)#:\s]+\.\w+)\)", text):
            assert (folder / target).as_posix() in pages, f"{name}: {target}"
        for block in re.findall(r"```\{toctree\}\n(.*?)```", text, re.DOTALL):
            for target in (line for line in block.split() if not line.startswith(":")):
                there = [(folder / f"{target}{kind}").as_posix() for kind in (".md", ".rst", ".ipynb")]
                assert any(path in pages for path in there), f"{name}: {target}"


def test_a_notebook_is_run_anew_when_it_or_the_library_changes():
    notebooks = part("_notebooks")
    assert notebooks.library_digest().hexdigest() == notebooks.library_digest().hexdigest()
    assert "KEPT" in inspect.getsource(notebooks.notebook_pages)


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_asks_no_host(tmp_path):
    for name in ("sphinx", "myst_nb", "numpydoc", "jupytext", "torch", "matplotlib"):
        require(name)
    command = [sys.executable, DOCS / "build.py", "--no-notebooks", "--output", tmp_path / "site"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 100
    for page in pages:
        loaded = re.findall(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"(https?:|//)", page.read_text())
        assert not loaded, page
    assert "<math" in (tmp_path / "site" / "transfer_bound.html").read_text()
