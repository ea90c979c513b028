"""The page of guarantees: for each public name and method what is promised, and which tests hold it to that."""

import ast
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from typing import NamedTuple

from ._api import heading
from ._examples import said
from ._names import is_documented, members, public_modules

__all__ = ["Promise", "guarantees_page", "kinds", "promises", "promises_nothing", "shown", "test_title", "verified_by"]

ROOT = Path(__file__).resolve().parents[3]
PARAGRAPH = re.compile(r"\*\*Guarantee\.\*\*\s*(.*?)(?=\n\s*\n|\Z)", re.DOTALL)
# the words of a result's `guarantee`, from the strongest promise to none
WORDS = ("exact", "finite-sample", "asymptotic", "posterior", "none")
INTRODUCTION = """\
Every public function, estimator and method that answers with a number says in its docstring what the number promises,
under which assumption, and what is not covered. The paragraphs below are those of the docstrings, word for word; the
tests are the ones that would fail if the promise were broken: enumeration and simulation, judged by exact binomial
bands. Results carry the same word in their field ``guarantee``:

exact
    the probability that is stated is the probability, at this sample size
finite-sample
    at least the probability that is stated, at any sample size
asymptotic
    the level is reached as the sample grows; docstrings say how far it was off in simulation
posterior
    a probability given the model and the prior, no frequency
none
    nothing is promised

The first two make a result ``certified``. The small records of single methods promise what the method that made them
does, and have no entry of their own.

"""


class Promise(NamedTuple):
    """The Guarantee paragraph of one public name (or of its method)."""

    name: str
    text: str
    thing: object


def promises():
    """Return the promises of all public names, and of their methods, in the order of the reference."""
    found = []
    for module in public_modules():
        for group in module.groups:
            for name in group.names:
                if not is_documented(module.module, name):
                    continue
                thing, target = getattr(module.module, name), f"{module.name}.{name}"
                found += of_docstring(target, thing, thing)
                for member in members(thing):
                    found += of_docstring(f"{target}.{member}", getattr(thing, member), thing)
    return found


def of_docstring(target, thing, owner):
    """Return the Guarantee paragraphs of one docstring as promises (none, or one)."""
    return [Promise(target, text.strip(), owner) for text in PARAGRAPH.findall(inspect.getdoc(thing) or "")[:1]]


def promises_nothing(promise):
    """Tell whether a paragraph begins by promising nothing, or only points at the class."""
    return bool(
        re.match(r"None\b(?! of it\b)|See the class|That of `|That of each|That of the mechanism", promise.text)
    )


def kinds(promise):
    """Return the words of `guarantee` that a paragraph uses; "none" where it begins with it."""
    if re.match(r"None\b(?! of it\b)", promise.text):
        return ("none",)
    return tuple(w for w in WORDS[:-1] if re.search(rf"\b{w}(ally)?\b", promise.text, re.IGNORECASE))


def verified_by():
    """Return the register of `tests/guarantees`: {name: node ids below `tests/`}."""
    folder = ROOT / "tests" / "guarantees"
    name = "errorbars_guarantees"  # not `guarantees`: the tests may have imported theirs
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.VERIFIED_BY


def test_title(node):
    """Return what a test says about itself: its name as a sentence, or the first line of its file."""
    path, _, name = node.partition("::")
    if name:
        return name.split("::")[-1].removeprefix("test_").replace("_", " ")
    doc = ast.get_docstring(ast.parse((ROOT / "tests" / path).read_text())) or ""
    return doc.split("\n")[0].rstrip(".")


def guarantees_page(run_examples=True):
    """Return the page as RST; with `run_examples` the results of the docstrings' examples are asked what they say."""
    register = verified_by()
    text = heading("Guarantees", "=") + INTRODUCTION
    for module, found in by_module(promises()).items():
        text += heading(module, "-") + f".. py:currentmodule:: {module}\n\n" + glance(module, found, register)
        for promise in found:
            text += entry(module, promise, register.get(promise.name, ()), run_examples)
    silent = [target for target in public_names() if target not in {promise.name for promise in promises()}]
    text += heading("Without a paragraph of their own", "-")
    text += "Records promise what the function or method does that made them, metrics without an interval nothing.\n\n"
    return text + ", ".join(f":py:obj:`{target}`" for target in silent) + "\n"


def public_names():
    """Return the public functions and classes; errors and warnings answer with no number."""
    targets = []
    for module in public_modules():
        for name in module.module.__all__:
            thing = getattr(module.module, name)
            error = inspect.isclass(thing) and issubclass(thing, BaseException)
            if is_documented(module.module, name) and not error:
                targets.append(f"{module.name}.{name}")
    return targets


def by_module(found):
    """Return {module: its promises}; a promise belongs to the longest module name that it begins with."""
    names, parts = [module.name for module in public_modules()], {}
    for promise in found:
        module = max((name for name in names if promise.name.startswith(name + ".")), key=len)
        parts.setdefault(module, []).append(promise)
    return parts


def glance(module, found, register):
    """Return the table of a module's promises."""
    text = ".. list-table::\n   :header-rows: 1\n   :widths: 45 35 20\n\n   * - name\n     - words\n     - tests\n"
    for promise in found:
        text += f"   * - :ref:`{promise.name.removeprefix(module + '.')} <{label(promise.name)}>`\n"
        text += f"     - {', '.join(kinds(promise)) or 'see below'}\n     - {len(register.get(promise.name, ()))}\n"
    return text + "\n"


def label(name):
    """Return the anchor of an entry."""
    return "guarantee-" + name.replace(".", "-")


def entry(module, promise, nodes, run_examples):
    """Return one promise with what its results say and with its tests."""
    text = f".. _{label(promise.name)}:\n\n" + heading(promise.name.removeprefix(module + "."), "~")
    text += without_references(promise.text) + f"\n\nReference: :py:obj:`{promise.name}`\n\n"
    own = promise.name.count(".") == module.count(".") + 1  # examples stand with the class, not with its methods
    words = shown(promise) if run_examples and own else ()
    if words:
        text += f"Results of its example say: {', '.join(words)}\n\n"
    if nodes:
        text += "Verified by\n\n" + "".join(f"- {test_title(node)} (``tests/{node}``)\n" for node in nodes) + "\n"
    return text


def shown(promise):
    """Return what the results in the examples say; where no promise is needed they are those of another function."""
    return () if promise.text.startswith("None is needed") else said(promise.thing)


def without_references(text):
    """Drop the numbers of references, whose list stays in the docstring."""
    return re.sub(r"\s*\[\d+\]_", "", text)
