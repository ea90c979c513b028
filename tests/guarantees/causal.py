"""Effects from predicted outcomes."""

__all__ = ["VERIFIED_BY"]

DEBIASERS = "statistical/test_debiaser_coverage.py"
PPI = "statistical/test_ppi_coverage.py"

VERIFIED_BY = {
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
