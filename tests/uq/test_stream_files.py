"""Large and damaged files: what is torn is named, what is mapped stays in the file, memory is that of a batch."""

import subprocess
import sys

import numpy as np
import pytest
from contracts import require
from hypothesis import given, settings
from hypothesis import strategies as st

from uq import estimate_mean, iter_outputs, read_outputs
from uq.exceptions import InputError


def damage(path):
    content = bytearray(path.read_bytes())
    middle = len(content) * 3 // 4
    content[middle : middle + 400] = bytes(400)
    path.write_bytes(bytes(content))


def test_damage_in_the_middle(tmp_path):
    pa, pq = require("pyarrow"), require("pyarrow.parquet")
    values = np.random.default_rng(0).random(200_000)
    np.savez_compressed(tmp_path / "packed.npz", y=values)
    np.savez(tmp_path / "plain.npz", y=values)
    np.savez_compressed(tmp_path / "dense.npz", y=values.round(1))
    for name in ("packed.npz", "plain.npz", "dense.npz"):  # a sum stands at the end; no wrong row may come before it
        damage(tmp_path / name)
        with pytest.raises(InputError, match=r"'y' cannot be read after row \d+: "):
            iter_outputs(tmp_path / name)
    options = {"row_group_size": 10_000, "use_dictionary": False, "write_page_checksum": True}
    pq.write_table(pa.table({"y": values}), tmp_path / "a.parquet", **options)
    damage(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="cannot be read: "):
        read_outputs(tmp_path / "a.parquet")
    seen = []
    with pytest.raises(InputError, match=r"cannot be read after row \d+: ") as caught:
        seen.extend(batch["y"] for batch in iter_outputs(tmp_path / "a.parquet", batch_size=10_000))
    assert 12 <= len(seen) <= 15
    assert f"after row {10_000 * len(seen)}:" in str(caught.value)
    np.testing.assert_array_equal(np.concatenate(seen), values[: 10_000 * len(seen)])


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.99])
@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.parquet", "a.safetensors"])
def test_a_file_that_was_cut_off(tmp_path, name, keep):
    path = tmp_path / name
    data = np.random.default_rng(0).random(500)
    if name.endswith("npz"):
        np.savez(path, y=data)
    elif name.endswith("npy"):
        np.save(path, data)
    elif name.endswith("parquet"):
        require("pyarrow.parquet").write_table(require("pyarrow").table({"y": data}), path)
    else:
        require("safetensors.numpy").save_file({"y": data}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(InputError, match="incomplete"):
        iter_outputs(path)
    if "parquet" not in name:
        with pytest.raises(InputError, match="incomplete"):
            read_outputs(path, memory_map=True)


def saved(kind, folder):
    """Return a small file of one kind."""
    rng = np.random.default_rng(0)
    kept = {"y": rng.integers(0, 9, 7), "p": rng.random((7, 2), dtype=np.float32), "b": np.array(list("abcdefg"))}
    path = folder / f"p.{kind.removeprefix('packed ')}"
    if kind == "npy":
        np.save(path, np.asfortranarray(kept["p"]))
    elif kind == "npz":
        np.savez(path, f=np.asfortranarray(kept["p"]), **kept)
    elif kind == "packed npz":
        np.savez_compressed(path, **kept)
    elif kind == "parquet":
        columns = {"y": [1, None, 3], "t": ["a", None, "b"], "l": [[1.0, 2.0]] * 3, "n": [[1, None]] * 3}
        require("pyarrow.parquet").write_table(require("pyarrow").table(columns), path, row_group_size=2)
    else:
        require("safetensors.numpy").save_file({"y": kept["y"], "p": kept["p"]}, path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["npy", "npz", "packed npz", "parquet", "safetensors"])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_files_are_read_or_refused(tmp_path_factory, kind, data):
    """No foreign error, whatever bytes are changed or lost; and what is read in batches is what is read at once."""
    path = saved(kind, tmp_path_factory.mktemp("damaged"))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(1, len(content))) :]
    path.write_bytes(bytes(content))
    answers = []
    for read in (read_outputs, lambda p: joined(iter_outputs(p, batch_size=2)), mapped):
        try:
            answers.append(read(path))
        except InputError:
            answers.append(None)
    if answers[0] is not None and answers[1] is not None:
        assert list(answers[0]) == list(answers[1])
        for name, array in answers[0].items():
            np.testing.assert_array_equal(array, answers[1][name])


def joined(batches):
    batches = list(batches)
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def mapped(path):
    return read_outputs(path, memory_map=True)


# --- arrays that stay in the file


def mapping_of(array):
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array


def test_mapped_arrays_are_those_of_the_file(tmp_path):
    rng = np.random.default_rng(0)
    kept = {
        "y_prob": rng.random((11, 3), dtype=np.float32),
        "deep": rng.integers(0, 9, (11, 2, 3)),
        "y": rng.integers(0, 2, 11).astype(np.int8),
        "b": rng.random(11) < 0.5,
        "words": np.array([f"é{i}" for i in range(11)]),
        "big": rng.random(11).astype(">f8"),
        "day": np.datetime64("2020-01-01", "D") + np.arange(11),
        "nothing": np.zeros((11, 0)),
    }
    kept["fortran"] = np.asfortranarray(np.arange(22.0).reshape(11, 2))
    np.savez(tmp_path / "a.npz", **kept)
    np.save(tmp_path / "y_prob.npy", kept["fortran"])
    plain = {k: v for k, v in kept.items() if v.dtype.kind in "fib" and k not in ("big", "nothing", "fortran")}
    require("safetensors.numpy").save_file(plain, tmp_path / "a.safetensors")
    for path in (tmp_path / "a.npz", tmp_path / "y_prob.npy", tmp_path / "a.safetensors"):
        whole, mapped = read_outputs(path), read_outputs(path, memory_map=True)
        assert list(mapped) == list(whole)
        for name, array in mapped.items():
            assert type(array) is np.ndarray
            assert array.dtype == whole[name].dtype
            np.testing.assert_array_equal(array, whole[name])
            if array.size:
                assert mapping_of(array) is not None
                assert not array.flags.writeable
    scores = read_outputs(tmp_path / "a.npz", {"b": "b"}, memory_map=True)["b"]
    assert estimate_mean(scores) == estimate_mean(kept["b"])
    both = read_outputs(tmp_path / "a.npz", {"m": ["y", "b"]}, memory_map=True)["m"]
    np.testing.assert_array_equal(both, np.column_stack([kept["y"], kept["b"]]))


def test_what_cannot_be_mapped(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", y=np.zeros(3))
    np.savez(tmp_path / "b.npz", y=np.array([b"a", b"b"]))
    (tmp_path / "a.csv").write_text("y\n1\n")
    header = b'{"y":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
    (tmp_path / "c.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    for name, message in [
        ("a.npz", "'y' is compressed and cannot be mapped; save it with numpy.savez, or go through .* iter_outputs"),
        ("b.npz", "'y' holds bytes, which must be converted"),
        ("c.safetensors", "'y' holds bfloat16, which must be converted"),
        ("a.csv", r"memory_map must be False for \.csv"),
    ]:
        with pytest.raises(InputError, match=message):
            read_outputs(tmp_path / name, memory_map=True)


# --- memory

CHILD = r"""
import re, sys
import numpy as np
from uq import MeanAccumulator, iter_outputs, read_outputs
if sys.argv[1].endswith("parquet"):
    import pyarrow.parquet
def peak():  # not ru_maxrss, which a process inherits from the one that started it
    return int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024
warm = MeanAccumulator().fit(np.arange(20_000.0)).merge(MeanAccumulator().fit(np.arange(20_000.0) + 1)).mean()
before, total = peak(), MeanAccumulator()
for batch in iter_outputs(sys.argv[1], {"p": "p"}, batch_size=int(sys.argv[2])):
    total = total.partial_fit(batch["p"])
print(peak() - before, total.mean().estimate)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.npy", "a.npz", "packed.npz", "a.safetensors", "a.parquet", "a.csv", "a.jsonl"])
def test_memory_is_that_of_a_batch(tmp_path, name):
    """70 MB and more pass through a process that grows by far less."""
    text = name.endswith(("csv", "jsonl"))
    # pyarrow takes some 20 MB for itself
    n = 150_000 if text else 20_000_000 if name == "a.parquet" else 10_000_000
    values = np.random.default_rng(0).random(n)
    path = tmp_path / (name if name != "a.npy" else "p.npy")
    if name == "a.npy":
        np.save(path, values)
    elif name.endswith("npz"):
        # nearly constant, so that it is quickly packed; unpacked it is as large
        (np.savez if name == "a.npz" else np.savez_compressed)(path, p=values if name == "a.npz" else values.round(2))
    elif name.endswith("safetensors"):
        require("safetensors.numpy").save_file({"p": values}, path)
    elif name.endswith("parquet"):
        require("pyarrow.parquet").write_table(require("pyarrow").table({"p": values}), path, row_group_size=n // 100)
    elif name == "a.csv":
        path.write_text("p,q\n" + "".join(f"{v},{'x' * 480}\n" for v in values))
    else:
        path.write_text("".join(f'{{"p": {v}, "q": "{"x" * 480}"}}\n' for v in values))
    answer = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), "2000" if text else "20000"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    grown, mean = map(float, answer.stdout.split())
    size = (path.stat().st_size if text else 8 * n) / 2**20
    assert size > 70
    assert grown > 0, "nothing was measured"
    assert grown < 0.35 * size, f"{grown:.0f} MB for {size:.0f} MB of rows"
    assert mean == pytest.approx(values.mean(), abs=1e-2)
