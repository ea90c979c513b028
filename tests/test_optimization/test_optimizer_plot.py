"""Pictures of a campaign."""

import numpy as np
import pytest
from contracts import require

from bayes import BayesianOptimizer, Categorical, Integer, Real
from uq.exceptions import InputError

SPACE = {"x": Real(0, 1), "lr": Real(1e-4, 1, log=True), "n": Integer(1, 300), "k": Categorical(["a", "b"])}


@pytest.fixture
def plt():
    require("matplotlib")
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


@pytest.fixture(scope="module")
def made():
    made = BayesianOptimizer(SPACE, direction="minimize", random_state=0)
    for _ in range(14):
        trial = made.ask()
        if trial.params["x"] > 0.9:
            made.tell(trial, status="failed")
        else:
            made.tell(trial, (trial.params["x"] - 0.3) ** 2 + (trial.params["k"] == "a"))
    made.tell(made.ask(), status="failed")
    return made


def test_progress_shows_values_the_best_so_far_and_failures(plt, made):
    ax = made.plot()
    told = [r for r in made.trials_ if r.status == "ok"]
    values, best, failed = (line.get_ydata() for line in ax.lines)
    assert values.tolist() == [r.value for r in told]
    assert best.tolist() == np.minimum.accumulate(values).tolist()
    assert len(failed) == len(made.trials_) - len(told)
    assert made.trials_.plot(ax=ax) is ax
    assert BayesianOptimizer(SPACE).plot().lines


@pytest.mark.parametrize("name", SPACE)
def test_a_slice_is_the_model_along_one_parameter(plt, made, name):
    ax = made.plot("slice", params=name)
    assert ax.get_xlabel() == name
    gp = made._models(made._campaign).objective
    mean = ax.lines[0].get_ydata()
    places = ax.lines[0].get_xdata()
    value = SPACE[name].choices[0] if name == "k" else places[0]
    value = int(value) if name == "n" else value
    row = made._campaign.settings.space.encode({**made.best_params_, name: value})
    assert mean[0] == pytest.approx(-gp.predict(row[None])[0])
    assert ax.get_xscale() == ("log" if name == "lr" else "linear")


@pytest.mark.slow
@pytest.mark.parametrize("names", [["x", "lr"], ["k", "n"], ("n", "x"), None], ids=str)
def test_a_surrogate_is_the_model_over_two(plt, made, names):
    ax = made.plot("surrogate", params=names)
    x, y = names or ("x", "lr")
    assert (ax.get_xlabel(), ax.get_ylabel()) == (x, y)
    mesh = ax.collections[0].get_array()
    assert np.isfinite(np.asarray(mesh)).all()
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("kind", "params", "words"),
    [
        ("progres", None, "kind must be one of"),
        ("slice", "z", "params must be 1 of"),
        ("slice", ["x", "n"], "params must be 1 of"),
        ("surrogate", "x", "params must be 2 of"),
        ("surrogate", ["x", "x"], "params must be 2 of"),
        ("surrogate", 3, "params must be 2 of"),
        ("slice", [[1]], "params must be 1 of"),
    ],
    ids=str,
)
def test_what_is_no_picture_is_refused(plt, made, kind, params, words):
    with pytest.raises(InputError, match=words):
        made.plot(kind, params=params)


def test_pictures_of_nothing_are_refused(plt):
    with pytest.raises(InputError, match="value"):
        BayesianOptimizer(SPACE).plot("slice")
    one = BayesianOptimizer({"x": Real(0, 1)}, random_state=0)
    one.tell({"x": 0.5}, 1.0)
    with pytest.raises(InputError, match="fewer"):
        one.plot("surrogate")


def test_diagnostics_have_a_picture_and_a_record_has_a_table(plt, made):
    assert made.diagnostics().plot().texts
    assert "coverage of 90 % forecasts" in str(made.diagnostics())
    assert str(made.trials_[0])
