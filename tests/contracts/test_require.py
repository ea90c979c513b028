"""A library or data that are missing skip a test on a small machine, and fail it where everything must be there."""

import pytest

from contracts import require, require_data


def test_what_is_there_is_imported():
    assert require("numpy.linalg").norm([3.0, 4.0]) == 5.0


@pytest.mark.parametrize(("setting", "outcome"), [("", pytest.skip.Exception), ("all", pytest.fail.Exception)])
def test_what_is_missing_skips_or_fails(monkeypatch, setting, outcome):
    monkeypatch.setenv("ERRORBARS_REQUIRE", setting)
    with pytest.raises(outcome, match="no_such_library is not installed"):
        require("no_such_library")
    with pytest.raises(outcome, match=r"no_such_file\.csv is missing"):
        require_data("conformal/no_such_file.csv")
