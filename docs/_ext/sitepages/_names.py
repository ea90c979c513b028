"""What is public: the modules, their names in the groups of their faces, and where each object is documented."""

import importlib
import inspect
import pkgutil
import re
from typing import NamedTuple

__all__ = ["Group", "Module", "is_documented", "members", "page", "public_modules", "summary"]

PACKAGES = ("uq", "conformal", "calibration", "bayes", "causal")
DOORS = {"torch"}  # a public module that needs an extra is left out where the extra is missing


class Group(NamedTuple):
    """A heading of a face, what is said under it, and the names that it brings."""

    title: str
    text: str
    names: tuple[str, ...]


class Module(NamedTuple):
    """A public module: its name, the object, the first sentence of its face, and its groups."""

    name: str
    module: object
    summary: str
    groups: tuple[Group, ...]


def summary(thing):
    """Return the first paragraph of a docstring as one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def public_modules():
    """Return every module whose path is public and that lists names, the packages first.

    A new room or module appears by itself as soon as its `__all__` is not empty.
    """
    found = []
    for package in PACKAGES:
        face = importlib.import_module(package)
        names = [package]
        names += [i.name for i in pkgutil.walk_packages(face.__path__, package + ".", onerror=lambda _: None)]
        for name in names:
            if any(part.startswith("_") for part in name.split(".")):
                continue
            try:
                module = importlib.import_module(name)
            except ImportError as error:
                if (error.name or "").split(".")[0] not in DOORS:
                    raise
                continue
            if getattr(module, "__all__", ()):
                found.append(Module(name, module, summary(module), groups(module)))
    return found


def groups(module):
    """Return a module's public names in the groups of its docstring; what it does not mention comes last.

    A heading is a line that stands at the margin above indented lines. A face without headings is one group.
    """
    doc = inspect.getdoc(module) or ""
    _, _, body = doc.partition("\n\n")
    headed = re.findall(r"^(\S[^\n]*)\n((?:[ ]+[^\n]*(?:\n|\Z))+)", body, re.MULTILINE)
    parts = [(title, inspect.cleandoc(text)) for title, text in headed] or [("", body.strip())]
    left, answer = list(module.__all__), []
    for title, text in parts:
        words = re.findall(r"`+(\w+)(?:\([^`]*)?`+", f"{title}\n{text}")
        names = tuple(word for word in dict.fromkeys(words) if word in left)
        left = [name for name in left if name not in names]
        answer.append(Group(title, text, names))
    if left:
        alone = not any(group.names for group in answer)
        answer.append(Group("" if alone else "Also public", "", tuple(left)))
    return tuple(answer)


def is_documented(module, name):
    """Tell whether a name has a page of its own; a module that is listed has its own page elsewhere."""
    return not inspect.ismodule(getattr(module, name))


def page(module, name):
    """Return where a name is documented, below `api/`; on some disks `Plan` and `plan` are one file."""
    twins = [other for other in module.__all__ if other.lower() == name.lower()]
    return f"{module.__name__}.{name}" + ("_class" if len(twins) > 1 and name != name.lower() else "")


def members(thing):
    """Return the public methods and properties of a class that we wrote, in the order of their sources."""
    if not inspect.isclass(thing):
        return []
    found = {}
    for owner in reversed(thing.__mro__):
        if owner.__module__.split(".")[0] not in PACKAGES:
            continue
        for name, member in vars(owner).items():
            documented = inspect.isroutine(member) or isinstance(member, (property, classmethod, staticmethod))
            routing = re.fullmatch(r"set_\w+_request", name)  # scikit-learn's, made for every parameter
            if not name.startswith("_") and not routing and documented and getattr(thing, name, None) is not None:
                found[name] = inspect.getdoc(getattr(thing, name)) or inspect.getdoc(member)
    return [name for name, doc in found.items() if doc]
