"""BibTeX of exactly the methods that were used. Classes, functions and laws name their keys; the entries are data."""

import re
from functools import cache
from importlib.resources import files

from . import laws
from .draws_law import DrawsLaw
from .exceptions import InputError
from .record import Result

__all__ = ["Citation", "citation", "cite_methods", "cites", "format_reference", "parse_bibtex", "reference_keys"]

LIBRARY = "errorbars"
# the import names of this distribution: what they hold may name no references
OURS = frozenset({"uq", "conformal", "calibration", "bayes", "causal"})
_METHODS: dict[str, tuple[str, ...]] = {}
# laws that stand on this floor; those of a room carry their own `_references`
_LAWS = {laws.TLaw: ("student1908",), laws.FiellerLaw: ("fieller1954",)}
_KINDS = {
    (laws.BinomialLaw, "clopper_pearson"): ("clopper1934",),
    (laws.BinomialLaw, "wilson"): ("wilson1927",),
    (DrawsLaw, "bca"): ("efron1987",),
}


def cites(*keys):
    """Decorate a function or a class with the keys of its references in ``references.bib``."""

    def mark(thing):
        thing._references = keys
        return thing

    return mark


def cite_methods(**methods):
    """Name the references of methods, as results carry them in `method`: ``cite_methods(wilson="wilson1927")``.

    A method means the same in every room: two rooms that give one name different references are a mistake.
    """
    for method, keys in methods.items():
        keys = (keys,) if isinstance(keys, str) else tuple(keys)
        if _METHODS.setdefault(method, keys) != keys:
            raise ValueError(f"the method {method!r} already cites {_METHODS[method]}, not {keys}")


class Citation(str):
    """BibTeX that shows itself as it is."""

    __slots__ = ()

    def __repr__(self):
        return str(self)


def citation(*objects) -> Citation:
    """Return the BibTeX entries of the methods that were used.

    Parameters
    ----------
    *objects : result, estimator, class or function of this library
        A result brings the references of its method and of the law that its interval comes from, a table of several
        (`compare_estimators`) those of each; a function or an estimator all those of the methods that it offers.
        Without objects, the entry of the library itself.

    Returns
    -------
    Citation
        A string; every entry once, in the order of the objects. Empty for what needs no reference.

    Raises
    ------
    InputError
        For an object that is none of this library's.

    Notes
    -----
    **Guarantee.** None is needed: the entries are written by hand, each with its DOI or arXiv id where there is one.

    Examples
    --------
    >>> from uq import citation, estimate_mean
    >>> print(citation(estimate_mean([1] * 45 + [0] * 5, method="wilson")))
    @article{wilson1927,
      author = {Wilson, Edwin B.},
      title = {Probable inference, the law of succession, and statistical inference},
      journal = {Journal of the American Statistical Association},
      volume = {22},
      number = {158},
      pages = {209--212},
      year = {1927},
      doi = {10.1080/01621459.1927.10502953}
    }
    """
    keys = [LIBRARY] if not objects else []
    for thing in objects:
        found = reference_keys(thing)
        if found is None:
            raise InputError(
                "citation: objects must be results, estimators, classes or functions of errorbars; "
                f"got {thing!r:.100}, which names no references."
            )
        keys.extend(found)
    entries = _entries()
    return Citation("\n\n".join(entries[key][0] for key in dict.fromkeys(keys)))


def reference_keys(thing):
    """Return the keys of an object's references, or None for an object that knows nothing of them."""
    own = getattr(thing, "_references", None)
    named = [own] if isinstance(own, tuple) else []
    if isinstance(thing, Result):
        named.append(_law_keys(getattr(thing, "law", None)))
        named.append(_method_keys(getattr(thing, "method", "")))
        # several side by side, each with a method of its own
        named += [reference_keys(each) for each in getattr(thing, "results", ()) if isinstance(each, Result)]
    elif not named and not _is_ours(thing):
        return None
    return tuple(dict.fromkeys(key for keys in named for key in keys))


def _method_keys(method):
    """Return the keys of a method, or of the one that its name begins with, up to a comma: details may follow."""
    parts = str(method).split(", ")
    names = (", ".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((_METHODS[name] for name in names if name in _METHODS), ())


def _is_ours(thing):
    """Tell a function or class of this library, or an object of one, also where the caller derived from it."""
    classes = thing.__mro__ if isinstance(thing, type) else (thing, *type(thing).__mro__)
    return any(str(getattr(each, "__module__", "")).split(".")[0] in OURS for each in classes)


def _law_keys(law):
    if hasattr(law, "_references"):
        return law._references
    return _LAWS.get(type(law)) or _KINDS.get((type(law), getattr(law, "kind", "")), ())


def format_reference(key):
    """Return (text, address) of an entry: a line to read, and where it can be found (None for what has no DOI)."""
    fields = _entries()[key][1]
    authors = [_plain(name) for name in re.split(r"\s+and\s+", fields["author"])]
    where = fields.get("journal") or fields.get("booktitle") or fields.get("publisher", "")
    if "volume" in fields:
        where += f" {fields['volume']}" + (f"({fields['number']})" if "number" in fields else "")
    if "pages" in fields:
        where += f", {fields['pages']}"
    text = f"{'; '.join(authors)} ({fields['year']}). {_plain(fields['title'])}."
    text += f" {_plain(where).replace('--', '-')}." if where else ""
    if "doi" in fields:
        return f"{text} doi:{fields['doi']}", f"https://doi.org/{fields['doi']}"
    if "eprint" in fields:
        return f"{text} arXiv:{fields['eprint']}", f"https://arxiv.org/abs/{fields['eprint']}"
    return text, None


_ACCENTS = {r"{\'e}": "é", r"{\`e}": "è", r"{\'a}": "á", r"{\ae}": "æ", r"{\"o}": "ö", r"{\"u}": "ü", r"{\"a}": "ä"}


def _plain(text):
    for latex, letter in _ACCENTS.items():
        text = text.replace(latex, letter)
    return re.sub(r"[{}]", "", text)


@cache
def _entries():
    return parse_bibtex(files(__package__).joinpath("references.bib").read_text(encoding="utf-8"))


def parse_bibtex(text):
    """Return {key: (the entry as written, {field: value})}. Values stand in braces; whatever else is an error."""
    entries = {}
    at = 0
    while text[at:].strip():
        start = re.compile(r"\s*@(\w+)\{([\w:.-]+),").match(text, at)
        if start is None:
            raise ValueError(f"no entry begins at {text[at : at + 60].strip()!r}")
        key, where = start[2], start.end()
        fields = {}
        while field := re.compile(r"\s*(\w+)\s*=\s*\{").match(text, where):
            end = _closing(text, field.end())
            if field[1] in fields:
                raise ValueError(f"{key}: the field {field[1]} occurs twice")
            fields[field[1]] = " ".join(text[field.end() : end].split())
            where = end + 1
            if text[where : where + 1] != ",":
                break
            where += 1
        stop = re.compile(r"\s*\}").match(text, where)
        if stop is None:
            raise ValueError(f"{key}: neither a field nor the end at {text[where : where + 60].strip()!r}")
        if key in entries:
            raise ValueError(f"the key {key} occurs twice")
        at = stop.end()
        entries[key] = (text[start.start() : at].strip(), fields)
    return entries


def _closing(text, at):
    depth = 1
    for i in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return i
    raise ValueError(f"a brace is never closed: {text[at : at + 60]!r}")
