"""What one more sample buys."""

__all__ = ["VERIFIED_BY"]

PASSES = "statistical/test_sampling_passes.py"

VERIFIED_BY = {
    "uq.sampling.CoverageCurve": (
        "test_sampling/test_coverage_curve.py::test_maximum_likelihood_against_nelder_mead",
        "test_sampling/test_coverage_curve.py::test_extrapolation_warns_and_promises_nothing",
        "test_sampling/test_coverage_curve.py::test_the_trap_in_jailbreaking_counts",
    ),
    "uq.sampling.RewardCalibration": (
        "test_sampling/test_reward.py::test_a_new_reward_without_ties_is_uniform_on_ranks",
        "test_sampling/test_reward.py::test_a_reward_with_atoms_has_the_variance_that_is_said",
    ),
    "uq.sampling.allocate_samples": (
        "test_sampling/test_allocate.py::test_equal_costs_are_solved_exactly_by_greed",
        "test_sampling/test_allocate.py::test_whole_costs_are_solved_exactly_by_the_dynamic_program",
        "test_sampling/test_allocate.py::test_greed_says_how_far_off_it_can_be",
    ),
    "uq.sampling.best_of_n": (
        "test_sampling/test_best_of_n.py::test_one_prompt_against_all_subsets",
        "test_sampling/test_best_of_n.py::test_the_known_law_with_atoms",
    ),
    "uq.sampling.cost_of_pass": (
        "test_sampling/test_cost.py::test_the_mean_over_items_and_its_interval",
        "test_sampling/test_cost.py::test_resamples_have_the_moments_of_two_levels",
    ),
    "uq.sampling.essentialness": (
        "test_sampling/test_cost.py::test_essentialness_is_the_share_that_the_frontier_loses",
    ),
    "uq.sampling.frontier_cost_of_pass": (
        "test_sampling/test_cost.py::test_frontier_is_the_cheapest_of_all_models_and_the_baseline",
        "test_sampling/test_cost.py::test_the_smallest_of_noisy_prices_is_too_small_and_crossfit_is_not",
    ),
    "uq.sampling.importance_summary": (
        "test_sampling/test_importance.py::test_divergences_of_a_finite_law_by_hand",
        "test_sampling/test_importance.py::test_normal_rewards_in_closed_form",
        "test_sampling/test_importance.py::test_saturation_is_told",
    ),
    "uq.sampling.inference_time_transform": (
        "test_sampling/test_inference_time.py::test_the_solution_is_stationary",
        "test_sampling/test_inference_time.py::test_no_other_policy_does_better",
        "test_sampling/test_inference_time.py::test_monte_carlo_agrees",
    ),
    "uq.sampling.majority_at_k": (
        "test_sampling/test_majority.py::test_the_estimate_is_unbiased",
        f"{PASSES}::test_the_majority_is_covered",
    ),
    "uq.sampling.pass_all_k": (
        "test_sampling/test_pass_at_k.py::test_pass_all_k_counts_choices",
        f"{PASSES}::test_pass_all_k_is_pass_at_k_of_failures",
    ),
    "uq.sampling.pass_at_k": (
        "test_sampling/test_pass_at_k.py::test_a_fixed_number_is_unbiased",
        "test_sampling/test_pass_at_k.py::test_inverse_sampling_is_unbiased",
        f"{PASSES}::test_the_default_is_never_below_nominal",
        f"{PASSES}::test_fixed_problems_are_covered_at_any_number_of_samples",
        f"{PASSES}::test_clusters_are_covered_by_default",
        f"{PASSES}::test_what_asymptotic_intervals_lose_is_known",
        f"{PASSES}::test_the_rule_that_was_used_covers_and_a_fixed_number_does_not",
    ),
    "uq.sampling.stopping_rule": (
        "test_sampling/test_stopping_rule.py::test_as_many_attempts_as_the_dynamic_program_makes",
        "test_sampling/test_stopping_rule.py::test_monte_carlo_agrees",
    ),
    "uq.sampling.verified_sampling": (
        "test_sampling/test_verified.py::test_curves_are_those_of_attempts_made_one_by_one",
        "test_sampling/test_verified.py::test_monte_carlo_agrees",
        "test_sampling/test_verified.py::test_the_best_number_is_a_global_maximum",
    ),
    "uq.sampling.verified_sampling_from_counts": (
        "test_sampling/test_verified_counts.py::test_unbiased_for_every_number_of_attempts",
        "test_sampling/test_verified_counts.py::test_each_problem_is_the_average_over_all_orders",
    ),
}
