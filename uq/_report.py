"""Results and pictures on one page: a single HTML file that needs no network and no other program."""

import base64
import html
import io
from pathlib import Path

import numpy as np

from ._base.citation import citation, format_reference, reference_keys
from ._base.containers import frame_columns, index_of
from ._base.exceptions import InputError, MissingExtraError
from ._base.named import NamedEstimates
from ._base.record import Result, format_number
from ._base.results import Estimate
from ._report_style import MEANING, PAGE, STYLE

__all__ = ["Report"]

MAX_ROWS = 200
DPI = 110


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
        parts = [_paragraphs(_check_text(text, "text", empty=True))]
        items = tuple(_named(item) for item in items)
        parts += [_render(item, plot) for item in items]
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
            f"{_paragraphs(self.description)}\n"
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
                *(f'<li id="reference-{i}">{_reference(key)}</li>' for i, key in enumerate(keys, 1)),
                f"</ol>\n<details><summary>BibTeX</summary><pre>{html.escape(bibtex)}</pre></details>",
            ]
        return "\n".join(parts)


def _check_text(value, name, owner="Report.add", empty=False):
    if not isinstance(value, str) or not (value.strip() or empty):
        raise InputError(f"{owner}: {name} must be a {'' if empty else 'non-empty '}str; got {value!r:.100}.")
    return value


def _paragraphs(text):
    return "\n".join(f"<p>{html.escape(part.strip())}</p>" for part in text.split("\n\n") if part.strip())


def _reference(key):
    text, address = format_reference(key)
    if address is None:
        return html.escape(text)
    text, _, name = html.escape(text).rpartition(" ")
    return f'{text} <a href="{html.escape(address)}">{name}</a>'


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


def _render(item, plot):
    if isinstance(item, NamedEstimates):
        table = item._table()
        note = item._note(table)
        shown = _dict(table) + (f'\n<p class="note">{html.escape(note)}</p>' if note else "")
        return shown + (_picture(item) if plot else "")
    if isinstance(item, Result):
        return _result(item) + (_picture(item) if plot else "")
    if isinstance(item, str):
        return _paragraphs(item)
    if isinstance(item, dict):
        return _dict(item)
    if isinstance(item, (list, tuple)) and item and all(isinstance(row, dict) for row in item):
        names = list(dict.fromkeys(name for row in item for name in row))
        return _table(names, [[row.get(name, "") for name in names] for row in item])
    figure = item if hasattr(item, "savefig") else getattr(item, "figure", None)
    if figure is not None and hasattr(figure, "savefig"):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI)  # the caller's figure stays open
        return _image(buffer.getvalue(), _figure_title(figure))
    if (frame := frame_columns(item)) is not None:
        names, columns = frame  # no dict: two columns may have one name
        index = index_of(item)
        if index is not None and type(index).__name__ != "RangeIndex":
            names, columns = ["" if index.name is None else str(index.name), *names], [list(index), *columns]
        return _table(names, list(zip(*columns, strict=True)))
    raise InputError(
        "Report.add: items must be results, str, dict, non-empty lists of dicts, data frames, or matplotlib Figures or "
        f"Axes; got {type(item).__name__}. Convert it with str() to show it as a paragraph."
    )


def _result(result):
    if type(result)._table is Result._table:
        return f"<pre>{html.escape(repr(result))}</pre>"
    return result._repr_html_()


def _picture(result):
    if type(result)._draw is Result._draw:
        return ""
    from ._base import plot

    try:
        ax = result.plot()
        title = ax.get_title() or result._title()
        return _image(plot.figure_png(ax, dpi=DPI), title)
    except MissingExtraError:
        note = "The picture is left out: it needs matplotlib (pip install 'errorbars[plot]')."
        return f'<p class="note">{html.escape(note)}</p>'


def _image(png, title):
    data = base64.b64encode(png).decode("ascii")
    return f'<p><img alt="{html.escape(title)}" src="data:image/png;base64,{data}"></p>'


def _figure_title(figure):
    titles = [ax.get_title() for ax in getattr(figure, "axes", ())]
    return next(filter(None, titles), "picture")


def _dict(item):
    columns = {name: value for name, value in item.items() if _is_column(value)}
    if not columns:
        return _table(("name", "value"), list(item.items()))
    lengths = {str(name): len(value) for name, value in columns.items()}
    if len(columns) < len(item) or len(set(lengths.values())) > 1:
        raise InputError(
            "Report.add: a dict must hold single values only, or columns of one length only; "
            f"got {len(item) - len(columns)} single values and columns of lengths {lengths}."
        )
    return _table(list(columns), list(zip(*columns.values(), strict=True)))


def _is_column(value):
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _table(names, rows):
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(format_number(v))}</td>" for v in row) + "</tr>\n"
        for row in rows[:MAX_ROWS]
    )
    if len(rows) > MAX_ROWS:
        body += f'<tr><td colspan="{max(len(names), 1)}">{len(rows) - MAX_ROWS} more rows</td></tr>\n'
    return f"<table>\n<tr>{head}</tr>\n{body}</table>"
