"""Judges on the simplex: who is better when the judges are models too. Public names are those of `bayes`.

Votes become counts of unique patterns (`_votes`, `_problem`); a prior describes the judges (`_prior`); blocked Gibbs
draws from the posterior (`_gibbs`, with families of judges in `_families` and exact relabelling moves in `_labels`);
`_predictive` holds the model against the votes. `_pymc` draws by NUTS (its likelihoods in `_graph`, what else Gibbs
would tell in `_replay`), also from the marginal likelihood, which `_tempering` divides by its design effect; `_sampler`
chooses. `_ranker` is the estimator, `_learning` what it takes from the draws (`_utility`: what a candidate is worth),
`_sensitivity` its answers under other priors, `_simplex_plot` its triangle. Beside it, without any sampling:
`_breakdown` for scores of two levels, and `_identifiability` for what a design can tell, of which `_evidence` says what
the votes at hand count for.
"""

__all__: list[str] = []
