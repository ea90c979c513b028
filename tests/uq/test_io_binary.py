"""Binary files that a job left, and files that are not what their name says."""

import gzip
import io
import json
import pickle
import sys
import zipfile

import numpy as np
import pytest
from contracts import require
from hypothesis import given, settings
from hypothesis import strategies as st

from uq._io import read_outputs
from uq.exceptions import InputError

# --- NPZ and NPY


def test_npz_keeps_dtypes_and_shapes(tmp_path):
    arrays = {
        "y_prob": np.full((3, 2), 0.5, np.float32),
        "y": np.array([0, 1, 1], np.int8),
        "b": np.array([True, False, True]),
        "name": np.array(["a", "b", "é"]),
        "half": np.zeros(3, np.float16),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(3, 2)),
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    d = read_outputs(str(tmp_path / "a.npz"))
    assert list(d) == list(arrays)
    for name, array in arrays.items():
        assert d[name].dtype == array.dtype
        np.testing.assert_array_equal(d[name], array)


def test_npz_with_arrays_of_different_length(tmp_path):
    np.savez(tmp_path / "a.npz", y=np.zeros(3), classes=np.zeros(2), temperature=1.5)
    with pytest.raises(InputError, match="'temperature' is a single number without rows"):
        read_outputs(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"'y' has 3, 'classes' has 2\. Name those"):
        read_outputs(tmp_path / "a.npz", columns={"y": "y", "c": "classes"})
    assert read_outputs(tmp_path / "a.npz", columns={"y": "y"})["y"].shape == (3,)
    np.savez(tmp_path / "none.npz")
    with pytest.raises(InputError, match="holds no arrays"):
        read_outputs(tmp_path / "none.npz")
    np.savez(tmp_path / "rows.npz", y=np.zeros((0, 3)))
    with pytest.raises(InputError, match="no rows"):
        read_outputs(tmp_path / "rows.npz")
    np.savez(tmp_path / "m.npz", p=np.zeros((3, 2)), q=np.zeros(3))
    with pytest.raises(InputError, match=r"'p' has shape \(3, 2\)"):
        read_outputs(tmp_path / "m.npz", columns={"y_prob": ["p", "q"]})


class Bomb:
    """Would write a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_object_arrays_are_refused_and_never_run(tmp_path):
    trace = tmp_path / "trace"
    bomb = np.array([Bomb(trace)], dtype=object)
    np.savez(tmp_path / "a.npz", y=np.zeros(1), bomb=bomb)
    np.save(tmp_path / "a.npy", bomb, allow_pickle=True)
    for name in ("a.npz", "a.npy"):
        with pytest.raises(InputError, match="Python objects, stored as a pickle, and is refused"):
            read_outputs(tmp_path / name)
    assert not trace.exists()
    assert read_outputs(tmp_path / "a.npz", columns={"y": "y"})["y"].tolist() == [0]


def test_npy_is_named_after_its_file(tmp_path):
    np.save(tmp_path / "y_prob.npy", np.eye(3))
    np.testing.assert_array_equal(read_outputs(tmp_path / "y_prob.npy")["y_prob"], np.eye(3))


def test_odd_dtypes(tmp_path):
    np.savez(tmp_path / "a.npz", y=np.array([b"a", b"b"]))
    assert read_outputs(tmp_path / "a.npz")["y"].tolist() == ["a", "b"]
    np.savez(tmp_path / "b.npz", y=np.array([b"\xff"]))
    with pytest.raises(InputError, match="not UTF-8"):
        read_outputs(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", y=np.zeros(2, dtype=[("a", float)]))
    with pytest.raises(InputError, match="save one plain array per name"):
        read_outputs(tmp_path / "c.npz")


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.99])
@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.parquet", "a.safetensors", "a.csv.gz"])
def test_a_file_that_was_cut_off(tmp_path, name, keep):
    path = tmp_path / name
    data = np.random.default_rng(0).random(500)
    if name.endswith("npz"):
        np.savez(path, y=data)
    elif name.endswith("npy"):
        np.save(path, data)
    elif name.endswith("gz"):
        path.write_bytes(gzip.compress(("y\n" + "\n".join(map(str, data))).encode()))
    elif name.endswith("parquet"):
        pq = require("pyarrow.parquet")
        pq.write_table(require("pyarrow").table({"y": data}), path)
    else:
        require("safetensors.numpy").save_file({"y": data}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(InputError, match=r"incomplete|not a complete"):
        read_outputs(path)


# --- Parquet


@pytest.fixture
def parquet(tmp_path):
    pa, pq = require("pyarrow"), require("pyarrow.parquet")

    def write(columns, **options):
        pq.write_table(pa.table(columns), tmp_path / "a.parquet", **options)
        return tmp_path / "a.parquet"

    write.pa = pa
    return write


def test_parquet(parquet):
    pa = parquet.pa
    rows = {
        "y": pa.array([1, None, 3], pa.int64()),
        "i": pa.array([1, 2, 3], pa.int16()),
        "f": pa.array([0.5, None, 1.5], pa.float32()),
        "b": pa.array([True, False, None]),
        "whole": pa.array([True, False, True]),
        "t": pa.array(["a", None, "c"]),
        "c": pa.array(["u", "v", "u"]).dictionary_encode(),
        "p": pa.array([[0.5, 0.5], [1.0, None], [0.0, 1.0]]),
        "fixed": pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.int32(), 2)),
        "deep": pa.array([[[1], [2]], [[3], [4]], [[5], [6]]]),
        "words": pa.array([["a", None], ["b", "c"], ["d", "e"]]),
        "n": pa.nulls(3),
        "a.b": pa.array([7, 8, 9]),
        "money": pa.array([1, 2, 3], pa.decimal128(5, 2)),
    }
    d = read_outputs(parquet(rows, row_group_size=2))
    assert list(d) == list(rows)
    np.testing.assert_array_equal(d["y"], [1, np.nan, 3])
    assert d["i"].dtype == np.int16
    np.testing.assert_array_equal(d["f"], np.array([0.5, np.nan, 1.5], np.float32))
    np.testing.assert_array_equal(d["b"], [1, 0, np.nan])
    assert d["whole"].dtype == bool
    assert d["t"].tolist() == ["a", None, "c"]
    assert d["c"].tolist() == ["u", "v", "u"]
    np.testing.assert_array_equal(d["p"], [[0.5, 0.5], [1, np.nan], [0, 1]])
    assert d["fixed"].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert d["deep"].shape == (3, 2, 1)
    assert d["words"].tolist() == [["a", None], ["b", "c"], ["d", "e"]]
    assert np.isnan(d["n"]).all()
    assert d["a.b"].tolist() == [7, 8, 9]
    assert d["money"].tolist() == [1.0, 2.0, 3.0]
    assert list(read_outputs(parquet(rows), columns={"y": "a.b"})) == ["y"]


def test_parquet_columns_that_do_not_fit(parquet):
    pa = parquet.pa
    for column, message in [
        (pa.array([[1, 2], [3]]), r"lists of one length, 2; row 2 \(counting from 1\) does not"),
        (pa.array([[1, 2], None]), r"row 2 \(counting from 1\) does not"),
        (pa.array([[1, 2], None], pa.list_(pa.int32(), 2)), r"row 2 \(counting from 1\) does not"),
        (pa.array([[], []], pa.list_(pa.int32())), r"row 1 \(counting from 1\) does not"),
        (pa.array([{"a": 1}, {"a": 2}]), r"has type struct.*to leave it out"),
    ]:
        path = parquet({"y": column, "ok": [1, 2]})
        with pytest.raises(InputError, match=message):
            read_outputs(path)
        assert read_outputs(path, columns={"ok": "ok"})["ok"].tolist() == [1, 2]
    with pytest.raises(InputError, match="no rows"):
        read_outputs(parquet({"y": pa.array([], pa.int64())}))
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["y", "y"])
    path = parquet({"z": [1]})
    require("pyarrow.parquet").write_table(table, path)
    with pytest.raises(InputError, match="found twice: y"):
        read_outputs(path)


def test_parquet_takes_no_columns_from_folder_names(tmp_path):
    pa, pq = require("pyarrow"), require("pyarrow.parquet")
    (tmp_path / "split=test").mkdir()
    pq.write_table(pa.table({"y": [1]}), tmp_path / "split=test" / "a.parquet")
    assert list(read_outputs(tmp_path / "split=test" / "a.parquet")) == ["y"]


# --- safetensors


def test_safetensors(tmp_path):
    numpy = require("safetensors.numpy")
    arrays = {
        "y": np.arange(4, dtype=np.int64),
        "y_prob": np.random.default_rng(0).random((4, 3), dtype=np.float32),
        "half": np.arange(4, dtype=np.float16),
        "b": np.array([True, False, True, True]),
    }
    numpy.save_file(arrays, tmp_path / "a.safetensors")
    d = read_outputs(tmp_path / "a.safetensors")
    assert set(d) == set(arrays)
    for name, array in arrays.items():
        assert d[name].dtype == array.dtype
        np.testing.assert_array_equal(d[name], array)
        assert d[name].flags.writeable


def test_safetensors_need_no_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    header = b'{"y":{"dtype":"I16","shape":[2],"data_offsets":[0,4]},"__metadata__":{"a":"b"}} '
    (tmp_path / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\1\0\2\0")
    assert read_outputs(tmp_path / "a.safetensors")["y"].tolist() == [1, 2]


GOOD = {"dtype": "I8", "shape": [2], "data_offsets": [0, 2]}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"y": GOOD, "z": {**GOOD, "data_offsets": [3, 5]}}, "'z' does not follow the tensor before it"),
        ({"y": GOOD, "z": {**GOOD, "data_offsets": [1, 3]}}, "'z' does not follow the tensor before it"),
        ({"y": {**GOOD, "data_offsets": [0, 3]}}, "'y' has 3 bytes, which do not fit its shape"),
        ({"y": {**GOOD, "shape": [3]}}, "'y' has 2 bytes, which do not fit its shape"),
        ({"y": {**GOOD, "shape": [-2]}}, "does not say where 'y' lies"),
        ({"y": {**GOOD, "shape": [True, 2]}}, "does not say where 'y' lies"),
        ({"y": {**GOOD, "data_offsets": [0]}}, "does not say where 'y' lies"),
        ({"y": {"dtype": "I8"}}, "does not say where 'y' lies"),
        ({"y": [1]}, "does not say where 'y' lies"),
        ({"y": {**GOOD, "dtype": "F8_E4M3"}}, "convert it to float32"),
        ({}, "its header asks for|holds no arrays"),
        (b"{", "its header is no JSON"),
        (b'{"y": 1, "y": 2}', "a name occurs twice"),
        (b"{\xff}", "its header is no JSON"),
    ],
)
def test_safetensors_whose_header_lies(tmp_path, header, message):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    end = max([2, *(t["data_offsets"][-1] for t in (header if isinstance(header, dict) else {}).values()
                    if isinstance(t, dict) and "data_offsets" in t and len(t["data_offsets"]) == 2)])  # fmt: skip
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end if text != b"{}" else 0))
    with pytest.raises(InputError, match=message):
        read_outputs(path)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_safetensors_agree_with_the_package_however_they_are_damaged(tmp_path_factory, data):
    """Where the package reads a file so do we, with the same numbers; where it refuses one, so do we."""
    package = require("safetensors")
    numpy = require("safetensors.numpy")
    rng = np.random.default_rng(0)
    arrays = {"y": rng.integers(0, 9, 5), "p": rng.random((5, 2), dtype=np.float32), "b": rng.random(5) < 0.5}
    content = bytearray(numpy.save(arrays))
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.integers(8, len(content) - 1))
        content[place] = data.draw(st.sampled_from(list(b'09,[]{}":x')))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(len(content) // 2, len(content))) :]
    path = tmp_path_factory.mktemp("st") / "a.safetensors"
    path.write_bytes(bytes(content))
    try:
        theirs = dict(package.deserialize(bytes(content)))
    except package.SafetensorError:
        theirs = None
    try:
        ours = read_outputs(path)
    except InputError:
        ours = None
    if theirs is None:
        assert ours is None
    elif ours is not None:
        assert set(ours) == set(theirs)
        for name, array in ours.items():
            assert array.tobytes() == bytes(theirs[name]["data"])
            assert list(array.shape) == theirs[name]["shape"]


def test_bfloat16_becomes_float32(tmp_path):
    torch, st = require("torch"), require("safetensors.torch")
    values = torch.tensor([1.0, -2.5, 3.140625, float("inf"), 1e-30]).bfloat16()
    st.save_file({"y": values}, tmp_path / "a.safetensors")
    y = read_outputs(tmp_path / "a.safetensors")["y"]
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, values.float().numpy())
    st.save_file({"y": values.to(torch.float8_e4m3fn)}, tmp_path / "b.safetensors")
    with pytest.raises(InputError, match="dtype F8_E4M3; convert it to float32"):
        read_outputs(tmp_path / "b.safetensors")


# --- the name must agree with the content


def _zip(names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


def _npy():
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


CONTENTS = {
    "Parquet": b"PAR1" + b"\0" * 50,
    "a Python pickle, which is refused": pickle.dumps([1, 2, 3]),
    r"a PyTorch checkpoint \(a pickle\), which is refused": _zip(["archive/data.pkl"]),
    "an Excel workbook": _zip(["xl/workbook.xml"]),
    "a zip archive": _zip(["readme.txt"]),
    "an incomplete zip archive": b"PK\x03\x04 cut off",
    "a single NumPy array": _npy(),
    "gzip": gzip.compress(b"y\n1\n"),
    "HDF5": b"\x89HDF\r\n\x1a\n",
    "Arrow": b"ARROW1\0\0",
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    "HTML or XML": b"<!DOCTYPE html><title>404</title>",
    "JSON lines": b'{"y": 1}\n',
    "text": b"y\n1\n",
    "safetensors": (20).to_bytes(8, "little") + b'{"y":{}}' + b" " * 30,
    "UTF-16": "y\n1\n".encode("utf-16"),
    "binary data": b"a\0b\1c\2",
}


@pytest.mark.parametrize("found", CONTENTS)
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "npz", "npy", "parquet", "safetensors", "csv.gz"])
def test_a_file_that_is_not_what_its_name_says(tmp_path, suffix, found):
    right = {"csv": "text", "jsonl": "JSON lines", "npy": "a single NumPy array", "csv.gz": "gzip"}
    right |= {"npz": "NPZ", "parquet": "Parquet", "safetensors": "safetensors"}
    if right[suffix] == found:
        return
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(CONTENTS[found])
    with pytest.raises(InputError, match=f"is not what its name says: it looks like {found}"):
        read_outputs(path)


def test_what_is_inside_gzip_is_checked_too(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(CONTENTS["Parquet"]))
    with pytest.raises(InputError, match="looks like Parquet, not delimited text"):
        read_outputs(path)


# --- what an attacker found


def test_parquet_rounds_no_identifier(parquet):
    pa = parquet.pa
    one, two = 2**53 + 1, 2**53
    whole = {"i": pa.array([one, two]), "u": pa.array([2**64 - 1, 1], pa.uint64())}
    d = read_outputs(parquet(whole))
    assert d["i"].tolist() == [one, two]
    assert d["u"].tolist() == [2**64 - 1, 1]
    for bad in (
        pa.array([one, two, None]), pa.array([-one, None, 1]), pa.array([2**64 - 1, None], pa.uint64()),
        pa.array([[one, 1], [None, 2]]), pa.array([one, two], pa.decimal128(20, 0)), pa.array([-(2**63), None]),
        pa.array([one, None]).dictionary_encode(),
    ):  # fmt: skip
        with pytest.raises(InputError, match=r"'id' holds the integer -?\d+, beyond 2\*\*53"):
            read_outputs(parquet({"id": bad}))
        assert list(read_outputs(parquet({"id": bad, "y": range(len(bad))}), columns={"y": "y"})) == ["y"]
    for good in (pa.array([two, None]), pa.array([1, two], pa.decimal128(20, 0)), pa.array([None, None], pa.int64())):
        assert read_outputs(parquet({"id": good}))["id"].dtype == np.float64


def test_times_and_numbers_make_no_matrix(parquet):
    times = parquet.pa.array([0, 1], parquet.pa.timestamp("s"))
    path = parquet({"y_pred_0": times, "y_pred_1": [0.5, 1.5], "t": times})
    assert list(read_outputs(path)) == ["y_pred_0", "y_pred_1", "t"]
    with pytest.raises(InputError, match="y_pred_0, y_pred_1 mix times and numbers"):
        read_outputs(path, columns={"y": ["y_pred_0", "y_pred_1"]})
    assert read_outputs(path, columns={"y": ["y_pred_0", "t"]})["y"].shape == (2, 2)


def test_an_archive_of_an_unknown_version_is_refused(tmp_path):
    path = tmp_path / "outputs.npz"
    np.savez(path, y=np.arange(3))
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 64  # the version of zip that is needed: 6.4
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="an incomplete zip archive"):
        read_outputs(path)
