"""Pictures: the only module that imports matplotlib. Every function takes Axes and returns them; no style is set."""

import numpy as np

from .exceptions import MissingExtraError

__all__ = ["axes", "curve", "figure_png", "heatmap", "intervals", "text"]

INK = "#1f4e79"
BAND = "#9ec3e6"
REFERENCE = "#888888"


def _pyplot():
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MissingExtraError("plot() needs matplotlib: pip install 'errorbars[plot]'.") from error
    return plt


def axes(ax=None, figsize=None):
    """Return `ax`, or the Axes of a new figure."""
    return _pyplot().subplots(figsize=figsize, layout="constrained")[1] if ax is None else ax


def figure_png(ax, dpi=110):
    """Return the PNG bytes of the figure that holds `ax`, and close the figure."""
    import io

    buffer = io.BytesIO()
    ax.figure.savefig(buffer, format="png", dpi=dpi)
    _pyplot().close(ax.figure)
    return buffer.getvalue()


def intervals(ax, centers, lower, upper, *, names=None, title="", reference=None):
    """Draw one horizontal interval per row, the first on top; an infinite end runs off the picture with an arrow."""
    lower, upper = np.atleast_1d(lower).astype(float), np.atleast_1d(upper).astype(float)
    rows = np.arange(len(lower))
    known = [v[np.isfinite(v)] for v in (lower, upper)]
    if centers is not None:
        centers = np.atleast_1d(centers).astype(float)
        known.append(centers[np.isfinite(centers)])
    values = np.concatenate(known)
    low, high = (values.min(), values.max()) if values.size else (0.0, 1.0)
    pad = 0.05 * (high - low) or 0.5
    low, high = low - pad, high + pad
    ax.hlines(rows, np.maximum(lower, low), np.minimum(upper, high), color=INK, lw=2)
    for end, edge, marker in ((lower, low, "<"), (upper, high, ">")):
        open_ends = rows[np.isinf(end)]
        ax.plot(np.full(len(open_ends), edge), open_ends, marker, color=INK, ls="none")
    if centers is not None:
        ax.plot(centers, rows, "o", color=INK)
    if reference is not None:
        ax.axvline(reference, color=REFERENCE, lw=1, ls="--")
    ax.set(xlim=(low, high), ylim=(len(rows) - 0.5, -0.5), title=title)
    if names is None:
        ax.set_yticks([])
    elif len(rows) <= 60:
        ax.set_yticks(rows, names)
    return ax


def curve(ax, result):
    """Draw a Curve: its band, its line, and the counts behind it on a second axis below."""
    if result.lower is not None:
        finite = np.isfinite(result.lower) & np.isfinite(result.upper)
        ax.fill_between(result.x, result.lower, result.upper, where=finite, color=BAND, alpha=0.6, lw=0)
    ax.plot(result.x, result.y, color=INK, marker="o" if len(result.x) <= 40 else None)
    ax.set(xlabel=result.x_label, ylabel=result.y_label)
    # a running mean counts its rows on the x axis already
    if result.count is not None and len(result.x) > 1 and not np.array_equal(result.count, result.x):
        twin = ax.twinx()
        gap = np.diff(result.x).min()
        twin.bar(result.x, result.count, width=0.8 * gap, color=REFERENCE, alpha=0.3)
        twin.set(ylim=(0, 5 * max(result.count.max(), 1)), ylabel="count")
        twin.set_zorder(ax.get_zorder() - 1)
        ax.patch.set_visible(False)
    return ax


def heatmap(ax, matrix, row_names, column_names, *, title="", x_label="", y_label=""):
    """Draw a matrix of probabilities with its numbers written in."""
    ax.imshow(matrix, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    ax.set_xticks(range(len(column_names)), column_names)
    ax.set_yticks(range(len(row_names)), row_names)
    ax.set(title=title, xlabel=x_label, ylabel=y_label)
    if matrix.size <= 400:
        for (i, j), value in np.ndenumerate(matrix):
            if value >= 0.005:
                ax.text(
                    j, i, f"{value:.2f}", ha="center", va="center", color="white" if value > 0.6 else "black", size=8
                )
    return ax


def text(ax, message):
    """Write a result that has no picture."""
    ax.axis("off")
    ax.text(0.5, 0.5, message, ha="center", va="center", transform=ax.transAxes)
    return ax
