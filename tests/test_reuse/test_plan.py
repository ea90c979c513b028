"""The plan: all certified mechanisms, in order, each with its own certificate."""

import numpy as np
import pytest
from contracts import require

from uq import citation
from uq.exceptions import InputError
from uq.reuse import Holdout, Ladder, plan


def test_every_row_is_the_certificate_of_its_mechanism():
    table = plan(5000, 50, 0.9, n_failures=4)
    assert len(table.mechanisms) == 6
    assert table.tolerance.tolist() == sorted(table.tolerance)
    for mechanism, tolerance in zip(table.mechanisms, table.tolerance, strict=True):
        assert mechanism.certificate(5000) == tolerance
        assert mechanism.guarantee == "finite-sample"
        assert mechanism.confidence_level == 0.9
    assert not isinstance(table.best, Ladder)
    assert table.certified


def test_small_and_large():
    assert len(plan(5, 50).mechanisms) == 5, "too few rows to split"
    assert (plan(5, 50).tolerance == 1).all()
    assert len(plan(1000, 50, n_failures=0).mechanisms) == 5, "Thresholdout needs a failure"
    huge = plan(10**9, 10**9)
    assert 0 < huge.tolerance[0] < 1e-3
    assert plan(10, 3, n_failures=99).n_failures == 3


def test_few_queries_and_many():
    # the crossover that the published bounds put far out
    assert type(plan(10_000, 3, n_failures=3).best).__name__ == "SampleSplitting"
    assert type(plan(10**5, 10**4, n_failures=10**4).best).__name__ == "GaussianMechanism"
    assert type(plan(10**5, 10**4, n_failures=10).best).__name__ == "GuessAndCheck"


def test_printing_and_plot():
    require("matplotlib")
    table = plan(5000, 50)
    for text in (str(table), repr(table), table._repr_html_()):
        assert "5000 rows" in text
    ax = table.plot()
    assert len(ax.patches) == 6
    ax.figure.clear()
    frame = require("pandas") and table.to_frame()
    assert list(frame.columns) == ["mechanism", "tolerance", "answers", "bound"]
    assert np.allclose(frame["tolerance"], table.tolerance)


def test_references():
    table = plan(1000, 10)
    for thing in (table, plan):
        text = citation(thing)
        assert all(key in text for key in ("rogers2020", "dwork2015", "blum2015", "dworkholdout2015", "hoeffding1963"))
    assert "rogers2020" in citation(table.best)
    holdout = Holdout(np.tile([0, 1], 50), Ladder(5))
    answer = holdout.mean(np.zeros(100))
    for thing in (answer, holdout, holdout.audit()):
        assert citation(thing) == citation(Ladder)
    assert "dworkholdout2015" in citation(Holdout)


@pytest.mark.parametrize("failures", [10**5, 10**6, 10**8])
def test_many_failures_are_no_matter(failures):
    """Neither of time nor of memory: 2 B terms would be too many."""
    table = plan(10**6, 10**8, n_failures=failures)
    assert table.n_failures == failures
    assert 0 < table.tolerance[0] < 1


def test_the_name_of_a_plan_is_its_best():
    table = plan(200_000, 10**6, n_failures=10)
    while not isinstance(table.mechanisms[0], Ladder):
        table = plan(table.n, table.n_queries, n_failures=table.n_failures * 4)
    assert f": {type(table.best).__name__} {table.tolerance[1]:.4g}" in repr(table)


@pytest.mark.parametrize(
    ("given", "words"),
    [((0, 5), "n must"), ((5, 0), "n_queries"), ((5, 5, 95), "confidence_level"), ((5, 5, 0.9, -1), "n_failures")],
)
def test_refusals(given, words):
    with pytest.raises(InputError, match=words):
        plan(*given)
