"""Benchmarks run by `make bench`, in an environment of their own; pytest leaves them alone."""

collect_ignore_glob = ["*.py"]
