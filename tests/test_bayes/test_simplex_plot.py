"""The triangle: where judges and candidates are drawn, and what is written."""

import warnings

import numpy as np
import pytest
from contracts import require

from bayes import SimplexRanker
from uq._base import plot
from uq.exceptions import InputError

HEIGHT = 0.75**0.5


def votes_of(n_levels, n=120):
    rng = np.random.default_rng(0)
    often = np.r_[0.6, np.full(n_levels - 1, 0.4 / (n_levels - 1))]
    truth = np.concatenate([rng.choice(n_levels, n, p=law) for law in (often, often[::-1])])
    right = rng.random((2 * n, 3)) < 0.8
    score = np.where(right, truth[:, None], rng.integers(0, n_levels, (2 * n, 3)))
    return {
        "candidate": np.repeat(["low", "high"], 3 * n),
        "item": np.repeat(np.arange(2 * n), 3),
        "judge": np.tile(["x", "y", "z"], 2 * n),
        "score": score.ravel() + 1,
    }


@pytest.fixture(scope="module")
def ranker():
    return SimplexRanker(draws=200, tune=200, random_state=0).fit(votes_of(3))


def place(laws):
    laws = np.asarray(laws)
    return np.stack([laws[..., 1] / 2 + laws[..., 2], laws[..., 1] * HEIGHT], axis=-1)


def test_judges_and_candidates_stand_where_their_laws_are(ranker, axes):
    assert ranker.plot_simplex(axes) is axes
    judges = {line.get_label(): line for line in axes.lines if line.get_label() in ("x", "y", "z")}
    theta = ranker.theta_.mean(axis=(0, 1))
    for j, name in enumerate("xyz"):
        drawn = np.column_stack(judges[name].get_data())
        np.testing.assert_allclose(drawn, place(theta[j][[0, 1, 2, 0]]))
    (points,) = (line for line in axes.lines if line.get_marker() == "o")
    np.testing.assert_allclose(np.column_stack(points.get_data()), place(ranker.pi_.mean(axis=(0, 1))))
    clouds = [line for line in axes.lines if line.get_marker() == "."]
    assert len(clouds) == 2
    for cloud in clouds:
        x, y = cloud.get_data()
        assert len(x) == 200
        assert (y >= 0).all()
        assert (y <= 2 * HEIGHT * np.minimum(x, 1 - x) + 1e-12).all()  # inside the triangle
    written = {text.get_text(): text for text in axes.texts}
    assert {"1", "2", "3", "low", "high"} <= set(written)
    assert written["low"].xy[0] < written["high"].xy[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["x", "y", "z"]


def test_arrow_heads_point_to_the_corner_of_the_true_score(axes):
    """A judge without error fills the frame."""
    plot.simplex(
        axes,
        corners="abc",
        triangles=[np.eye(3)],
        triangle_names=["perfect"],
        points=[[1 / 3] * 3],
        point_names=["middle"],
        clouds=np.full((1, 2, 3), 1 / 3),
    )
    heads = {line.get_marker(): line.get_xydata()[0] for line in axes.lines if line.get_marker() in "<^>"}
    np.testing.assert_allclose([heads["<"], heads["^"], heads[">"]], place(np.eye(3)))
    corners = {text.get_text(): text.xy for text in axes.texts}
    np.testing.assert_allclose([corners[c] for c in "abc"], place(np.eye(3)))


def test_a_figure_of_its_own_and_the_draws_are_untouched(ranker):
    plt = require("matplotlib.pyplot")
    before = ranker.pi_.copy()
    axes = ranker.plot_simplex()
    axes.figure.canvas.draw()
    plt.close(axes.figure)
    np.testing.assert_array_equal(ranker.pi_, before)


@pytest.mark.parametrize("n_levels", [2, 4])
def test_only_three_levels_make_a_triangle(n_levels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ranker = SimplexRanker(draws=10, tune=10, random_state=0).fit(votes_of(n_levels, 40))
    with pytest.raises(InputError, match=f"a triangle needs three levels; got {n_levels}"):
        ranker.plot_simplex()
