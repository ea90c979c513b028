"""The coverage atlas: its register is complete, its rows run, and no interval falls below what it promises."""

import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest
from atlas import NO_INTERVAL, ROWS
from atlas.__main__ import main
from atlas._pages import kept, page, write_csv
from atlas._row import Row, Seen
from atlas.runner import measure, measure_all
from contracts import require

ROOMS = ("uq", "conformal", "calibration", "bayes", "causal", "uq.epistemic", "uq.reuse", "uq.sampling")
# what methods that give intervals, sets and bounds are called
VERBS = {
    "ask_many", "ate", "best_interval", "conf_int", "curve", "exceedance_bound", "interval", "logistic", "mean", "ols",
    "predict_interval", "predict_pair", "predict_set", "quantile", "rank_interval", "select", "settled_pairs",
}  # fmt: skip
RESULTS = ("Interval", "Estimate", "Curve", "RankSummary", "PredictionSet", "Selection")


def row(covers, guarantee, level=0.9, floor=None, attained=None):
    def run(rng):
        return Seen(np.array([rng.random() < covers]), guarantee, attained)

    return Row(of="uq.x", method="y", law="z", n="1", run=run, guarantee=guarantee, level=level, floor=floor, reps=2000)


# ---- the register


def has_row(name):
    return any(row.of == name or row.of.startswith(f"{name}.") for row in ROWS.values())


def test_every_public_name_has_a_row_or_a_reason():
    names = {f"{room}.{name}" for room in ROOMS for name in importlib.import_module(room).__all__}
    assert not sorted(name for name in names if not has_row(name) and name not in NO_INTERVAL)


def gives_interval(name, method):
    returned = str(inspect.signature(method).return_annotation)
    return name in VERBS or any(f".{kind}" in returned or returned == kind for kind in RESULTS)


def test_every_method_that_gives_an_interval_has_a_row_or_a_reason():
    found = set()
    for room in ROOMS:
        for name in importlib.import_module(room).__all__:
            thing = getattr(importlib.import_module(room), name)
            if inspect.isclass(thing) and f"{room}.{name}" not in NO_INTERVAL:
                found |= {
                    f"{room}.{name}.{verb}"
                    for verb, method in inspect.getmembers(thing, inspect.isfunction)
                    if not verb.startswith("_") and gives_interval(verb, method)
                }
    assert len(found) > 30
    assert not sorted(name for name in found if not has_row(name) and name not in NO_INTERVAL)


def test_names_of_the_register_exist_and_none_is_there_twice():
    for name in {row.of for row in ROWS.values()} | set(NO_INTERVAL):
        head, *rest = name.split(".")
        thing = importlib.import_module(head)
        for part in rest:
            thing = getattr(thing, part)
    assert not [name for name in NO_INTERVAL if has_row(name)]


# ---- the judge


@pytest.mark.parametrize(
    ("covers", "guarantee", "extra", "verdict"),
    [
        (0.9, "finite-sample", {}, "holds"),
        (0.97, "finite-sample", {}, "above"),
        (0.85, "finite-sample", {}, "BROKEN"),
        (0.85, "asymptotic", {}, "short"),
        (0.85, "asymptotic", {"floor": 0.85}, "short"),
        (0.8, "asymptotic", {"floor": 0.85}, "BROKEN"),
        (0.9, "exact", {"attained": 0.95}, "BROKEN"),
        (0.97, "exact", {"attained": 0.9}, "BROKEN"),
        (0.95, "exact", {"attained": 0.95}, "above"),
        (0.0, "none", {}, "short"),
    ],
)
def test_verdicts(covers, guarantee, extra, verdict):
    (line,) = measure(row(covers, guarantee, **extra))
    assert line.verdict == verdict, line
    assert line.lower <= line.coverage <= line.upper


def test_the_count_is_the_same_whoever_counts():
    keys = [key for key in ROWS if key.startswith("uq.estimate_mean | t | normal")]
    here, there = measure_all(keys, 0.02), measure_all(keys[::-1], 0.02)
    assert [line.covered for line in here] == [line.covered for line in there][::-1]


# ---- the page


PAGE = Path(__file__).resolve().parents[2] / "docs" / "atlas.md"


def test_the_page_shows_every_row_and_no_other():
    """`make atlas ONLY=...` counts a new row alone."""
    text = PAGE.read_text()
    lines = kept(text, ROWS.values(), 2.0)
    assert page(lines, NO_INTERVAL) == text


def test_part_of_the_rows_is_counted_and_the_others_stay(tmp_path):
    where = tmp_path / "atlas.md"
    where.write_text(PAGE.read_text())
    key = next(key for key in ROWS if key.startswith("uq.coverage_report") and key.endswith(" 100"))
    arguments = ["--jobs", "1", "--page", str(where), "--csv", str(tmp_path / "atlas.csv"), "--only", key]
    assert main(arguments) == 0
    assert where.read_text() == PAGE.read_text()  # seeded by its name, and counted as often
    assert len((tmp_path / "atlas.csv").read_text().splitlines()) == 2
    where.write_text("\n".join(line for line in PAGE.read_text().splitlines() if "coverage_report" not in line))
    with pytest.raises(ValueError, match=r"coverage_report.* does not stand on the page"):
        main(arguments)
    with pytest.raises(SystemExit):
        main([*arguments[:-1], "nonsense"])


# ---- the rows


SHARE_OF_A_SMOKE = 1e-9  # two runs of each row
SHARE_OF_THE_TEST = 0.7  # a third of `make atlas`: 80 s on two cores


@pytest.mark.parametrize("room", sorted({row.room for row in ROWS.values()}))
def test_rows_run(room, tmp_path):
    """Every seventh row twice: worlds that no longer fit the functions are seen at once."""
    keys = [key for key, row in ROWS.items() if row.room == room and row.of not in ("bayes.SimplexRanker",)]
    if room == "causal":
        keys = [key for key in keys if "add_calibration_variance" not in key]  # statsmodels is slow to start
    lines = measure_all(keys[::7], SHARE_OF_A_SMOKE, least=2)
    text = page(lines, NO_INTERVAL)
    assert all(f"`{line.of}`" in text for line in lines)
    write_csv(tmp_path / "atlas.csv", lines)
    assert len((tmp_path / "atlas.csv").read_text().splitlines()) == 1 + len(lines)


@pytest.mark.slow
@pytest.mark.parametrize("key", ROWS)
def test_no_interval_is_below_what_it_promises(key):
    if "add_calibration_variance" in key:
        require("statsmodels.api")
    lines = measure(ROWS[key], SHARE_OF_THE_TEST)
    assert all(line.verdict != "BROKEN" for line in lines), lines
    assert lines[0].guarantee == ROWS[key].guarantee
