"""Errors of probabilities and what mends them."""

__all__ = ["VERIFIED_BY"]

CURVES = "statistical/test_curve_coverage.py"
BINNED = "statistical/test_binned_errors.py"
RECALIBRATORS = "statistical/test_recalibrators.py"
SELECTIVE = "statistical/test_selective_coverage.py"
PARAMETRIC = "test_calibration/test_parametric.py"
NONPARAMETRIC = "test_calibration/test_nonparametric.py"
LITTLE_LOST = f"{RECALIBRATORS}::test_little_is_lost_where_nothing_is_to_be_gained"

VERIFIED_BY = {
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
    "calibration.aurc": (
        "test_calibration/test_selective.py::test_ties_over_every_order",
        f"{SELECTIVE}::test_area_and_error_of_few_rows_are_biased_as_they_say",
        f"{SELECTIVE}::test_the_interval_of_the_area_covers",
    ),
    "calibration.calibration_test": (
        "test_calibration/test_calibration_test.py::test_against_the_enumeration_of_all_outcomes",
        f"{BINNED}::test_pvalues_of_calibrated_forecasts",
    ),
    "calibration.error_at_confidence": (
        f"{SELECTIVE}::test_area_and_error_of_few_rows_are_biased_as_they_say",
        f"{SELECTIVE}::test_clustered_band_and_the_estimate_of_the_docstring",
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
    "calibration.multicalibration_error": (
        "test_calibration/test_multicalibration.py::test_the_error_of_few_rows_is_never_too_small_on_average",
        "test_calibration/test_multicalibration.py::test_the_error_equals_its_definition",
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
