"""What a report shows of each item, as HTML."""

import base64
import html
import io

import numpy as np

from ._base.citation import format_reference
from ._base.containers import frame_columns, index_of
from ._base.exceptions import InputError, MissingExtraError
from ._base.named import NamedEstimates
from ._base.record import Result, format_number

__all__ = ["paragraphs", "reference", "render"]

MAX_ROWS = 200
DPI = 110


def paragraphs(text):
    """Return a text, whose paragraphs are parted by empty lines."""
    return "\n".join(f"<p>{html.escape(part.strip())}</p>" for part in text.split("\n\n") if part.strip())


def reference(key):
    """Return a reference with a link to it."""
    text, address = format_reference(key)
    if address is None:
        return html.escape(text)
    text, _, name = html.escape(text).rpartition(" ")
    return f'{text} <a href="{html.escape(address)}">{name}</a>'


def render(item, plot):
    """Return what was handed to `Report.add`, with its picture where it has one and `plot` asks for it."""
    if isinstance(item, NamedEstimates):
        table = item._table()
        note = item._note(table)
        shown = _dict(table) + (f'\n<p class="note">{html.escape(note)}</p>' if note else "")
        return shown + (_picture(item) if plot else "")
    if isinstance(item, Result):
        return _result(item) + (_picture(item) if plot else "")
    if isinstance(item, str):
        return paragraphs(item)
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
