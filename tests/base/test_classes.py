"""Names of columns that are labels: as texts first, and as numbers where no text is the same."""

import numpy as np
import pytest
from contracts import require

from calibration import TemperatureScaling
from conformal import SplitConformal
from uq._base.classes import classes_in_names


@pytest.mark.parametrize(
    ("names", "labels", "expected"),
    [
        (["1", "01", "2"], ["01", "1", "2"], ["1", "01", "2"]),
        (["b", "1E1", "10"], ["10", "1E1", "b"], ["b", "1E1", "10"]),
        (["x", "nan"], ["nan", "x"], ["x", "nan"]),
        (["2.0", "1"], [1, 2], [2, 1]),
        (["True", "False"], [0, 1], [1, 0]),
        (["1.0", "1"], [1, 2], None),
        (["a", "b"], ["a", "c"], None),
        (None, ["a"], None),
        (["a", "b"], [], None),
    ],
)
def test_labels_in_the_order_of_the_names(names, labels, expected):
    found = classes_in_names(names, np.array(labels))
    assert expected is None if found is None else found.tolist() == expected


def test_columns_whose_names_read_alike_are_not_taken_for_each_other():
    pd = require("pandas")
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 300)
    names = np.array(["2", "01", "1"])  # sorted as texts they are another order
    y = names[[rng.choice(3, p=row) for row in p]]
    frame = pd.DataFrame(p, columns=names)
    assert TemperatureScaling().fit(frame, y).classes_.tolist() == names.tolist()
    assert SplitConformal(score="lac").fit(frame, y).classes_.tolist() == names.tolist()
