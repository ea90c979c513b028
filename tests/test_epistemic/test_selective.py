"""Selective answers: each method by its definition, draws by their frequencies, silence where nothing is allowed."""

import pickle

import numpy as np
import pytest
from contracts import require
from scipy import stats

from uq.epistemic import PairDistribution, selective_answer
from uq.exceptions import InputError

from .naive import World


def pairs_of(n):
    world = World(11)
    return PairDistribution(world.joint[np.arange(n) % len(world.joint)])


def test_argmax_is_the_most_probable_of_the_allowed():
    pairs = pairs_of(4)
    bound = 1 - pairs.epistemic_confidence()
    for most in (0.0, 0.2, 0.5, 0.8, 1.0):
        chosen = selective_answer(pairs, most, "argmax")
        for i in range(4):
            allowed = [k for k in range(3) if bound[i, k] <= most and pairs.marginal[i, k] > 0]
            best = max(allowed, key=lambda k: pairs.marginal[i, k]) if allowed else -1
            assert chosen.answers[i] == best
            assert chosen.bounds[i] == (bound[i, best] if allowed else 0.0)
        assert chosen.hallucination_bound <= most


@pytest.mark.parametrize("most", [0.3, 0.5, 0.8])
def test_filter_and_rejection_draw_from_the_model(most):
    n = 40000
    pairs = pairs_of(n)
    bound = 1 - pairs.epistemic_confidence()
    filtered = selective_answer(pairs, most, "filter", rng=1).answers
    kept = selective_answer(pairs, most, "rejection", rng=2).answers
    for g in range(4):
        at = np.arange(n) % 4 == g
        m, allowed = pairs.marginal[g], bound[g] <= most
        for found, p in (
            (filtered[at], np.append(np.where(allowed, m, 0), m[~allowed].sum())),
            (kept[at], np.append(m * allowed / (m @ allowed), 0) if allowed.any() else np.array([0, 0, 0, 1.0])),
        ):
            count = np.array([(found == k).sum() for k in (0, 1, 2, -1)])
            assert (count[p == 0] == 0).all()
            assert stats.chisquare(count[p > 0], p[p > 0] * at.sum()).pvalue > 1e-4 if (p > 0).sum() > 1 else True


def test_negative_variances_are_never_said():
    joint = np.array([[[0.1, 0.4], [0.4, 0.1]], [[0.25, 0.25], [0.25, 0.25]]])
    for method in ("filter", "rejection", "argmax"):
        chosen = selective_answer(joint, 1.0, method, rng=0)
        assert chosen.answers[0] == -1
        assert chosen.answers[1] >= 0
    assert chosen.answered == 0.5


def test_a_class_of_no_probability_is_never_said():
    joint = np.tile(np.diag([0.0, 1.0, 0.0]), (500, 1, 1))
    for method in ("filter", "rejection", "argmax"):
        assert (selective_answer(joint, 1.0, method, rng=0).answers == 1).all()


def test_certain_is_certain_in_doubles():
    p = np.random.default_rng(0).dirichlet(np.ones(5), 1000)
    known = np.einsum("ni,nj->nij", p, p)
    assert selective_answer(known, 0, "argmax").answered == 1
    assert selective_answer(known, 0, "rejection", rng=0).answered == 1
    assert selective_answer(known.astype(np.float32), 0, "argmax").answered == 0
    assert selective_answer(known.astype(np.float32), 1e-4, "argmax").answered == 1


def test_seeds_and_labels():
    pairs = PairDistribution(World(11).joint, classes=["a", "b", "c"])
    assert selective_answer(pairs, 0.8, rng=3) == selective_answer(pairs, 0.8, rng=3)
    chosen = selective_answer(pairs, 1.0, "argmax")
    assert chosen.labels.tolist() == [pairs.classes[k] for k in chosen.answers]
    silent = selective_answer(np.diag([0.5, 0.5])[None], 0.1, "argmax")
    assert silent.labels.tolist() == [None]
    assert (silent.answered, silent.hallucination_bound) == (0.0, 0.0)


def test_result_behaves_as_a_result():
    require("matplotlib").use("Agg")
    require("pandas")
    chosen = selective_answer(pairs_of(5), 0.5, "argmax")
    assert pickle.loads(pickle.dumps(chosen)) == chosen
    assert len(chosen.to_frame()) == 5
    assert chosen._repr_html_()
    assert "rows answered" in str(chosen)
    assert chosen.plot().get_xlabel() == "bound on hallucination"
    assert not chosen.certified


@pytest.mark.parametrize(
    ("most", "options", "words"),
    [
        (-0.1, {}, "max_hallucination"),
        (1.1, {}, "max_hallucination"),
        (None, {}, "max_hallucination"),
        (np.nan, {}, "max_hallucination"),
        (0.5, {"method": "sample"}, "method must be one of"),
        (0.5, {"rng": "a"}, "rng must be"),
    ],
)
def test_bad_input_is_refused(most, options, words):
    with pytest.raises(InputError, match=words):
        selective_answer(pairs_of(3), most, **options)
    with pytest.raises(InputError, match="PairDistribution"):
        selective_answer(None, 0.5)
