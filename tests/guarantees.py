"""Which tests hold each public promise: {public name: test nodes below `tests/`}.

A promise is a docstring's **Guarantee.** paragraph that does not begin with "None" or point at its class; each has an
entry here, and so have some that promise nothing, where a test shows why. `test_docs.py` checks that every node exists
and that no promise is without one; the page of guarantees is made of both.
"""

__all__ = ["BEING_BUILT", "VERIFIED_BY"]

# Files whose promises may still be without an entry. Empty when the rooms stand.
BEING_BUILT = ("bayes.optimization", "uq.sampling")

COVERAGE = "statistical/test_mean_coverage.py"
BOUNDS = "statistical/test_bounds_coverage.py"
RANKS = "statistical/test_rank_coverage.py"
POSTERIOR = "statistical/test_posterior_ranks.py"
CURVES = "statistical/test_curve_coverage.py"
BINNED = "statistical/test_binned_errors.py"
RECALIBRATORS = "statistical/test_recalibrators.py"
SELECTIVE = "statistical/test_selective_coverage.py"
DEBIASERS = "statistical/test_debiaser_coverage.py"
PPI = "statistical/test_ppi_coverage.py"
REUSE = "statistical/test_reuse_coverage.py"
BATCHES = "statistical/test_batch_coverage.py"
ROWS = "statistical/test_row_coverage.py"
SPLITS = "test_conformal/test_row_enumeration.py"
SELECTION = "statistical/test_selection_coverage.py"
PAIRS = "statistical/test_second_order_coverage.py"
HEADS = "test_epistemic/test_heads.py"
PARAMETRIC = "test_calibration/test_parametric.py"
NONPARAMETRIC = "test_calibration/test_nonparametric.py"
LITTLE_LOST = f"{RECALIBRATORS}::test_little_is_lost_where_nothing_is_to_be_gained"

UQ = {
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

CONFORMAL = {
    "conformal.BatchPredictor": (
        f"{BATCHES}::test_order_statistics",
        f"{BATCHES}::test_mean_by_partition",
        f"{BATCHES}::test_mean_by_ranks_under_the_cap",
        f"{BATCHES}::test_mean_within_a_support",
        f"{BATCHES}::test_outcomes_with_predictions",
        "test_conformal/test_batch_enumeration.py::test_coverage_over_every_split_of_the_pool",
        "test_conformal/test_batch_enumeration.py::test_coverage_of_outcomes_over_every_split",
        "test_conformal/test_batch_rows.py::test_weighted_coverage_over_every_split_and_order",
        "test_conformal/test_batch_rows.py::test_density_ratio_by_simulation_and_the_invalid_shortcut",
        "test_conformal/test_batch_statistics.py::test_drawn_levels_are_near_and_say_what_they_attain",
    ),
    "conformal.BatchSelector": (
        "test_conformal/test_selector.py::test_false_claims_over_every_split",
        f"{SELECTION}::test_more_than_eta_false_claims_as_rarely_as_attained",
        f"{SELECTION}::test_more_than_eta_false_claims_under_any_law",
    ),
    "conformal.RankLaw": (
        "test_conformal/test_rank_law.py::test_the_law_counts_configurations",
        "test_conformal/test_rank_law.py::test_ranks_are_the_least_and_the_greatest_at_ties_too",
    ),
    "conformal.RiskControl": (
        "test_conformal/test_risk.py::test_risk_is_below_the_target_as_often_as_promised",
        "test_conformal/test_risk.py::test_fixed_thresholds_hold_for_any_curve",
        "test_conformal/test_risk.py::test_p_values_are_binomial_tails",
        "test_conformal/test_risk.py::test_bounded_losses_by_betting",
    ),
    "conformal.SimultaneousConformal": (
        f"{SPLITS}::test_simultaneous_intervals_over_every_split",
        f"{ROWS}::test_the_table_by_simulation",
        f"{ROWS}::test_sets_cover_as_many_rows_as_promised",
        f"{ROWS}::test_drug_target_predictions_in_disjoint_splits",
    ),
    "conformal.SplitConformal": (
        f"{SPLITS}::test_split_intervals_over_every_split",
        f"{SPLITS}::test_sets_over_every_split",
        f"{SPLITS}::test_each_stratum_by_itself_over_every_split",
        f"{ROWS}::test_other_scores_keep_the_same_promises",
        f"{ROWS}::test_strata_keep_their_promise_each",
    ),
    "conformal.conformal_p_values": (
        "test_conformal/test_selector.py::test_p_values_of_null_rows",
        f"{SELECTION}::test_false_discovery_rate_is_below_its_target",
        f"{SELECTION}::test_false_discovery_rate_under_any_law",
    ),
}

CALIBRATION = {
    "calibration.BetaCalibration": (f"{PARAMETRIC}::test_beta_is_the_constrained_optimum", LITTLE_LOST),
    "calibration.BinnedCalibrationError": (
        "test_calibration/test_accumulator.py::test_any_partitions_in_any_order_are_one_fit",
        "test_calibration/test_accumulator.py::test_errors_are_those_of_the_rows",
    ),
    "calibration.BinnedCalibrationError.interval": (
        f"{BINNED}::test_intervals_cover",
        f"{BINNED}::test_intervals_cover_at_many_sizes",
        "test_calibration/test_accumulator.py::test_the_interval_of_rare_events_covers",
        "test_calibration/test_accumulator.py::test_thin_bins_hide_the_error_and_the_lower_end_says_so",
    ),
    "calibration.DirichletCalibration": (f"{PARAMETRIC}::test_dirichlet_equals_bfgs", LITTLE_LOST),
    "calibration.HistogramBinning": (f"{NONPARAMETRIC}::test_histogram_values_by_hand", LITTLE_LOST),
    "calibration.IsotonicCalibration": (
        f"{NONPARAMETRIC}::test_isotonic_is_scikit_learns_but_for_the_ends",
        "test_calibration/test_isotone.py::test_the_fit_is_the_minimax_of_pooled_rows",
        LITTLE_LOST,
    ),
    "calibration.MulticalibrationBoosting": (
        "test_calibration/test_multicalibration.py::test_every_cell_of_fit_ends_within_the_threshold",
        "test_calibration/test_multicalibration.py::test_the_loss_falls_with_every_round",
    ),
    "calibration.PlattScaling": (f"{PARAMETRIC}::test_platt_equals_bfgs", LITTLE_LOST),
    "calibration.TemperatureScaling": (f"{PARAMETRIC}::test_the_temperature_is_exact", LITTLE_LOST),
    "calibration.ThresholdCalibration": (
        "test_calibration/test_threshold.py::test_noise_is_optimistic_in_sample_and_honest_out_of_it",
        f"{SELECTIVE}::test_honest_f1_is_what_fresh_rows_give",
    ),
    "calibration.VennAbersCalibration": (
        f"{RECALIBRATORS}::test_the_member_of_the_pair_that_belongs_to_the_outcome_is_calibrated",
        f"{NONPARAMETRIC}::test_venn_abers_equals_two_refits_per_row",
    ),
    "calibration.calibration_test": (
        "test_calibration/test_calibration_test.py::test_against_the_enumeration_of_all_outcomes",
        f"{BINNED}::test_pvalues_of_calibrated_forecasts",
    ),
    "calibration.expected_calibration_error": (
        f"{BINNED}::test_five_rows_in_a_bin_of_continuous_forecasts",
        f"{BINNED}::test_unbiased_with_clusters_and_weights",
        f"{BINNED}::test_the_debiased_norm_1_is_nearer_the_truth",
        f"{BINNED}::test_percentiles_of_resampled_errors_would_not_cover",
    ),
    "calibration.latent_brier_score": (
        "test_calibration/test_latent.py::test_unbiased_at_any_number_of_trials",
        f"{BINNED}::test_the_latent_score_is_unbiased_where_the_raw_one_is_not",
    ),
    "calibration.reliability_curve": (
        f"{CURVES}::test_the_honest_band_covers_the_whole_curve",
        f"{CURVES}::test_the_honest_band_covers_where_forecasts_are_pooled",
        f"{CURVES}::test_clusters_and_falling_truths_void_the_honest_band",
        f"{CURVES}::test_a_calibrated_forecaster_leaves_the_consistency_band_as_often_as_allowed",
        f"{CURVES}::test_rare_events_stay_in_the_consistency_band",
        f"{CURVES}::test_the_bootstrap_band_covers_at_a_point",
        "test_calibration/test_bands.py::test_the_honest_band_is_that_of_all_runs",
    ),
    "calibration.risk_coverage_curve": (
        f"{SELECTIVE}::test_band_at_a_threshold_and_at_a_share_fixed_before",
        f"{SELECTIVE}::test_band_in_many_more_draws_and_where_it_promises_nothing",
        f"{SELECTIVE}::test_clustered_band_and_the_estimate_of_the_docstring",
        "test_calibration/test_selective.py::test_band_is_clopper_pearson_of_each_threshold",
    ),
    "calibration.score_decomposition": (
        "test_calibration/test_corp.py::test_the_score_is_that_of_scikit_learn",
        "test_calibration/test_corp.py::test_rows_give_the_same",
    ),
    "calibration.smooth_calibration_error": (
        "test_calibration/test_smooth.py::test_the_error_is_the_bandwidth_that_equals_its_integral",
        "test_calibration/test_smooth.py::test_a_mean_residual_bounds_it_from_below_and_a_constant_from_above",
        "test_calibration/test_smooth.py::test_calibrated_forecasts_err_by_the_cube_root",
    ),
}

BAYES = {
    "bayes.SimplexRanker": (
        "test_bayes/test_gibbs.py::test_means_are_the_exact_ones",
        "test_bayes/test_pymc.py::test_joint_nuts_gibbs_and_enumeration_agree",
        "statistical/test_judges_calibration.py::test_ranks_are_uniform",
        "statistical/test_tempered_coverage.py::test_tempered_intervals_hold_their_level",
        "statistical/test_tempered_coverage.py::test_untempered_intervals_are_too_narrow",
        "statistical/test_judges_summeval.py::test_more_true_ranks_are_held_than_by_a_naive_bootstrap",
    ),
    "bayes.identifiability": (
        "test_bayes/test_identifiability.py::test_the_verdicts_agree_with_the_rank_of_the_derivative",
    ),
    "bayes.simplex_breakdown": (
        "test_bayes/test_breakdown.py::test_no_model_within_the_bound_has_another_order",
        "test_bayes/test_breakdown.py::test_the_end_of_a_paired_difference_errs_as_rarely_as_it_says",
        "test_bayes/test_breakdown.py::test_all_ends_hold_at_once",
        "test_bayes/test_breakdown.py::test_no_false_certainty_from_unfair_judges",
    ),
}

CAUSAL = {
    "causal.Classical": (
        "test_causal/test_naive.py::test_classical_is_welch_on_truth",
        "test_causal/test_naive.py::test_classical_least_squares_is_that_of_statsmodels",
        f"{PPI}::test_few_units_that_carry_the_estimate",
    ),
    "causal.LinearDebiaser": (
        f"{DEBIASERS}::test_the_interval_covers_and_one_without_the_calibration_step_does_not",
        f"{DEBIASERS}::test_a_weak_slope_needs_fieller",
        f"{DEBIASERS}::test_the_line_covers_on_other_laws",
        f"{DEBIASERS}::test_regressions_cover",
        f"{DEBIASERS}::test_clusters_and_weights_cover",
        f"{DEBIASERS}::test_propensities_and_few_rows_cover",
        f"{DEBIASERS}::test_one_large_calibration_cluster_among_small_ones",
        f"{DEBIASERS}::test_in_the_other_world_the_correction_spoils_what_was_right",
    ),
    "causal.Naive": (f"{DEBIASERS}::test_biases_are_those_of_the_table",),
    "causal.PredictionPowered": (
        f"{PPI}::test_mean_of_normal_outcomes",
        f"{PPI}::test_mean_whatever_the_predictions",
        f"{PPI}::test_mean_of_heavy_tails",
        f"{PPI}::test_what_fifty_skewed_labels_lose_is_known",
        f"{PPI}::test_clusters",
        f"{PPI}::test_one_large_cluster_among_small_ones",
        f"{PPI}::test_sampling_weights_restore_the_population",
        f"{PPI}::test_effects",
        f"{PPI}::test_least_squares_where_the_predictions_have_another_slope",
        f"{PPI}::test_logistic_regression",
        f"{PPI}::test_median_of_few_labels",
        f"{PPI}::test_quantiles",
    ),
    "causal.SplineDebiaser": (
        f"{DEBIASERS}::test_splines_cover",
        f"{DEBIASERS}::test_splines_cover_where_the_line_does_not",
    ),
    "causal.TweedieDebiaser": (
        f"{DEBIASERS}::test_tweedie_covers_where_calibration_is_what_the_error_is_made_of_and_fails_on_a_large_trial",
    ),
    "causal.add_calibration_variance": (
        "statistical/test_calibration_variance.py::test_coverage_of_linear_models",
        "statistical/test_calibration_variance.py::test_what_the_errors_of_the_software_cover_alone",
    ),
    "causal.combine": (
        "statistical/test_combine_coverage.py::test_size_and_coverage",
        "statistical/test_combine_coverage.py::test_size_and_coverage_in_many_runs_and_what_independence_would_do",
        "statistical/test_combine_coverage.py::test_clusters_that_both_share",
    ),
    "causal.dsl": (
        f"{PPI}::test_dsl",
        f"{PPI}::test_dsl_with_clusters",
        f"{PPI}::test_dsl_of_two_labels_in_each_stratum",
        f"{PPI}::test_independent_sampling_overstates_the_error_of_a_fixed_number",
    ),
    "causal.overidentification_test": (
        "statistical/test_combine_coverage.py::test_size_and_coverage",
        "statistical/test_combine_coverage.py::test_power_in_the_wrong_world",
    ),
    "causal.shrinkage_diagnostic": (
        "statistical/test_diagnostic_size.py::test_a_world_that_holds_is_rarely_rejected",
        "statistical/test_diagnostic_size.py::test_a_world_that_holds_is_rarely_rejected_under_any_law",
        "statistical/test_diagnostic_size.py::test_the_advice_is_mostly_right_where_groups_differ",
        "statistical/test_calibration_variance.py::test_coverage_of_the_slopes_of_the_diagnostic",
    ),
}

EPISTEMIC = {
    "uq.epistemic.PairDistribution": (
        f"{PAIRS}::test_squared_error_equals_the_variance_for_classes_of_the_model",
        f"{PAIRS}::test_it_fails_for_classes_of_the_truth_and_for_rows_picked_by_it",
        f"{PAIRS}::test_intervals_cover_in_every_group",
        f"{PAIRS}::test_no_shorter_interval_would_do",
    ),
    "uq.epistemic.PairDistribution.interval": (f"{PAIRS}::test_intervals_cover_in_every_group",),
    "uq.epistemic.PairHeadClassifier": (
        "test_epistemic/test_classifier.py::test_what_is_noise_and_what_is_not_known",
        "test_epistemic/test_heads.py::test_the_law_of_pairs_is_learned",
    ),
    "uq.epistemic.RepeatedAnswers.interval": (
        f"{PAIRS}::test_interval_of_repeated_answers_covers_the_samplers_variance",
    ),
    "uq.epistemic.ScaledVariance": (f"{PAIRS}::test_a_scale_of_members_is_right_for_as_many",),
    "uq.epistemic.SecondOrderCalibration": (
        f"{PAIRS}::test_factor_is_enough_as_often_as_it_says",
        f"{PAIRS}::test_factor_is_enough_in_many_more_draws_and_betting_is_the_shortest",
        f"{PAIRS}::test_each_class_has_a_factor_at_once",
        f"{PAIRS}::test_the_mean_ratio_alone_is_not_enough",
        f"{PAIRS}::test_a_third_answer_bought_by_the_first_two_breaks_the_promise_and_the_first_two_keep_it",
        "test_epistemic/test_chaosnli.py::test_factor_holds_on_other_items",
    ),
    "uq.epistemic.SecondOrderError.interval": (f"{BOUNDS}::test_betting_covers_on_each_side_at_every_level",),
    "uq.epistemic.heads.DirichletHead": (
        f"{HEADS}::test_every_table_is_symmetric_and_sums_to_one",
        f"{HEADS}::test_mixture_and_dirichlet_never_contradict_themselves",
    ),
    "uq.epistemic.heads.JointHead": (
        f"{HEADS}::test_every_table_is_symmetric_and_sums_to_one",
        f"{HEADS}::test_the_joint_head_can_contradict_itself_and_diagnose_tells",
    ),
    "uq.epistemic.heads.MixtureHead": (
        f"{HEADS}::test_every_table_is_symmetric_and_sums_to_one",
        f"{HEADS}::test_mixture_and_dirichlet_never_contradict_themselves",
    ),
    "uq.epistemic.heads.pair_log_loss": (
        f"{HEADS}::test_the_loss_is_the_mean_over_ordered_pairs",
        f"{HEADS}::test_where_the_head_can_say_all_it_learns_the_shares_of_pairs",
    ),
    "uq.epistemic.pair_counts": ("test_epistemic/test_pair_counts.py::test_both_are_unbiased",),
    "uq.epistemic.second_order_calibration_error": (
        f"{PAIRS}::test_debiased_square_is_0_on_average_and_the_error_its_noise",
        f"{PAIRS}::test_debiased_square_finds_the_square_of_the_gap",
        f"{PAIRS}::test_debiased_square_of_a_dozen_rows_is_0_on_average",
    ),
    "uq.epistemic.second_order_score": (
        "test_epistemic/test_pair_counts.py::test_both_are_unbiased",
        "test_epistemic/test_metrics.py::test_score_of_each_row",
        "test_epistemic/test_metrics.py::test_scores_compare_models_of_one_marginal_only",
    ),
    "uq.epistemic.selective_answer": (
        f"{PAIRS}::test_hallucinations_stay_below_their_bound",
        f"{PAIRS}::test_the_bound_is_attained_where_probabilities_are_0_or_one_number",
        f"{PAIRS}::test_answers_drawn_and_judged",
    ),
    "uq.epistemic.squared_error_ustatistic": ("test_epistemic/test_pair_counts.py::test_both_are_unbiased",),
}

REUSED = {
    "uq.reuse.GaussianMechanism": (
        f"{REUSE}::test_reconstruction",
        f"{REUSE}::test_reconstruction_many_more",
        f"{REUSE}::test_random_queries",
        "test_reuse/test_gaussian.py::test_noise_has_its_law_and_no_trace_of_the_mean",
    ),
    "uq.reuse.GuessAndCheck": (
        f"{REUSE}::test_reconstruction",
        f"{REUSE}::test_reconstruction_many_more",
        f"{REUSE}::test_guesses_that_probe_the_check",
        f"{REUSE}::test_random_queries",
        f"{REUSE}::test_one_fixed_query_at_its_level",
        "test_reuse/test_guess_and_check.py::test_exact_probability_that_all_answers_hold",
    ),
    "uq.reuse.Holdout": (
        "test_reuse/test_holdout.py::test_every_mechanism_answers_through_the_same_door",
        "test_reuse/test_ledger_processes.py::test_six_processes_three_of_them_killed_between_debit_and_answer",
        "test_reuse/test_query.py::test_values_from_other_rows_are_refused_for_nothing",
        "test_reuse/test_holdout.py::test_noise_comes_from_the_system_unless_it_is_said_to_be_insecure",
    ),
    "uq.reuse.Ladder": (f"{REUSE}::test_ladder", "test_reuse/test_ladder.py::test_a_plain_ladder"),
    "uq.reuse.NaiveReuse": (
        f"{REUSE}::test_naive_reuse_covers_nothing",
        f"{REUSE}::test_naive_reuse_covers_nothing_in_many_more",
    ),
    "uq.reuse.PrivateMultiplicativeWeights": (
        f"{REUSE}::test_random_queries_to_a_model",
        "test_reuse/test_multiplicative_weights.py::test_the_hardest_analyst_never_exhausts_the_failures",
    ),
    "uq.reuse.SampleSplitting": (
        f"{REUSE}::test_reconstruction",
        f"{REUSE}::test_random_queries",
        "test_reuse/test_gaussian.py::test_splitting_misses_no_more_often_than_it_may",
    ),
    "uq.reuse.Thresholdout": (
        f"{REUSE}::test_reconstruction",
        f"{REUSE}::test_random_queries",
        "test_reuse/test_thresholdout.py::test_one_failure_costs_what_the_account_says",
        "statistical/test_science_experiment.py::test_thresholdout_stays_within_two_percent",
    ),
    "uq.reuse.plan": ("test_reuse/test_plan.py::test_every_row_is_the_certificate_of_its_mechanism",),
    "uq.reuse.transfer_bound": (
        "test_reuse/test_transfer.py::test_no_mechanism_and_no_analyst_violates_the_bound",
        "test_reuse/test_transfer.py::test_no_random_mechanism_violates_the_bound",
        "test_reuse/test_transfer.py::test_groups_of_rows_need_more_than_the_bound_of_one_row",
        f"{REUSE}::test_transfer_bound_at_other_sizes",
    ),
}

VERIFIED_BY = {**UQ, **CONFORMAL, **CALIBRATION, **BAYES, **CAUSAL, **EPISTEMIC, **REUSED}
