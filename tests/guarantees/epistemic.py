"""What a model does not know."""

__all__ = ["VERIFIED_BY"]

BOUNDS = "statistical/test_bounds_coverage.py"
PAIRS = "statistical/test_second_order_coverage.py"
HEADS = "test_epistemic/test_heads.py"

VERIFIED_BY = {
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
