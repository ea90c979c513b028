"""The contest's problems are what they say, and every contestant meets the same start and the same noise."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.contest import edges, problems, results, run, table, tables
from benchmarks.contest.methods import Method, Random
from benchmarks.contest.spaces import Dimension, Space, box
from contracts.containers import require_data
from scipy.optimize import minimize

SYNTHETIC = {p.name: p for p in problems.synthetic()}


# ---- known optima


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("branin", [(-np.pi, 12.275), (np.pi, 2.275), (9.42478, 2.475)]),
        ("hartmann6", [(0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573)]),
        ("ackley5", [(problems.SHIFT,) * 5]),
    ],
)
def test_the_optimum_is_where_the_literature_has_it(name, places):
    problem = SYNTHETIC[name]
    for place in places:
        point = dict(zip(problem.space.names, place, strict=True))
        assert 0 <= problem.regret(point) + 1e-12 < 1e-5


@pytest.mark.parametrize("name", ["branin", "hartmann6", "ackley5"])
def test_no_start_climbs_above_the_optimum(name):
    problem = SYNTHETIC[name]
    bounds = [(d.low, d.high) for d in problem.space.dimensions]
    starts = problem.space.sobol(8, np.random.default_rng(1))
    best = max(
        -minimize(
            lambda x: -problem.truth(dict(zip(problem.space.names, x, strict=True))),
            problem.space.key(start),
            method="L-BFGS-B",
            bounds=bounds,
        ).fun
        for start in starts
    )
    assert best <= problem.optimum + 1e-9
    if name != "ackley5":  # its surface is too wavy for a local climber
        assert best == pytest.approx(problem.optimum, abs=1e-6)


@pytest.mark.parametrize("problem", edges.edges(), ids=lambda p: p.name)
def test_edges_crash_and_keep_their_optimum(problem):
    rng = np.random.default_rng(0)
    values = [problem.truth(problem.space.decode(u)) for u in rng.random((4000, len(problem.space.names)))]
    there = [v for v in values if v is not None]
    assert 0.1 < len(there) / 4000 < 0.85
    assert max(there) <= problem.optimum + 1e-9
    near = {
        "sum": (0.55, 0.55 - 1e-9),
        "ridge": (np.sqrt(8.8) - 2, np.sqrt(3.2 - np.sqrt(8.8)) - 1e-9, 0.3),
        "branin_ring": (np.pi, 2.275),
        "branin_corner": (np.pi, 2.275),
        "hartmann6_corner": (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573),
    }[problem.name]
    assert problem.regret(dict(zip(problem.space.names, near, strict=True))) < 1e-5


# ---- same start, same noise


@pytest.mark.parametrize("name", sorted(SYNTHETIC))
def test_start_and_noise_depend_on_seed_and_evaluation_alone(name):
    problem = SYNTHETIC[name]
    start = problem.initial(3)
    assert start == problem.initial(3) != problem.initial(4)
    assert len({problem.space.key(p) for p in start}) == problem.n_initial
    for point in start:
        assert all(d.low <= point[d.name] <= d.high for d in problem.space.dimensions)
    noise = [[problem.observe(p, 3, i) - problem.truth(p) for i in range(200)] for p in start[:2]]
    np.testing.assert_allclose(noise[0], noise[1], atol=1e-12)
    sd = {"branin_noisy": 10, "hartmann6_noisy": 0.3, "ackley5_noisy": 1.0}.get(name, 0.0)
    assert np.std(noise[0]) == pytest.approx(sd, rel=0.2, abs=0)


def test_a_method_that_knows_no_crash_is_told_the_worst_value():
    class Listener(Method):
        heard = ()

        def learn(self, points, values):
            self.heard = (*self.heard, *values)

        def propose(self):
            return {"k": "a"}

    space = Space((Dimension("k", "categorical", levels=("a", "b", "c", "d")),))
    problem = problems.Problem("toy", space, {"a": 1.0, "b": None, "c": 3.0}.get, 3.0, crashes=True)
    method = Listener(problem, 0)
    method.tell([{"k": "b"}], [None])
    assert method.heard == ()
    assert method.ask() != {"k": "b"}  # nothing to learn from yet: an unseen cell at random
    method.tell([{"k": "c"}, {"k": "d"}], [3.0, None])
    assert method.heard == (3.0, 3.0, 3.0)
    method.tell([{"k": "a"}, {"k": "b"}], [1.0, None])
    assert method.heard[3:] == (1.0, 1.0)
    assert method.recommend() == {"own": {"k": "c"}}


def test_random_search_sees_each_cell_once():
    space = Space((Dimension("i", "integer", 0, 4), Dimension("k", "categorical", levels=("a", "b"))))
    assert len(space.cells) == 10
    method = Random(problems.Problem("toy", space, lambda p: 0.0, 0.0), 1)
    method.tell(space.cells[:2], [0.0, 0.0])
    while len(method.points) < 10:
        method.tell([method.ask()], [0.0])
    assert {space.key(p) for p in method.points} == {space.key(p) for p in space.cells}


def test_encoding_puts_two_levels_one_unit_apart():
    space = Space((Dimension("k", "categorical", levels=("a", "b", "c")), Dimension("i", "integer", 2, 4)))
    x = space.encode([{"k": "a", "i": 2}, {"k": "c", "i": 2}, {"k": "a", "i": 4}])
    assert np.linalg.norm(x[0] - x[1]) == pytest.approx(1)
    assert np.linalg.norm(x[0] - x[2]) == pytest.approx(1)


# ---- measured tables


def test_digits_table():
    require_data("bo/digits_svm_table.csv")
    problem = tables.digits()
    assert len(problem.space.cells) == 1452
    assert problem.optimum == pytest.approx(0.97583, abs=5e-6)
    best = max(problem.space.cells, key=problem.truth)
    assert best == {"kernel": "rbf", "pca_dim": 3, "log10_C": 6, "log10_gamma": 8}
    seen = [problem.observe(best, 0, i) for i in range(60)]
    assert len(set(seen)) > 1
    assert np.mean(seen) == pytest.approx(problem.optimum, abs=0.01)


@pytest.mark.parametrize("default_first", [True, False])
def test_throughput_tables(default_first):
    require_data("bo/llm_inference_bench.csv")
    problem = tables.throughput(*tables.SERVING[0], default_first)
    values = [problem.truth(p) for p in problem.space.cells]
    assert len(values) == 1152
    assert sum(v is not None for v in values) == 179
    assert problem.optimum == pytest.approx(4.0198, abs=5e-5)
    best = problem.space.cells[int(np.nanargmax(np.array(values, float)))]
    assert best == {"hardware": "GH200", "framework": "TensorRT-LLM", "log2_devices": 0, "batch_index": 3}
    for pair in tables.SERVING:
        problem = tables.throughput(*pair, default_first)
        start = problem.initial(0)
        assert len({problem.space.key(p) for p in start}) == 8
        assert not default_first or problem.truth(start[0]) is not None
        crash = next(p for p in problem.space.cells if problem.truth(p) is None)
        assert problem.regret(crash) == np.inf


# ---- running and reading


def test_a_run_is_repeated_exactly_and_its_record_is_complete(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "CACHE", tmp_path)
    problem = replace(SYNTHETIC["branin_noisy"], budget=30)
    first, second = run.play(problem, "random", 5), run.play(problem, "random", 5)
    assert first["points"] == second["points"]
    assert first["values"] == second["values"]
    assert "error" not in first
    assert len(first["values"]) == 30
    assert list(first["regret"]) == [20, 30]
    last = first["regret"][30]
    lucky = int(np.argmax(first["values"]))
    assert last["own"] == problem.regret(dict(zip(problem.space.names, first["points"][lucky], strict=True)))
    assert 0 <= last["sampled"] <= min(last["own"], last["common"])


def test_runs_without_success_and_breakdowns_count_as_infinite():
    # medians over [1, 2, 3, inf]: nothing is dropped
    rest = {"method": "m", "values": [1.0, None], "cpu_s": [0.1]}
    records = [{"seed": i, "regret": {"40": {"own": v}}} | rest for i, v in enumerate([1.0, 3.0, 2.0])]
    records.append({"seed": 3, "regret": {"40": {"own": None}}} | rest)
    records.append({"seed": 4, "regret": {}, "error": "peer broke"} | rest)
    rows = [results.condense(r) for r in records]
    np.testing.assert_array_equal(sorted(results.regrets(rows, 40, "own").values()), [1, 2, 3, np.inf, np.inf])
    assert table.quartiles([1, 2, 3, np.inf, np.inf]) == (2, 3, np.inf)
    assert table.wins({0: 1.0, 1: 2.0, 2: np.inf, 3: 0.0}, {0: 2.0, 1: 2.0, 2: np.inf, 4: 9.0}) == (1, 2, 0)


def test_kept_runs_say_what_was_played_and_are_not_played_again(tmp_path, monkeypatch):
    cache, folder = tmp_path / "cache", tmp_path / "kept"
    monkeypatch.setattr(run, "CACHE", cache)
    monkeypatch.setattr(results, "KEPT", folder)
    run.main(["--problems", "branin", "--methods", "random", "--seeds", "3"])
    (line,) = (cache / "branin" / "random.jsonl").read_text(encoding="utf-8").splitlines()[1:2]
    played = json.loads(line)
    broken = played | {"seed": 9, "error": "Oops: in /opt/peer/x.py\nline 2", "regret": {}}
    with (cache / "branin" / "random.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(broken) + "\n")
    assert results.keep(cache) == 4
    assert results.keep(cache) == 4  # the same runs take their own places
    shutil.rmtree(cache)
    rows = table.load("branin", "random")
    assert [row["seed"] for row in rows] == ["0", "1", "2", "9"]
    for count in (20, 30, 40, 60):
        told = results.regrets(rows, count, "own")
        assert told[1] == pytest.approx(played["regret"][str(count)]["own"], rel=1e-5)
        assert told[9] == np.inf
    assert rows[3]["error"] == "Oops: in ... line 2"
    assert run.done("branin", "random", again=False) == {0, 1, 2, 9}
    assert run.done("branin", "random", again=True) == set()


def test_dear_methods_come_last_in_blocks_of_ten_seeds():
    order = list(run.plan([SYNTHETIC["branin"]], ["skopt", "random", "optuna_gp_worst"], range(12)))
    assert [name for _, name, _ in order] == ["random"] * 12 + ["skopt"] * 12
    two = list(run.plan(problems.synthetic()[:2], ["skopt"], range(12)))
    assert [(p.name, s) for p, _, s in two[9:12]] == [("branin", 9), ("hartmann6", 0), ("hartmann6", 1)]


def test_box_decodes_into_its_bounds():
    space = box((-5, 10), (0, 15))
    assert space.decode([1.0 + 1e-9, -1e-9]) == {"x0": 10.0, "x1": 0.0}


def test_our_own_entry_plays_to_the_end_through_crashes():
    space = Space((Dimension("i", "integer", 0, 9), Dimension("k", "categorical", levels=("a", "b", "c"))))
    problem = problems.Problem(
        "toy",
        space,
        lambda p: None if p["k"] == "a" else p["i"] + (p["k"] == "c"),
        10.0,
        n_initial=4,
        budget=20,
        crashes=True,
    )
    record = run.play(problem, "errorbars", 0)
    assert "error" not in record
    crashed = [tuple(p) for p, v in zip(record["points"], record["values"], strict=True) if v is None]
    assert crashed
    assert len(set(crashed)) == len(crashed)  # what works may be repeated, until it is plain that there is no noise
    assert record["regret"][20]["own"] == record["regret"][20]["sampled"] == 0.0
