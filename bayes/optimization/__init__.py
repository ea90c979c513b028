"""Bayesian optimisation: where to look next. Public names are those of `bayes`."""

__all__: list[str] = []
