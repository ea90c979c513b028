"""What is to be found in tables of real measurements: accuracies of a classifier, and throughputs with crashes."""

import csv
import sys
from functools import cache
from pathlib import Path

import numpy as np

from .problems import Problem
from .spaces import Dimension, Space

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "bo"
# (model, input and output length); the first is the one on which the classifier of crashes was first seen to help
SERVING = (("Meta-Llama-3-8B", 1024), ("Llama-2-7b-hf", 512), ("Mistral-7B-v0.1", 1024), ("Qwen2-7B", 1024))
DEFAULT = ("H100", "vLLM", 1, 1)  # hardware, framework, devices, batch: works for all four, near the median throughput
DEVICES, BATCHES = (1, 2, 4, 8), (1, 16, 32, 64, 128, 256)


@cache
def _rows(name):
    with open(DATA / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digits():
    """Return the tuning of a support vector machine: an observation is one random split, the truth their mean."""
    rows = _rows("digits_svm_table.csv")
    grid = {k: sorted({float(r[k]) for r in rows}) for k in ("pca_dim", "log10_C", "log10_gamma")}
    kernels = tuple(sorted({r["kernel"] for r in rows}))
    space = Space(
        (
            Dimension("kernel", "categorical", levels=kernels),
            *(Dimension(k, "integer", 0, len(v) - 1) for k, v in grid.items()),
        )
    )
    table = {
        (r["kernel"], *(v.index(float(r[k])) for k, v in grid.items())): np.array([float(r[f"s{i}"]) for i in range(6)])
        for r in rows
    }
    return Problem(
        "digits_svm",
        space,
        lambda p: float(table[space.key(p)].mean()),
        max(float(v.mean()) for v in table.values()),
        noisy=lambda p, rng: float(table[space.key(p)][rng.integers(6)]),
        unit=100.0,
        about="SVM on digits, 1452 cells, one random split per observation; accuracy points",
    )


def throughput(model, length, default_first):
    """Return log10 tokens per second and device; cells that nobody reported count as crashes."""
    found = {}
    for r in _rows("llm_inference_bench.csv"):
        if (r["model"], int(r["io_length"])) == (model, length):
            n = int(r["n_devices"])
            cell = r["hardware"], r["framework"], DEVICES.index(n), BATCHES.index(int(r["batch_size"]))
            found.setdefault(cell, []).append(float(r["throughput_tok_s"]) / n)
    table = {cell: float(np.log10(np.mean(v))) for cell, v in found.items()}  # repeated measurements are averaged
    space = Space(
        (
            Dimension("hardware", "categorical", levels=tuple(sorted({c[0] for c in table}))),
            Dimension("framework", "categorical", levels=tuple(sorted({c[1] for c in table}))),
            Dimension("log2_devices", "integer", 0, 3),
            Dimension("batch_index", "integer", 0, 5),
        )
    )
    first = dict(zip(space.names, (*DEFAULT[:2], DEVICES.index(DEFAULT[2]), BATCHES.index(DEFAULT[3])), strict=True))

    def start(rng):
        order = [space.cells[i] for i in rng.permutation(len(space.cells))]
        if default_first:
            order = [first, *(p for p in order if p != first)]
        return order[:8]

    short = model.lower().removeprefix("meta-").split("-b")[0].replace("-hf", "").replace("-v0.1", "")
    crash = 1 - len(table) / len(space.cells)
    return Problem(
        f"llm_{short}_{length}_{'default' if default_first else 'random'}",
        space,
        lambda p: table.get(space.key(p)),
        max(table.values()),
        start=start,
        n_initial=8,
        budget=40,
        crashes=True,
        about=f"{model}, length {length}, log10 tokens/s/device, {len(space.cells)} cells of which {crash:.1%} crash; "
        + ("a working default and 7 random cells first" if default_first else "8 random cells first"),
    )


def measured():
    """Return the problems on tables; where the data are missing say so and return none."""
    if not DATA.exists():
        print(f"{DATA} is missing: the contest goes on without its tables", file=sys.stderr)
        return []
    return [digits(), *(throughput(*pair, default) for default in (True, False) for pair in SERVING)]
