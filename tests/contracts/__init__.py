"""Suites that later code inherits: subclass one, give the fixture it asks for, and its tests run on your object.

::

    from contracts import IntervalContract, OutputEstimatorContract

    class TestMyDebiaser(OutputEstimatorContract):
        @pytest.fixture
        def estimator(self):
            return MyDebiaser()

    class TestMyLaw(IntervalContract, PValueContract):
        @pytest.fixture(params=CASES, ids=repr)
        def result(self, request):
            return request.param

Every hook has a default; a suite that does not fit one object is adapted by overriding the hook, never by skipping the
test. `contracts/test_mutants_*.py` show, for each suite, the faults that it finds.

IntervalContract
    Anything that answers an `Interval`. Fixture `result`.
PValueContract
    Anything whose p-value is the dual of its interval. Fixture `result`.
SuperUniformContract
    Any p-value, by simulation under its null. Method `simulate(rng)`.
OutputEstimatorContract
    Estimators of outputs, ``fit(outputs, y)``. Fixtures `estimator` and, with a default, `data`.
CalibratorContract
    Recalibrators, an OutputEstimatorContract that asks more. Fixture `estimator`, attribute `n_columns`.
require, require_data, in_container
    `require("pandas")` imports or skips (fails under ERRORBARS_REQUIRE=all), `require_data("area/file.csv")` does the
    same for data beside the checkout; `in_container` puts an array into any of the CONTAINERS that we accept.
"""

from .calibrators import CalibratorContract as CalibratorContract
from .containers import CONTAINERS as CONTAINERS
from .containers import FRAMES as FRAMES
from .containers import in_container as in_container
from .containers import require as require
from .containers import require_data as require_data
from .intervals import IntervalContract as IntervalContract
from .outputs import OutputEstimatorContract as OutputEstimatorContract
from .pvalues import PValueContract as PValueContract
from .pvalues import SuperUniformContract as SuperUniformContract
