"""When chains are drawn anew: a longer warm-up for those that stay in different modes, and for nobody else."""

import numpy as np
import pytest
from judges_brute import problem_of

from bayes.ranking import _sampling
from bayes.ranking._learning import disagreement
from bayes.ranking._sampling import sample_gibbs

ITEMS = np.random.default_rng(0).integers(0, 2, (20, 3)), np.repeat([0, 1], 10), np.full(20, -1)


@pytest.fixture
def warm_ups(monkeypatch):
    """Chains that disagree, as often as asked for; returns the warm-ups that were run."""
    real, seen = _sampling._run, []

    def run(problem, draws, tune, chains, *rest):
        seen.append(tune)
        found = real(problem, draws, 10, chains, *rest)
        if tune in apart:
            first = np.arange(chains)[:, None, None] * 0.2 + 0.001 * np.arange(draws)[:, None]
            found["pi"] = np.stack([first, 1 - first], axis=-1) + np.zeros((1, 1, problem.n_cells, 1))
        return found

    apart: set[int] = set()
    monkeypatch.setattr(_sampling, "_run", run)
    return seen, apart


def sample(tune, chains=4):
    return sample_gibbs(problem_of(*ITEMS), draws=300, tune=tune, chains=chains, rng=np.random.default_rng(1))


def test_chains_that_agree_are_drawn_once(warm_ups):
    seen, _ = warm_ups
    sample(100)
    assert seen == [100]


@pytest.mark.slow
def test_chains_that_disagree_are_drawn_anew_once(warm_ups):
    seen, apart = warm_ups
    apart |= {100}
    again = sample(100)
    assert seen == [100, 400]
    assert np.ptp(again["pi"].mean(axis=1), axis=0).max() < 0.2
    apart |= {400}
    sample(100)
    assert seen == [100, 400] * 2


@pytest.mark.parametrize(("tune", "chains", "most"), [(99, 4, 20_000), (100, 1, 20_000), (100, 4, 10)])
@pytest.mark.slow
def test_sketches_single_chains_and_large_problems_are_left_as_they_are(warm_ups, monkeypatch, tune, chains, most):
    seen, apart = warm_ups
    apart |= {tune}
    monkeypatch.setattr(_sampling, "AGAIN_MOST", most)
    sample(tune, chains)
    assert seen == [tune]


def test_the_message_says_which_level_chains_use_unlike_each_other():
    from bayes.ranking._diagnosis import diagnose

    rng = np.random.default_rng(0)
    pi = np.array([[0.1, 0.5, 0.4], [0.3, 0.35, 0.35]])[:, None, None] + np.zeros((2, 50, 2, 3))
    utility = pi @ np.arange(3.0) + 0.01 * rng.random((2, 50, 2))
    found = diagnose(utility, np.full((2, 50, 1, 3, 3), 1 / 3), None, ["a", "b"], "test")
    text = disagreement(found, pi, np.array([1.0, 2.0, 3.0]))
    assert "True score 1 holds 10% of the items in one chain and 30% in another. Take more draws" in text
    assert "merged before the fit" in text
