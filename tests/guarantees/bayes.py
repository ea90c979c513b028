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
}
