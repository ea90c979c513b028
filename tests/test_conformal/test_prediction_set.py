"""PredictionSet: what it holds, how it prints, plots and pickles, and what it refuses."""

import pickle

import numpy as np
import pytest
from contracts import require

from conformal import PredictionSet
from uq import coverage_report
from uq.exceptions import InputError

MASK = np.array([[True, False, False], [True, True, False], [False, False, False], [True, True, True]])
CLASSES = np.array(["bird", "cat", "dog"])


def sets(**fields):
    return PredictionSet(**{"mask": MASK, "classes": CLASSES, "confidence_level": 0.9, **fields})


def test_sizes_and_members():
    assert sets().sizes.tolist() == [1, 2, 0, 3]
    assert sets().contains(["bird", "dog", "cat", "dog"]).tolist() == [True, False, False, True]
    assert sets().contains(np.array([["bird"], ["cat"], ["cat"], ["fox"]])).tolist() == [True, True, False, False]
    numbers = sets(classes=[2, 0, 1])
    assert numbers.contains([2, 0, 0, 1.0]).tolist() == [True, True, False, True]
    assert numbers.contains([7, -1, 0, 2]).tolist() == [False, False, False, True], "no class is in no set"


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (["bird"], "one label per set"),
        ([1, 2, 3, 4], "of the kind of classes"),
        (["bird", None, "cat", "dog"], "missing"),
        (np.full((4, 2), "cat"), "one label per row"),
        ("bird", "array"),
    ],
)
def test_bad_labels_are_refused(y, words):
    with pytest.raises(InputError, match=words):
        sets().contains(y)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mask": MASK.astype(int)}, "boolean"),
        ({"mask": MASK[0]}, "boolean"),
        ({"classes": ["a", "b"]}, "one label per column"),
        ({"classes": ["a", "b", "a"]}, "differ"),
        ({"classes": ["a", None, "b"]}, "missing"),
        ({"index": ("a", "b")}, "one label per set"),
        ({"confidence_level": 90}, "confidence_level"),
        ({"guarantee": "sure"}, "guarantee"),
        ({"attained_level": 1.2}, "attained_level"),
        ({"attained_level": [0.9, 0.9]}, "attained_level"),
    ],
)
def test_bad_fields_are_refused(fields, words):
    with pytest.raises(InputError, match=words):
        sets(**fields)


def test_is_frozen_and_keeps_its_own_arrays():
    mask = MASK.copy()
    result = sets(mask=mask)
    mask[...] = False
    assert result.sizes.tolist() == [1, 2, 0, 3]
    with pytest.raises(ValueError, match="read-only"):
        result.mask[0, 0] = False
    with pytest.raises(AttributeError):
        result.mask = mask
    assert pickle.loads(pickle.dumps(result)) == result
    assert result != sets(mask=mask)
    assert result.to_dict()["mask"].tolist() == MASK.tolist()
    assert result.certified is False
    assert sets(guarantee="exact").certified


def test_prints_labels_and_cuts_long_ones():
    result = sets(attained_level=0.91, method="m", guarantee="exact")
    assert repr(result) == (
        "<4 sets of 3 classes, mean size 1.5, 90 % prediction sets (attained 91 %), method: m, guarantee: exact>"
    )
    text = str(result)
    assert "bird, cat, dog" in text
    assert "(empty)" in text
    assert "guarantee: exact" in text
    assert "bird, cat" in result._repr_html_()
    many = PredictionSet(mask=np.ones((200, 50), bool), classes=np.arange(50), confidence_level=0.9)
    lines = str(many).splitlines()
    assert len(lines) < 40
    assert lines[2].endswith("0, 1, 2, 3, 4, 5, ...")
    assert lines[-2].endswith("0, 1, 2, 3, 4, 5, ...")
    assert "row 7" in str(sets(index=("row 7", "b", "c", "d")))


@pytest.mark.slow
def test_draws_the_sizes(axes):
    assert sets().plot(axes) is axes
    assert [bar.get_height() for bar in axes.patches] == [1, 1, 1, 1]
    assert axes.get_xlabel() == "classes in the set"


def test_becomes_a_frame():
    require("pandas")
    frame = sets(index=("a", "b", "c", "d")).to_frame()
    assert frame.columns.tolist() == ["set_size", "bird", "cat", "dog"]
    assert frame.index.tolist() == ["a", "b", "c", "d"]
    assert frame["cat"].tolist() == MASK[:, 1].tolist()


def test_coverage_is_reported_by_the_size_of_the_sets():
    report = coverage_report(sets(), ["bird", "dog", "cat", "dog"])
    assert report.names == ("all", "size 0", "size 1", "size 2", "size 3")
    assert report.n_covered.tolist() == [2, 0, 1, 0, 1]
    assert report.mean_width is None
    assert coverage_report(sets(), ["bird", "dog", "cat", "dog"], strata=[1, 1, 2, 2]).names == ("all", "1", "2")
