"""Play: python -m contest.run [--problems ...] [--methods ...] [--seeds 20] [--first 0] [--minutes 75] [--again]."""

import argparse
import importlib.metadata
import json
import sys
import time
import traceback
import warnings
from pathlib import Path

from .methods import CRASHES_ONLY, METHODS, build
from .problems import all_problems
from .report import common
from .results import kept

CACHE = Path(__file__).resolve().parents[3] / "build" / "contest"
CHEAP = ("random", "optuna_tpe", "optuna_tpe_worst", "optuna_gp", "optuna_gp_worst", "bayes_opt")
DEAR = ("skopt", "botorch")


def play(problem, name, seed):
    """Return the record of one run."""
    points = problem.initial(seed)
    values = [problem.observe(p, seed, i) for i, p in enumerate(points)]
    record = {"problem": problem.name, "method": name, "seed": seed, "cpu_s": [], "wall_s": [], "regret": {}}
    points, values = list(points), list(values)
    told = 0
    try:
        method = build(name, problem, seed)
        for count in range(problem.n_initial, problem.budget + 1):
            cpu, wall = time.process_time(), time.perf_counter()
            method.tell(points[told:], values[told:])
            told = len(points)
            if count < problem.budget:
                point = method.ask()
            record["cpu_s"].append(round(time.process_time() - cpu, 5))
            record["wall_s"].append(round(time.perf_counter() - wall, 5))
            if count in problem.checkpoints:
                record["regret"][count] = regrets(problem, method, points, values)
            if count < problem.budget:
                points.append(point)
                values.append(problem.observe(point, seed, count))
    except Exception as error:  # a peer that breaks down is a result as well
        record["error"] = f"{type(error).__name__}: {error}"[:500]
        traceback.print_exc()
    record["points"] = [list(problem.space.key(p)) for p in points]
    record["values"] = values
    record["versions"] = {p: importlib.metadata.version(p) for p in METHODS[name][2]}
    return record


def regrets(problem, method, points, values):
    """Return the regret of each reporting rule, None where nothing has worked yet."""
    answer = {rule: problem.regret(point) for rule, point in method.recommend().items()}
    there = [i for i, v in enumerate(values) if v is not None]
    answer["sampled"] = min((problem.regret(points[i]) for i in there), default=None)
    if problem.noisy is not None:
        answer["common"] = problem.regret(common(problem.space, points, values))
    return answer


def done(problem, name, *, again):
    """Return the seeds that the cache holds, and those of the kept runs unless they are to be played again."""
    path = CACHE / problem / f"{name}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    seeds = {json.loads(line)["seed"] for line in lines}
    return seeds if again else seeds | {seed for method, seed in kept(problem) if method == name}


def plan(problems, methods, seeds):
    """Yield the runs: cheap methods first, then the dear ones in blocks of ten seeds, so that all have ten early."""
    cheap = [m for m in methods if m not in DEAR]
    blocks = [(cheap, seeds)] + [
        ([m for m in methods if m in DEAR], seeds[k : k + 10]) for k in range(0, len(seeds), 10)
    ]
    for names, some in blocks:
        for problem in problems:
            for name in names:
                if problem.crashes or name not in CRASHES_ONLY:
                    yield from ((problem, name, seed) for seed in some)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", nargs="*", help="all, cheapest first")
    parser.add_argument("--methods", nargs="*", default=[*CHEAP, *DEAR], choices=list(METHODS))
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--again", action="store_true", help="play what is kept in results too, for a changed method")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="CPU minutes after which no run starts")
    options = parser.parse_args(argv)
    problems = all_problems()
    wanted = [problems[name] for name in options.problems or problems]
    warnings.simplefilter("ignore")  # peers' remarks about their own fits
    for problem, name, seed in plan(wanted, options.methods, range(options.first, options.first + options.seeds)):
        if seed in done(problem.name, name, again=options.again):
            continue
        minutes = time.process_time() / 60
        if minutes > options.minutes:
            print(f"time is up after {minutes:.0f} minutes; run again to go on", flush=True)
            return
        record = play(problem, name, seed)
        path = CACHE / problem.name / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        last = record["regret"].get(problem.budget, {}).get("own")
        print(
            f"{minutes:6.1f} min  {problem.name:32s} {name:18s} {seed:3d}  regret {last}  "
            f"{sum(record['cpu_s']):.1f} s  {record.get('error', '')}",
            flush=True,
        )
    print("finished", flush=True)


if __name__ == "__main__":
    sys.exit(main())
