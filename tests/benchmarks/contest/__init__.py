"""The contest of optimisers: the same problems, starts, noise and budgets for everybody, one line of JSON per run.

From the root of the repository, in the environment of `make bench`:

    PYTHONPATH=tests/benchmarks .venv-bench/bin/python -m contest.run --help
    PYTHONPATH=tests/benchmarks .venv/bin/python -m contest.run --methods errorbars errorbars_gaussian
    PYTHONPATH=tests/benchmarks .venv-bench/bin/python -m contest.table --into docs/contest.md

Runs are kept in build/contest/<problem>/<method>.jsonl and never repeated: delete the files of a method whose code has
changed (`rm build/contest/*/errorbars*.jsonl`). A new method is a subclass of `methods.Method` and a line in its table.
"""
