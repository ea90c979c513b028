"""Pictures of a campaign: values as they came, the model along one parameter, the model over two."""

import numpy as np

from uq._base import plot
from uq._base.exceptions import InputError

from ._best import average_mean_var
from ._dimensions import Categorical
from ._moments import pooled, predictive

__all__ = ["draw_progress", "plot_campaign"]

OWNER = "BayesianOptimizer.plot"
_POINTS, _SIDE = 201, 60
_HALF_WIDTH = 1.6448536269514722  # of a central 90 % interval, in standard deviations


def draw_progress(ax, trials):
    """Draw values in the order of the trials, the best so far, and failures along the bottom.

    Of several fidelities the best is that of the one which counts, and the others are drawn lighter.
    """
    told = [record for record in trials if record.status == "ok"]
    others = [record for record in told if record.fidelity != trials.target]
    if others:
        told = [record for record in told if record.fidelity == trials.target]
        ax.plot([r.id for r in others], [r.value for r in others], "o", color=plot.BAND, ms=3, label="other fidelities")
    numbers, values = [record.id for record in told], np.array([record.value for record in told])
    ax.plot(numbers, values, "o", color=plot.INK, ms=4, label="value")
    if len(values):
        best = np.maximum.accumulate(values) if trials.direction == "maximize" else np.minimum.accumulate(values)
        ax.step(numbers, best, where="post", color=plot.BAND, lw=2, zorder=0, label="best value so far")
    failed = [record.id for record in trials if record.status == "failed"]
    if failed:
        ax.plot(failed, np.full(len(failed), 0.02), "x", color=plot.REFERENCE, transform=ax.get_xaxis_transform(),
                label="failed")  # fmt: skip
    ax.set(xlabel="trial", ylabel="value", title=trials._title())
    if told or failed:
        ax.legend(frameon=False, fontsize=8)
    return ax


def plot_campaign(campaign, models, base, kind, params, ax):
    """Draw the model along one or over two parameters, all others as in the params `base`."""
    names = _check_params(campaign.settings.space, params, 1 if kind == "slice" else 2)
    ax = plot.axes(ax)
    draw = _draw_slice if kind == "slice" else _draw_surrogate
    others = ", ".join(f"{n} = {_text(v)}" for n, v in base.items() if n not in names)
    ax.set_title(f"at {others}" if others else "", fontsize=9, wrap=True)
    return draw(ax, campaign, models.objective, base, names)


def _check_params(space, params, n):
    if params is None:
        names = list(space.names[:n])
    else:
        names = [params] if isinstance(params, str) else params
        names = list(names) if isinstance(names, (list, tuple)) else [names]
    if len(names) != n or len(set(map(repr, names))) != n or not all(name in space.names for name in map(_key, names)):
        raise InputError(
            f"{OWNER}: params must be {n} of the names {', '.join(space.names):.200}; got {params!r:.100}"
            f"{'' if len(space.names) >= n else ', and the space has fewer'}. Two parameters make a surrogate, one a "
            "slice."
        )
    return names


def _key(name):
    return name if isinstance(name, str) else None


def _values(dimension, n):
    """Return some values of a parameter, in order."""
    if np.isfinite(dimension.size) and dimension.size <= n:
        return [dimension.decode(row) for row in dimension.levels()]
    rows = dimension.snap(np.linspace(0, 1, n)[:, None])
    return list(dict.fromkeys(dimension.decode(row) for row in rows))


def _forecast(campaign, gp, settings):
    rows = np.array([campaign.settings.space.encode(params) for params in settings])
    if campaign.settings.context:
        mu, var = average_mean_var(gp, campaign.settings.context, rows)
    else:
        mu, var = pooled(*predictive(gp.posteriors_, rows)[:2])
    return campaign.settings.sign * (gp.offset_ + gp.scale_ * mu), gp.scale_ * np.sqrt(var)


def _draw_slice(ax, campaign, gp, base, names):
    (name,) = names
    dimension = campaign.settings.space.dimensions[name]
    values = _values(dimension, _POINTS)
    mean, std = _forecast(campaign, gp, [{**base, name: value} for value in values])
    lower, upper = mean - _HALF_WIDTH * std, mean + _HALF_WIDTH * std
    told = [campaign.records[i] for i in campaign.which("ok")]
    if isinstance(dimension, Categorical):
        places = np.arange(len(values))
        ax.vlines(places, lower, upper, color=plot.BAND, lw=6)
        ax.plot(places, mean, "o", color=plot.INK)
        ax.set_xticks(places, [_text(value) for value in values])
        at = [values.index(record.params[name]) for record in told]
    else:
        ax.fill_between(values, lower, upper, color=plot.BAND, alpha=0.6, lw=0)
        ax.plot(values, mean, color=plot.INK)
        at = [record.params[name] for record in told]
        if dimension.log:
            ax.set_xscale("log")
    ax.plot(at, [record.value for record in told], ".", color=plot.REFERENCE, zorder=0)
    ax.set(xlabel=name, ylabel="value, 90 % band of the model")
    return ax


def _draw_surrogate(ax, campaign, gp, base, names):
    dimensions = [campaign.settings.space.dimensions[name] for name in names]
    values = [_values(dimension, _SIDE) for dimension in dimensions]
    grid = [{**base, names[0]: a, names[1]: b} for b in values[1] for a in values[0]]
    mean, _ = _forecast(campaign, gp, grid)
    places = [_places(dimension, v) for dimension, v in zip(dimensions, values, strict=True)]
    mesh = ax.pcolormesh(*places, mean.reshape(len(values[1]), len(values[0])), shading="nearest", cmap="Blues")
    ax.figure.colorbar(mesh, ax=ax, label="posterior mean")
    told = [campaign.records[i] for i in campaign.which("ok")]
    points = [
        _places(dimension, [record.params[name] for record in told])
        for name, dimension in zip(names, dimensions, strict=True)
    ]
    ax.plot(*points, ".", color="black", ms=4)
    ax.plot(
        *([p] for p in (_places(d, [base[n]])[0] for n, d in zip(names, dimensions, strict=True))), "*", color="red"
    )
    for axis, name, dimension in zip("xy", names, dimensions, strict=True):
        ax.set(**{f"{axis}label": name})
        if isinstance(dimension, Categorical):
            getattr(ax, f"set_{axis}ticks")(range(int(dimension.size)), [_text(c) for c in dimension.choices])
        elif dimension.log:
            ax.set(**{f"{axis}scale": "log"})
    return ax


def _places(dimension, values):
    return [dimension.choices.index(v) for v in values] if isinstance(dimension, Categorical) else list(values)


def _text(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)
