"""Print the contest's tables as Markdown from the kept runs: python -m contest.table [--into docs/contest.md]."""

import argparse
from pathlib import Path

import numpy as np

from .methods import METHODS
from .problems import all_problems
from .results import kept, kept_versions, regrets

RULES = {"own": "own report", "mean": "its posterior mean", "common": "common report", "sampled": "best tried"}
MARK = "<!-- tables: everything below is written by tests/benchmarks/contest/table.py -->"
HEADER = """## How it was played

At equal seed every method is given the same initial design, budget, and noise per evaluation. Regret is true optimum
minus truth at the recommended point. `own report` is what a method itself returns (under noise: its best posterior mean
for BoTorch and errorbars, the best observation for the others), `its posterior mean` the best mean among evaluated
points where a peer offers one, `common report` the best mean of one and the same scikit-learn Gaussian process,
`best tried` the best point it has evaluated at all, known to nobody under noise. Columns @n are own reports after n
evaluations. Cells: median [quartiles] over seeds. Runs without any success, and runs in which a peer broke down, count
as infinite regret. Wins are those of {ours} by own report at equal seeds: won, tied, lost. `ask` is CPU milliseconds
per point told and asked, the median over runs of their medians.

Crashes: Optuna is told a failed trial, in `..._worst` the worst value so far, as are scikit-optimize,
bayesian-optimization and BoTorch. Optuna's models start after 3 successes there instead of 10. BoTorch: its defaults
with 128 quasi-random draws and 4 restarts of 128 raw samples; finite spaces are enumerated, cells of tables without
noise never twice (errorbars may look twice), and where there are crashes its fits end after 100 iterations.
bayesian-optimization: on finite spaces 10,000 random draws in place of differential evolution.
"""


def load(problem, name):
    """Return the rows of a method on a problem, by seed in order."""
    return [row for (method, _), row in sorted(kept(problem).items()) if method == name]


def quartiles(values):
    """Return lower quartile, median and upper quartile, the mean of two neighbours in between; some may be infinite."""
    with np.errstate(invalid="ignore"):
        found = np.quantile(values, [0.25, 0.5, 0.75], method="averaged_inverted_cdf")
    return tuple(np.where(np.isnan(found), np.inf, found).tolist())


def wins(ours, theirs):
    """Return how often ours is lower, equal and higher at the seeds that both have."""
    pairs = [(ours[seed], theirs[seed]) for seed in ours.keys() & theirs.keys()]
    return tuple(sum(test) for test in zip(*((a < b, a == b, a > b) for a, b in pairs), strict=True)) or (0, 0, 0)


def cell(values, unit):
    low, middle, high = (f"{v * unit:.3g}" for v in quartiles(list(values.values())))
    return f"{middle} [{low}, {high}]"


def section(problem, ours):
    """Return the lines of one problem."""
    found = {name: records for name in METHODS if (records := load(problem.name, name))}
    if not found:
        return []
    last = problem.budget
    rules = ["own", "mean", "common", "sampled"] if problem.noisy is not None else ["own"]
    columns = [f"@{n}" for n in problem.checkpoints] + [f"{RULES[r]} @{last}" for r in rules[1:]]
    columns += (["failures", "runs without success"] if problem.crashes else []) + [
        "ask, ms",
        f"{ours}: won, tied, lost",
    ]
    lines = [f"### {problem.name}", "", f"{problem.about}.", ""]
    lines += ["| method | seeds | " + " | ".join(columns) + " |", "|" + "---|" * (len(columns) + 2)]
    mine = regrets(found[ours], last, "own") if ours in found else {}
    for name, records in found.items():
        cells = [
            name,
            str(len(records)),
            *(cell(regrets(records, n, "own"), problem.unit) for n in problem.checkpoints),
        ]
        for rule in rules[1:]:
            offered = any(r.get(f"{rule}@{last}") for r in records)
            cells.append(cell(regrets(records, last, rule), problem.unit) if offered else "")
        if problem.crashes:
            cells.append(f"{np.mean([int(r['failures']) for r in records]):.1f}")
            cells.append(str(sum(int(r["alone"]) for r in records)))
        cells.append(f"{np.median([float(r['ask_ms']) for r in records if r['ask_ms']] or [np.nan]):.0f}")
        score = wins(mine, regrets(records, last, "own"))
        cells.append(", ".join(map(str, score)) if name != ours and mine else "")
        broken = sum(bool(r["error"]) for r in records)
        cells[0] += f" ({broken} broke down)" if broken else ""
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def medians(ours, names, problems):
    """Return the lines of one table: problems by methods, median of the own report at the end.

    Where a method has fewer seeds than ours, the median of ours at those seeds stands beside its own. In bold: methods
    that ours is not better than, and ours where nobody is better.
    """
    lines = ["| problem | " + " | ".join([ours, *names]) + " |", "|" + "---|" * (len(names) + 2)]
    for problem in problems:
        mine = regrets(load(problem.name, ours), problem.budget, "own")
        cells, beaten = [], False
        for n in names:
            theirs = regrets(load(problem.name, n), problem.budget, "own")
            both = sorted(mine.keys() & theirs.keys())
            if not both:
                cells.append("")
                continue
            a, b = (quartiles([v[seed] for seed in both])[1] * problem.unit for v in (mine, theirs))
            text = f"**{b:.3g}**" if b <= a else f"{b:.3g}"
            cells.append(text if len(both) == len(mine) else f"{text} ({len(both)}: {a:.3g})")
            beaten |= b < a
        own = f"{quartiles(list(mine.values()))[1] * problem.unit:.3g}" if mine else ""
        cells = [own if beaten or not own else f"**{own}**", *cells]
        lines.append(f"| {problem.name} | " + " | ".join(cells) + " |")
    return lines


def scores(ours, names, problems):
    """Return the lines of one table: problems by methods, how often ours won, tied and lost, and the sums."""
    lines = ["| problem | " + " | ".join(names) + " |", "|" + "---|" * (len(names) + 1)]
    total = dict.fromkeys(names, (0, 0, 0))
    for problem in problems:
        mine = regrets(load(problem.name, ours), problem.budget, "own")
        cells = []
        for n in names:
            score = wins(mine, regrets(load(problem.name, n), problem.budget, "own"))
            total[n] = tuple(a + b for a, b in zip(total[n], score, strict=True))
            cells.append(", ".join(map(str, score)) if sum(score) else "")
        lines.append(f"| {problem.name} | " + " | ".join(cells) + " |")
    return [*lines, "| sum | " + " | ".join(", ".join(map(str, t)) for t in total.values()) + " |"]


def overview(ours, problems):
    """Return the lines that stand before the single problems: peers, then our own parts."""
    parts = [n for n in METHODS if n.startswith(f"{ours}_") and any(load(p.name, n) for p in problems)]
    peers = [n for n in METHODS if not n.startswith(ours) and any(load(p.name, n) for p in problems)]
    return [
        "## All problems",
        "",
        "Median regret of the own report at the end. In brackets, where a method has fewer seeds: how many, and the",
        f"median of {ours} at these. In bold: who is not worse than {ours}, and {ours} where nobody is better.",
        "",
        *medians(ours, peers, problems),
        "",
        f"Runs at equal seeds that {ours} won, tied and lost, by own report at the end. 20 fair coins fall",
        "15 or more times on one side in 4% of all cases.",
        "",
        *scores(ours, peers, problems),
        "",
        "## What comes from which part",
        "",
        f"The same with one part of {ours} changed: median regrets, then how often the whole won, tied and lost.",
        "",
        *medians(ours, parts, problems),
        "",
        *scores(ours, parts, problems),
        "",
        "## Problem by problem",
        "",
    ]


def versions():
    """Return the versions that the runs name."""
    seen = {f"{package} {version}" for _, package, version in kept_versions()}
    return "Versions: " + ", ".join(sorted(seen)) + "."


def write(path, lines):
    """Replace all that stands below the mark in a file; what is above it was written by hand."""
    text = path.read_text(encoding="utf-8")
    if MARK not in text:
        raise SystemExit(f"{path} has no line {MARK!r}")
    head = text.split(MARK)[0]
    path.write_text(head + "\n".join([MARK, "", *lines]).rstrip() + "\n", encoding="utf-8")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", default="errorbars", help="whose paired wins are counted")
    parser.add_argument("--problems", nargs="*", help="all")
    parser.add_argument("--into", type=Path, help="file whose part below the mark is written anew")
    options = parser.parse_args(argv)
    problems = [p for name, p in all_problems().items() if not options.problems or name in options.problems]
    lines = [*HEADER.format(ours=options.ours).splitlines(), "", versions(), "", *overview(options.ours, problems)]
    for problem in problems:
        lines += section(problem, options.ours)
    if options.into:
        write(options.into, lines)
    else:
        print("\n".join(lines).rstrip())


if __name__ == "__main__":
    main()
