"""The contest of optimisers: the same problems, starts, noise and budgets for everybody, one line of JSON per run.

From the root of the repository, in the environment of `make bench`:

    PYTHONPATH=tests/benchmarks .venv-bench/bin/python -m contest.run --help
    PYTHONPATH=tests/benchmarks .venv-bench/bin/python -m contest.table > docs/contest.md
"""
