"""Rankings from judges, and the next experiment."""

__all__ = ["VERIFIED_BY"]


VERIFIED_BY = {
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
    "bayes.BayesianOptimizer": (
        "test_optimization/test_resume.py::test_suggestions_after_a_resume_are_bit_for_bit_the_same",
        "test_optimization/test_log.py::test_a_torn_last_line_is_cut_off_wherever_it_tore",
        "test_optimization/test_optimizer.py::test_the_recommendation_is_not_the_luckiest_observation",
        "test_optimization/test_average.py::test_the_gain_is_that_of_refits_from_scratch",
        "test_optimization/test_context.py::test_suggestions_after_a_resume_are_bit_for_bit_the_same",
    ),
    "bayes.BayesianOptimizer.run": (
        "test_optimization/test_run.py::test_an_interrupt_leaves_the_trial_pending_and_the_next_run_begins_with_it",
        "test_optimization/test_resume.py::test_a_process_that_is_killed_leaves_a_campaign_to_resume",
    ),
    "bayes.GaussianProcess": ("statistical/test_gp_coverage.py::test_known_hyperparameters_cover_what_they_promise",),
    "bayes.GaussianProcess.predict_interval": (
        "statistical/test_gp_coverage.py::test_refitted_folds_repair_what_the_model_promises",
        "statistical/test_gp_coverage.py::test_laws_that_no_gaussian_process_knows",
    ),
    "bayes.expected_improvement": (
        "test_optimization/test_expected_improvement.py::test_against_quadrature_in_units_of_y",
    ),
    "bayes.expected_max_affine": (
        "test_optimization/test_affine.py::test_random_lines_against_quadrature",
        "test_optimization/test_affine.py::test_logarithm_against_eighty_digits",
        "test_optimization/test_affine.py::test_gradients_against_differences",
    ),
    "bayes.knowledge_gradient": (
        "test_optimization/test_knowledge_gradient.py::test_among_candidates_against_refits_from_scratch",
        "test_optimization/test_knowledge_gradient.py::test_in_a_box_it_is_a_lower_bound_that_is_tight_where_it_counts",
    ),
    "bayes.max_value_entropy_search": ("test_optimization/test_entropy.py::test_information_is_the_entropy_lost",),
    "bayes.noisy_expected_improvement": (
        "test_optimization/test_noisy_ei.py::test_against_refits_from_scratch",
        "test_optimization/test_noisy_ei.py::test_against_simulated_observations",
        "test_optimization/test_noisy_ei.py::test_without_noise_it_is_expected_improvement",
    ),
    "bayes.probability_of_feasibility": (
        "test_optimization/test_bounds_and_feasibility.py::test_probability_is_that_of_the_normal_law",
    ),
    "bayes.thompson_sample": (
        "test_optimization/test_bounds_and_feasibility.py::test_points_are_drawn_with_the_probability_of_being_best",
    ),
    "bayes.upper_confidence_bound": (
        "test_optimization/test_bounds_and_feasibility.py::test_bound_is_mean_and_multiple_of_sd",
    ),
}
