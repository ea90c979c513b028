"""What a holdout can still tell."""

__all__ = ["VERIFIED_BY"]

REUSE = "statistical/test_reuse_coverage.py"

VERIFIED_BY = {
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
