"""Results and pictures on one page: a single HTML file that needs no network and no other program."""

import html
from pathlib import Path

from ._base.citation import citation, reference_keys
from ._base.exceptions import InputError
from ._base.named import NamedEstimates
from ._base.record import Result
from ._base.results import Estimate
from ._report_html import paragraphs, reference, render
from ._report_style import MEANING, PAGE, STYLE

__all__ = ["Report"]


class Report:
    """Collect results, tables and pictures, and write them as one self-contained HTML file.

    Parameters
    ----------
    title : str
    description : str, default ""
        A paragraph below the title.

    Notes
    -----
    **Guarantee.** The report promises nothing of its own. Its last section says for every result that was added what
    its number promises, and gives the references of exactly the methods that were used. What is added is drawn at once:
    later changes of a figure or a table do not reach the page. Every text is escaped, and the page loads nothing from
    anywhere: pictures are part of the file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from uq import Report, estimate_mean
    >>> report = Report("Is the model good enough?")
    >>> report.add("Accuracy", estimate_mean([1] * 45 + [0] * 5), text="On 50 held-out questions.")
    Report('Is the model good enough?', 1 section)
    >>> folder = tempfile.TemporaryDirectory()
    >>> report.write(Path(folder.name) / "build" / "report.html").name
    'report.html'
    >>> folder.cleanup()
    """

    def __init__(self, title, description=""):
        self.title = _check_text(title, "title", "Report")
        self.description = _check_text(description, "description", "Report", empty=True)
        self._sections = []  # (heading, html)
        self._results = []  # (number of the section, result)

    def add(self, heading, *items, text="", plot=False) -> "Report":
        """Add a section.

        Parameters
        ----------
        heading : str
        *items : result, str, dict, list of dicts, data frame, matplotlib Figure or Axes
            A result becomes its table; a dict of names and Estimates one table (and one picture) of them all; a str a
            paragraph; a dict of equally long columns, a list of dicts (one per row) or a pandas, polars or pyarrow
            frame a table (the first 200 rows); a dict of single values a table of names and values; a Figure or the
            Figure of Axes a picture.
        text : str, default ""
            A paragraph below the heading.
        plot : bool, default False
            Whether each result also becomes a picture. Without matplotlib the page says that it is missing.

        Returns
        -------
        Report
            This report, so that calls can be chained.

        Raises
        ------
        InputError
            For an item of another kind, columns of different length, or a dict of Estimates and other things. Nothing
            is added then.
        """
        heading = _check_text(heading, "heading")
        parts = [paragraphs(_check_text(text, "text", empty=True))]
        items = tuple(_named(item) for item in items)
        parts += [render(item, plot) for item in items]
        self._sections.append((heading, "\n".join(filter(None, parts))))
        number = len(self._sections)
        for item in items:
            if isinstance(item, Result):
                parts_of = item.results if isinstance(item, NamedEstimates) else (item,)
                self._results += [(number, result) for result in parts_of]
        return self

    def write(self, path) -> Path:
        """Write the page and return its path; folders that are missing are made.

        Parameters
        ----------
        path : str or path-like
            Ending in .html or .htm. An existing file is replaced.

        Returns
        -------
        pathlib.Path

        Raises
        ------
        InputError
            If path has another suffix, is a folder, or a file stands where a folder should be made.
        """
        try:
            path = Path(path)
        except TypeError:
            raise InputError(f"Report.write: path must be the name of a file; got {type(path).__name__}.") from None
        if path.suffix.lower() not in (".html", ".htm") or path.is_dir():
            raise InputError(f"Report.write: path must be a file that ends in .html; got {str(path)!r}.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise InputError(
                f"Report.write: path must be in a folder; a part of {str(path.parent)!r} is a file."
            ) from None
        page = PAGE.format(title=html.escape(self.title), style=STYLE, body=self._body())
        path.write_text(page, encoding="utf-8", errors="xmlcharrefreplace")
        return path

    def _repr_html_(self):
        return f"<style>{STYLE}</style>\n{self._body()}"

    @property
    def _references(self):
        return tuple(dict.fromkeys(key for _, result in self._results for key in reference_keys(result)))

    def _body(self):
        sections = [*self._sections, *([("Guarantees", self._guarantees())] if self._results else [])]
        contents = "".join(
            f'<li><a href="#section-{i}">{html.escape(heading)}</a></li>' for i, (heading, _) in enumerate(sections, 1)
        )
        body = "\n".join(
            f'<section id="section-{i}">\n<h2>{html.escape(heading)}</h2>\n{content}\n</section>'
            for i, (heading, content) in enumerate(sections, 1)
        )
        return (
            f'<div class="errorbars-report">\n<h1>{html.escape(self.title)}</h1>\n'
            f"{paragraphs(self.description)}\n"
            + (f"<nav><ol>{contents}</ol></nav>\n" if len(sections) > 1 else "")
            + f"{body}\n</div>"
        )

    def __repr__(self):
        n = len(self._sections)
        return f"Report({self.title!r}, {n} section{'' if n == 1 else 's'})"

    def _guarantees(self):
        keys = self._references
        rows: dict[tuple, None] = {}
        used = []
        for number, result in self._results:
            guarantee = getattr(result, "guarantee", "none")
            used.append(guarantee)
            links = " ".join(
                f'<a href="#reference-{keys.index(key) + 1}">[{keys.index(key) + 1}]</a>'
                for key in reference_keys(result)
            )
            cells = (
                f'<a href="#section-{number}">{html.escape(self._sections[number - 1][0])}</a>',
                html.escape(type(result).__name__),
                html.escape(str(getattr(result, "method", ""))),
                html.escape(guarantee),
                links,
            )
            rows[cells] = None  # a section may hold many results of one kind
        head = ("section", "result", "method", "guarantee", "references")
        parts = [
            "<table><tr>" + "".join(f"<th>{name}</th>" for name in head) + "</tr>",
            *("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows),
            "</table>\n<dl>",
            *(f"<dt>{html.escape(g)}</dt><dd>{MEANING[g]}</dd>" for g in MEANING if g in used),
            "</dl>",
        ]
        if keys:
            bibtex = citation(self)
            parts += [
                "<h3>References</h3>\n<ol>",
                *(f'<li id="reference-{i}">{reference(key)}</li>' for i, key in enumerate(keys, 1)),
                f"</ol>\n<details><summary>BibTeX</summary><pre>{html.escape(bibtex)}</pre></details>",
            ]
        return "\n".join(parts)


def _check_text(value, name, owner="Report.add", empty=False):
    if not isinstance(value, str) or not (value.strip() or empty):
        raise InputError(f"{owner}: {name} must be a {'' if empty else 'non-empty '}str; got {value!r:.100}.")
    return value


def _named(item):
    if not isinstance(item, dict) or not any(isinstance(value, Result) for value in item.values()):
        return item
    others = [f"{type(value).__name__} ({name!r})" for name, value in item.items() if not isinstance(value, Estimate)]
    if others:
        raise InputError(
            f"Report.add: a dict of results must hold Estimates only; got {', '.join(others):.200}. "
            "Add other results by themselves."
        )
    return NamedEstimates(names=tuple(str(name) for name in item), results=tuple(item.values()))
