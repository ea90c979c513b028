"""Pictures: the only module that imports matplotlib. Every function takes Axes and returns them; no style is set."""

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from .exceptions import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes

__all__ = ["axes", "curve", "figure_png", "heatmap", "intervals", "reliability", "simplex", "text"]

INK = "#1f4e79"
BAND = "#9ec3e6"
REFERENCE = "#888888"
MOST_NAMES = 60  # more rows than this are a texture, not a list


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


def intervals(ax, centers, lower, upper, *, names=None, title="", label="", note="", reference=None, zero_within=None):
    """Draw one horizontal interval per row, the first on top; an infinite end runs off the picture with an arrow.

    Many rows become thin lines without marks and names. Where `zero_within` is given, a thin line marks a 0 that lies
    among the values, or beyond them by no more than this share of their range.
    """
    whole = all(np.asarray(ends).dtype.kind in "iu" for ends in (lower, upper))
    lower, upper = np.atleast_1d(lower).astype(float), np.atleast_1d(upper).astype(float)
    rows = np.arange(len(lower))
    known = [v[np.isfinite(v)] for v in (lower, upper)]
    if centers is not None:
        centers = np.atleast_1d(centers).astype(float)
        known.append(centers[np.isfinite(centers)])
    values = np.concatenate(known)
    low, high = (values.min(), values.max()) if values.size else (0.0, 1.0)
    if zero_within is not None:
        reach = zero_within * (high - low)
        if low - reach < 0 < high + reach:
            low, high = min(low, 0.0), max(high, 0.0)
            ax.axvline(0.0, color=REFERENCE, lw=0.8, zorder=0)
    pad = 0.05 * (high - low) or 0.5
    low, high = low - pad, high + pad
    many = len(rows) > MOST_NAMES
    width = float(np.clip(0.4 * _points_per_row(ax, len(rows)), 0.2, 2.0)) if many else 2.0
    ax.hlines(rows, np.maximum(lower, low), np.minimum(upper, high), color=INK, lw=width)
    # a line without length is not drawn
    points = rows[(lower == upper) & np.isfinite(lower)] if many or centers is None else rows[:0]
    ax.plot(lower[points], points, "|", color=INK, ms=max(width, 1.0) if many else 9, mew=1 if many else 2, ls="none")
    if not many:
        for end, edge, marker in ((lower, low, "<"), (upper, high, ">")):
            open_ends = rows[np.isinf(end)]
            ax.plot(np.full(len(open_ends), edge), open_ends, marker, color=INK, ls="none")
        if centers is not None:
            ax.plot(centers, rows, "o", color=INK)
    if reference is not None:
        ax.axvline(reference, color=REFERENCE, lw=1, ls="--")
    ax.set(xlim=(low, high), ylim=(len(rows) - 0.5, -0.5), title=title)
    ax.set_xlabel("\n".join(filter(None, [label, *textwrap.wrap(note, 80)])))
    if whole:
        ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    if many or names is None:
        ax.set_yticks([])
    else:
        ax.set_yticks(rows, names)
    if many:
        ax.set_ylabel(f"{len(rows)} rows")
    return ax


def _points_per_row(ax, n_rows):
    return ax.get_window_extent().height * 72 / ax.figure.dpi / n_rows


def curve(ax, result, title=""):
    """Draw a Curve: its band, its line, and the counts behind it on a second axis below."""
    if result.lower is not None:
        finite = np.isfinite(result.lower) & np.isfinite(result.upper)
        ax.fill_between(result.x, result.lower, result.upper, where=finite, color=BAND, alpha=0.6, lw=0)
    ax.plot(result.x, result.y, color=INK, marker="o" if len(result.x) <= 40 else None)
    ax.set(xlabel=result.x_label, ylabel=result.y_label, title=title)
    limits = _settled_limits(result)
    if limits is not None:
        ax.set_ylim(limits)
    # a running mean counts its rows on the x axis already
    if result.count is not None and len(result.x) > 1 and not np.array_equal(result.count, result.x):
        twin = ax.twinx()
        gap = np.diff(result.x).min()
        twin.bar(result.x, result.count, width=0.8 * gap, color=REFERENCE, alpha=0.3)
        twin.set(ylim=(0, 5 * max(result.count.max(), 1)), ylabel="count")
        twin.set_zorder(ax.get_zorder() - 1)
        ax.patch.set_visible(False)
    return ax


def reliability(ax, result, title=""):
    """Draw shares against forecasts: the diagonal, the band, the curve, and a histogram of the forecasts below.

    Where the histogram covers a part of [0, 1] only, so does the picture.
    """
    edges = result.histogram_edges
    ax.plot([0, 1], [0, 1], color=REFERENCE, lw=1, ls="--", zorder=1)
    few = len(result.x) <= MOST_NAMES
    if result.lower is not None:
        if len(result.x) == 1:
            ax.vlines(result.x, result.lower, result.upper, color=BAND, lw=6, alpha=0.6)
        ax.fill_between(result.x, result.lower, result.upper, color=BAND, alpha=0.6, lw=0, zorder=2)
    ax.plot(result.x, result.y, color=INK, lw=1.5, marker="o" if few else None, ms=4, zorder=3)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=result.x_label, ylabel=result.y_label, title=title)
    if edges is None:
        edges = np.linspace(0, 1, 1 if result.histogram is None else len(result.histogram) + 1)
    if 0 < np.ptp(edges) < 0.5:
        ax.set(xlim=_padded(edges), ylim=_padded(_bulk(result), edges))
    else:
        ax.set_aspect("equal", adjustable="box")
        if edges[0] < 0:
            ax.set_xlim(edges[0] - 0.005, edges[-1] + 0.005)
            ax.set_ylim(ax.get_xlim())
    if result.histogram is not None:
        inset = ax.inset_axes((0, 0, 1, 0.14), sharex=ax, zorder=0)
        centers, widths = (edges[1:] + edges[:-1]) / 2, 0.9 * np.diff(edges)
        inset.bar(centers, result.histogram, width=widths, color=REFERENCE, alpha=0.45)
        inset.set(xlim=ax.get_xlim(), ylim=(0, max(result.histogram.max(), 1)))
        inset.axis("off")
        ax.text(
            0.99, 0.15, f"n = {result.histogram.sum()}", transform=ax.transAxes, ha="right", size=8, color=REFERENCE
        )
    return ax


def _bulk(result):
    """Return the shares and the band of the inner 95 % of rows: at the ends a fit of few rows may be 0 or 1."""
    share = result.count / result.count.sum()
    below = np.cumsum(share)
    inner = (below >= 0.025) & (below - share <= 0.975)
    return np.concatenate([v[inner] for v in (result.y, result.lower, result.upper) if v is not None])


def _padded(*values):
    low, high = min(v.min() for v in values), max(v.max() for v in values)
    pad = 0.04 * (high - low)
    return low - pad, high + pad


def _settled_limits(result):
    """Return y limits that leave out the wide band of the first twentieth of the x axis; None where none is wide."""
    if result.lower is None or len(result.x) < 20:
        return None
    width = np.subtract(result.upper, result.lower)
    late = result.x >= result.x.min() + 0.05 * np.ptp(result.x)
    settled = late & np.isfinite(width)
    if not settled.any() or not (width[~late] > 2 * width[settled].max()).any():
        return None
    shown = np.concatenate([values[settled] for values in (result.lower, result.upper, result.y)])
    shown = shown[np.isfinite(shown)]
    pad = 0.05 * np.ptp(shown) or 0.5
    return shown.min() - pad, shown.max() + pad


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


def simplex(ax, *, corners, triangles, triangle_names, points, point_names, clouds, title=""):
    """Draw laws on three scores as points of a triangle, the lowest score on the left, the highest on the right.

    `triangles` (n, 3, 3) hold one law per row, marked by arrow heads to the corner where it belongs; `points` (k, 3)
    are written beside, `clouds` (k, draws, 3) scattered around them.
    """
    place = np.array([[0.0, 0.0], [0.5, 0.75**0.5], [1.0, 0.0]])
    frame = np.vstack([place, place[:1]])
    ax.plot(*frame.T, color=REFERENCE, lw=1, zorder=0)
    for name, at, (dx, dy) in zip(corners, place, ((-1, -1), (0, 1), (1, -1)), strict=True):
        ax.annotate(name, at, (9 * dx, 9 * dy), textcoords="offset points", ha="center", va="center")
    for name, laws in zip(triangle_names, np.asarray(triangles), strict=True):
        at = laws @ place
        (line,) = ax.plot(*np.vstack([at, at[:1]]).T, lw=1.2, alpha=0.8, label=name)
        for marker, vertex in zip("<^>", at, strict=True):
            ax.plot(*vertex, marker, color=line.get_color(), ms=7, ls="none")
    for cloud in np.asarray(clouds):
        ax.plot(*(cloud @ place).T, ".", color=BAND, ms=3, alpha=0.4, mew=0, ls="none", zorder=2)
    at = np.asarray(points) @ place
    ax.plot(*at.T, "o", color=INK, ms=5, ls="none", zorder=3)
    if len(at) <= MOST_NAMES:
        for name, xy in zip(point_names, at, strict=True):
            ax.annotate(name, xy, (5, 4), textcoords="offset points", size=8, zorder=4)
    ax.set_aspect("equal")
    ax.axis("off")
    ax.set_title("\n".join(textwrap.wrap(title, 60)))
    if 0 < len(triangle_names) <= 12:
        ax.legend(loc="upper left", frameon=False, fontsize=8)
    return ax


def text(ax, message):
    """Write a result that has no picture, in letters small enough for the axes."""
    ax.axis("off")
    lines = message.split("\n")
    box = ax.get_window_extent()
    # a letter is .602 of its size wide, a line 1.2 high
    fits = min(box.width / (0.61 * max(map(len, lines))), box.height / (1.25 * len(lines))) * 72 / ax.figure.dpi
    ax.text(0.5, 0.5, message, ha="center", va="center", family="monospace", size=min(10, fits), transform=ax.transAxes)
    return ax
