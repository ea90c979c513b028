"""The contest of optimisers: the same problems, starts, noise and budgets for everybody, one line of JSON per run.

From the root of the repository, in the environment of `make bench`:

    PYTHONPATH=tests/benchmarks .venv-bench/bin/python -m contest.run --help
    PYTHONPATH=tests/benchmarks .venv/bin/python -m contest.run --methods errorbars errorbars_gaussian
    PYTHONPATH=tests/benchmarks .venv-bench/bin/python -m contest.results
    PYTHONPATH=tests/benchmarks .venv-bench/bin/python -m contest.table --into docs/contest.md

Runs are written to build/contest/<problem>/<method>.jsonl, the second command keeps one row of each in
results/<problem>.csv, and neither is repeated. After a change of a method's code delete its files in build/contest and
play it with `--again`. A new method is a subclass of `methods.Method` and a line in its table.
"""
