"""Error bars of an evaluation, and what stands around them."""

__all__ = ["VERIFIED_BY"]

COVERAGE = "statistical/test_mean_coverage.py"
BOUNDS = "statistical/test_bounds_coverage.py"
RANKS = "statistical/test_rank_coverage.py"
POSTERIOR = "statistical/test_posterior_ranks.py"

VERIFIED_BY = {
    "uq.MeanAccumulator": (
        "evaluation/test_accumulator.py::test_parts_are_all_rows_at_once",
        "evaluation/test_accumulator.py::test_each_method_is_that_of_estimate_mean",
    ),
    "uq.MeanAccumulator.mean": (
        "evaluation/test_accumulator.py::test_each_method_is_that_of_estimate_mean",
        f"{COVERAGE}::test_cluster_t_covers_with_thirty_clusters_and_rows_do_not",
    ),
    "uq.RankSummary": (
        f"{POSTERIOR}::test_credible_ranks_hold_when_the_truth_comes_from_the_prior",
        "base/test_rank.py::test_shares_agree_with_enumeration",
    ),
    "uq.RankSummary.rank_interval": (
        f"{RANKS}::test_all_true_ranks_are_held_at_the_nominal_level",
        f"{RANKS}::test_quantiles_of_resampled_ranks_would_fail_in_the_same_studies",
        f"{POSTERIOR}::test_simultaneous_ranks_hold_all_true_ranks_at_once",
        f"{POSTERIOR}::test_credible_ranks_are_no_confidence_intervals_near_ties",
        "base/test_rank.py::test_credible_ranks_hold_their_share_of_the_draws",
    ),
    "uq.RankSummary.settled_pairs": (
        f"{RANKS}::test_wide_gaps_are_settled",
        f"{RANKS}::test_too_few_resamples_settle_nothing_rather_than_too_much",
        "base/test_rank.py::test_simultaneous_comparisons_agree_with_the_double_loop",
    ),
    "uq.Report": (
        "uq/test_report.py::test_guarantees_name_method_promise_and_exactly_the_references_used",
        "uq/test_report.py::test_every_text_is_escaped",
        "uq/test_report.py::test_a_page_shows_what_was_added_and_not_what_became_of_it",
    ),
    "uq.WrappedModel": (
        "uq/test_wrapped.py::test_nothing_is_promised_for_a_model_that_fit_trained",
        "uq/test_wrapped.py::test_a_model_that_interpolates_has_no_certified_intervals",
    ),
    "uq.coverage_report": (
        "evaluation/test_coverage_report.py::test_the_band_holds_the_true_coverage_by_enumeration",
        "evaluation/test_coverage_report.py::test_verdicts",
    ),
    "uq.estimate_difference": (
        f"{COVERAGE}::test_auto_on_paired_binary_scores_is_never_below_nominal",
        f"{COVERAGE}::test_auto_on_paired_binary_scores_is_never_below_nominal_at_fifty",
        "evaluation/test_difference.py::test_mcnemar_limit_misses_no_more_than_it_says",
        "evaluation/test_difference.py"
        "::test_at_the_usual_levels_the_interval_excludes_0_exactly_where_mcnemars_test_does",
        "evaluation/test_difference.py::test_dirichlet_against_simulation_and_closed_form",
    ),
    "uq.estimate_mean": (
        f"{COVERAGE}::test_auto_on_binary_scores_is_never_below_nominal",
        f"{COVERAGE}::test_auto_with_declared_bounds_is_never_below_nominal",
        f"{COVERAGE}::test_betting_on_clusters_is_never_below_nominal",
        f"{COVERAGE}::test_cluster_t_covers_with_thirty_clusters_and_rows_do_not",
        f"{COVERAGE}::test_asymptotic_methods_lose_on_skewed_scores_at_small_n",
        f"{COVERAGE}::test_t_is_exact_for_normal_scores_at_any_n",
        f"{COVERAGE}::test_bootstrap_covers_when_n_is_moderate",
        f"{COVERAGE}::test_hierarchical_covers_on_average_over_its_prior",
        f"{COVERAGE}::test_what_wilson_and_the_uniform_prior_lose_is_known",
        f"{BOUNDS}::test_binomial_coverage_by_enumeration",
        f"{BOUNDS}::test_betting_covers_on_each_side_at_every_level",
    ),
    "uq.estimate_metric": (
        f"{COVERAGE}::test_bootstrap_covers_when_n_is_moderate",
        "evaluation/test_metric.py::test_interval_of_an_auc_is_scipys_bca",
        "evaluation/test_metric.py::test_clusters_widen_the_interval_of_copied_rows",
    ),
    "uq.mean_sequence": (
        f"{BOUNDS}::test_mean_sequence_misses_at_no_look",
        f"{BOUNDS}::test_shared_capital_holds_at_all_looks_at_once",
        "evaluation/test_sequence.py::test_a_bet_knows_only_the_rows_before_it",
        "evaluation/test_sequence.py::test_the_mean_of_dependent_rows_can_leave_its_own_band",
    ),
    "uq.rank_models": (
        f"{RANKS}::test_all_true_ranks_are_held_at_the_nominal_level",
        f"{RANKS}::test_few_normal_items_keep_the_level_nearly",
        f"{RANKS}::test_clusters_keep_the_level",
        f"{RANKS}::test_what_unlike_tails_cost_is_as_documented",
    ),
    "uq.datasets.make_classification_outputs": (
        "uq/test_datasets.py::test_truth_is_drawn_from_the_true_probabilities",
    ),
    "uq.datasets.make_counts": ("uq/test_datasets.py::test_counts_are_beta_binomial",),
    "uq.datasets.make_regression_outputs": ("uq/test_datasets.py::test_regression_noise_is_what_y_std_says",),
    "uq.datasets.make_scores": ("uq/test_datasets.py::test_scores_have_the_accuracy_that_was_asked_for",),
    "uq.datasets.make_trials": ("uq/test_datasets.py::test_trials",),
    "uq.datasets.make_votes": ("uq/test_datasets.py::test_votes_are_long_and_ordered_by_quality",),
    "uq.required_items": (
        "evaluation/test_power.py::test_power_agrees_with_quadrature",
        "evaluation/test_power.py::test_is_the_least_number_that_has_the_power",
        "evaluation/test_power.py::test_the_power_is_there_in_simulated_studies",
    ),
    "uq.variance_components": (
        "evaluation/test_variance.py::test_unbiased_by_enumeration_of_all_outcomes",
        "evaluation/test_variance.py::test_errors_are_those_of_simulated_evaluations",
    ),
}
