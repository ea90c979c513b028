"""The table for machines and the page for people."""

import csv
from dataclasses import dataclass
from itertools import groupby

from ._row import repetitions

__all__ = ["kept", "page", "write_csv"]

FIELDS = (
    "room", "of", "method", "law", "n", "part", "guarantee", "level", "attained", "floor", "reps", "covered",
    "coverage", "lower", "upper", "verdict",
)  # fmt: skip
HEAD = "| interval | world | n | guarantee | nominal | covered | band | |\n|---|---|---|---|---|---|---|---|\n"
INTRO = """# Coverage atlas

How often the intervals of this library cover, in worlds whose truth is known: skewed, rare, tied, heavy-tailed and
clustered, with few rows and with many. {n_lines} lines, {n_runs} intervals; `make atlas` counts them anew, and a test
fails where one falls below what it promises.

- **guarantee** is what the result says of itself, in most of the runs. "exact" and "finite-sample" must keep the level
  (the attained one, where the result tells it). "asymptotic" promises its level for many rows; at small n and on skewed
  laws it falls short, and is shown as it is. "posterior" holds over truths from the prior, not at one truth. "none"
  promises nothing.
- **covered** is the share of runs whose interval held the truth, in percent, and **band** the Clopper-Pearson interval
  of 99.9 % around it. Where something is to hold at once for a whole batch, curve, ranking or series of answers, a run
  counts only if all of it does.
- The last column: **short** where the whole band lies below the nominal level, and no promise is about so few rows or
  such a law; **above** where it lies beyond the level, wider than needed; **BROKEN** where it lies below a promise.

"""
SHORT = """## Where the level is not reached

No promise is broken here; this is what the promises leave open. The remedy stands in the docstrings: more rows, a
method with a finite-sample guarantee, bounds that are known.

"""
BROKEN = "## Broken promises\n\nFaults of the library, until they are mended.\n\n"


@dataclass(frozen=True)
class Kept:
    """A line of an earlier page, as it stands there."""

    room: str
    text: str
    reps: int
    coverage: float
    verdict: str


def kept(text, rows, share):
    """Return the lines of these rows from the text of a page whose rows ran `share` times their repetitions.

    Raises ValueError where one is missing: what the page does not show has to be counted.
    """
    found = {}
    for row in text.split("\n## ", 1)[-1].splitlines():
        if row.startswith("| `"):
            found[tuple(cell.strip() for cell in row.split("|")[1:4])] = row + "\n"
    lines = []
    for row in rows:
        for part in row.parts:
            name = naming(row, part)
            if name not in found:
                raise ValueError(f"{' | '.join(name)} does not stand on the page: count it too.")
            cells = [cell.strip() for cell in found[name].split("|")]
            lines.append(
                Kept(room=row.room, text=found[name], reps=repetitions(row, share), coverage=float(cells[6]) / 100,
                     verdict=cells[8].strip("*") or "holds")
            )  # fmt: skip
    return lines


def percent(share):
    return f"{100 * share:.1f}"


def naming(row, part):
    """Return the three cells that tell a line from all others."""
    return f"`{row.of}`, {row.method}{f', {part}' if part else ''}", row.law, row.n


def cells(line):
    if isinstance(line, Kept):
        return line.text
    band = f"{percent(line.lower)} - {percent(line.upper)}"
    nominal = f"{100 * line.level:g}"
    if line.attained is not None and abs(line.attained - line.level) > 5e-4:
        nominal += f" ({percent(line.attained)})"
    mark = "" if line.verdict == "holds" else f"**{line.verdict}**" if line.verdict == "BROKEN" else line.verdict
    row = (*naming(line, line.part), line.guarantee, nominal, percent(line.coverage), band, mark)
    return "| " + " | ".join(row) + " |\n"


def page(lines, no_interval):
    """Return the page in Markdown: what falls short, a table for each room, and what has no line."""
    text = INTRO.format(n_lines=len(lines), n_runs=f"{sum(line.reps for line in lines):,}")
    for verdict, section in (("BROKEN", BROKEN), ("short", SHORT)):
        found = [line for line in lines if line.verdict == verdict]
        found.sort(key=lambda line: float(percent(line.coverage)))  # as the page shows it, that lines kept sort alike
        if found:
            text += section + HEAD + "".join(map(cells, found)) + "\n"
    for room, of_room in groupby(lines, key=lambda line: line.room):
        text += f"## {room}\n\n" + HEAD + "".join(map(cells, of_room)) + "\n"
    text += "## Names without a line\n\n"
    for reason, names in groupby(sorted(no_interval, key=lambda name: (no_interval[name], name)), no_interval.get):
        text += f"- {reason}: " + ", ".join(f"`{name}`" for name in names) + "\n"
    return text


def write_csv(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(FIELDS)
        table.writerows([getattr(line, field) for field in FIELDS] for line in lines)
