"""One array in every container that the library accepts, and optional libraries that must not go missing unseen."""

import importlib
import os
import warnings
from pathlib import Path

import numpy as np
import pytest


def require(name):
    """Import an optional library; where it is missing skip the test, or fail it under ``ERRORBARS_REQUIRE=all``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a library says about its own imports is not ours to judge
            return importlib.import_module(name)
    except ImportError as error:
        message = f"{name} is not installed ({error})"
        if os.environ.get("ERRORBARS_REQUIRE") == "all":
            pytest.fail(message)
        pytest.skip(message, allow_module_level=True)


def require_data(name):
    """Return the path of a file of ``../shared/data``; where it is missing skip the test, or fail it as `require`."""
    path = Path(__file__).resolve().parents[3] / "shared" / "data" / name
    if not path.exists():
        message = f"{path} is missing; the data do not come with the package"
        if os.environ.get("ERRORBARS_REQUIRE") == "all":
            pytest.fail(message)
        pytest.skip(message)
    return path


def _read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def _non_contiguous(x):
    wide = np.full((2 * len(x), *x.shape[1:]), 77.0)
    wide[::2] = x
    return wide[::2]


def _frame(library, x):
    if x.ndim == 1:
        return library.Series(x)
    return library.DataFrame({f"c{j}": x[:, j] for j in range(x.shape[1])})


def _pandas(x):
    series = _frame(require("pandas"), x)
    series.index = [f"row {i}" for i in range(len(x))]
    return series


def _pandas_nullable(x):
    return _frame(require("pandas"), x).astype("Float64")


def _pandas_arrow(x):
    require("pyarrow")
    return _frame(require("pandas"), x).astype("double[pyarrow]")


def _arrow(x):
    pa = require("pyarrow")
    return pa.array(x) if x.ndim == 1 else pa.table({f"c{j}": x[:, j] for j in range(x.shape[1])})


def _arrow_chunked(x):
    pa = require("pyarrow")
    half = len(x) // 2
    if x.ndim == 1:
        return pa.chunked_array([x[:half], x[half:]])
    return pa.concat_tables([_arrow(x[:half]), _arrow(x[half:])])


def _torch(x, dtype="float64", requires_grad=False):
    torch = require("torch")
    # through a list: torch warns about NumPy arrays that cannot be written to
    device = os.environ.get("ERRORBARS_TORCH_DEVICE", "cpu")  # "cuda": the containers on a GPU
    return torch.tensor(x.tolist(), dtype=getattr(torch, dtype), requires_grad=requires_grad, device=device)


# Values must fit into 8 significant bits (bfloat16) for all of these to hold the same numbers.
CONTAINERS = {
    "list": lambda x: x.tolist(),
    "tuple": lambda x: tuple(x.tolist()) if x.ndim == 1 else tuple(map(tuple, x.tolist())),
    "float16": lambda x: x.astype(np.float16),
    "float32": lambda x: x.astype(np.float32),
    "longdouble": lambda x: x.astype(np.longdouble),
    "big-endian": lambda x: x.astype(">f8"),
    "object": lambda x: x.astype(object),
    "fortran": np.asfortranarray,
    "read-only": _read_only,
    "non-contiguous": _non_contiguous,
    "reversed view": lambda x: x[::-1].copy()[::-1],
    "unmasked": np.ma.masked_array,
    "pandas": _pandas,
    "pandas nullable": _pandas_nullable,
    "pandas arrow": _pandas_arrow,
    "polars": lambda x: _frame(require("polars"), x),
    "pyarrow": _arrow,
    "pyarrow chunked": _arrow_chunked,
    "torch": _torch,
    "torch float32": lambda x: _torch(x, "float32"),
    "torch bfloat16": lambda x: _torch(x, "bfloat16"),
    "torch requires_grad": lambda x: _torch(x, requires_grad=True),
}

# Those that have columns with names or missing values of their own.
FRAMES = ("pandas", "pandas nullable", "pandas arrow", "polars", "pyarrow", "pyarrow chunked")


def in_container(kind, x):
    """Return the float64 array `x`, one- or two-dimensional, in the container named `kind`."""
    return CONTAINERS[kind](np.asarray(x, dtype=np.float64))
