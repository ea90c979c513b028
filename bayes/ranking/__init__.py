"""Judges on the simplex: who is better when the judges are models too. Public names are those of `bayes`.

Votes become counts of unique patterns (`_votes`, `_problem`); a prior describes the judges (`_prior`); blocked Gibbs
draws from the posterior (`_gibbs`, with families of judges in `_families` and exact relabelling moves in `_labels`);
`_predictive` holds the model against the votes; `_ranker` is the estimator. Beside it, without any sampling:
`_breakdown` for scores of two levels, and `_identifiability` for what a design can tell.
"""

__all__: list[str] = []
