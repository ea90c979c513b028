"""Sets for batches."""

__all__ = ["VERIFIED_BY"]

BATCHES = "statistical/test_batch_coverage.py"
ROWS = "statistical/test_row_coverage.py"
SPLITS = "test_conformal/test_row_enumeration.py"
SELECTION = "statistical/test_selection_coverage.py"

VERIFIED_BY = {
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
