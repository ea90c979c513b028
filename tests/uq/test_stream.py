"""Files in batches of rows against the same files read at once; arrays that stay in the file."""

import gzip
import json
import random
import zipfile

import numpy as np
import pytest
from contracts import require

import uq._tables as tables
from uq import MeanAccumulator, estimate_mean, iter_outputs, read_outputs
from uq.exceptions import InputError

SIZES = (1, 2, 3, 7, 1000)


def same_as_whole(path, columns=None):
    """The batches, one after the other, are what is read at once: names, order, types, values."""
    whole = read_outputs(path, columns)
    n = len(next(iter(whole.values())))
    for size in SIZES:
        batches = list(iter_outputs(path, columns, batch_size=size))
        assert [len(next(iter(b.values()))) for b in batches] == [size] * (n // size) + ([n % size] if n % size else [])
        for name in whole:
            parts = [batch[name] for batch in batches]
            if whole[name].dtype.kind not in "OU":
                assert {part.dtype for part in parts} == {whole[name].dtype}
            joined = np.concatenate(parts)
            assert joined.dtype == whole[name].dtype.newbyteorder("=")
            np.testing.assert_array_equal(joined, whole[name])
        assert all(list(batch) == list(whole) for batch in batches)
    return whole


# --- text

ROWS = [
    {"y": 1, "late": None, "t": None, "b": True, "p": [0.5, 0.5], "w": ["x", None], "deep": [[1, 2], [3, 4]]},
    {"y": 2, "late": None, "t": None, "b": False, "p": [1, 0], "w": [None, "y"], "deep": [[5, 6], [7, 8]]},
    {"y": 3, "late": None, "t": "u", "b": True, "p": [0, 1], "w": ["z", "z"], "deep": [[0, 0], [0, 0]]},
    {"y": 4, "late": None, "t": "v" * 300, "b": None, "p": [0, None], "w": ["z", "z"], "deep": [[0, 0], [0, 0.5]]},
    {"y": 5.5, "late": 7, "t": "v", "b": True, "p": [0, 1], "w": ["z", "z"], "deep": [[0, 0], [0, 0]]},
]


@pytest.mark.parametrize("block", [1, 2, 50_000])
@pytest.mark.parametrize("packed", [False, True])
def test_json_lines(tmp_path, monkeypatch, block, packed):
    monkeypatch.setattr(tables, "BLOCK", block)
    text = "\n".join(map(json.dumps, ROWS)).encode()
    path = tmp_path / f"a.jsonl{'.gz' if packed else ''}"
    path.write_bytes(gzip.compress(text) if packed else text)
    whole = same_as_whole(path)
    assert whole["y"].dtype == np.float64
    same_as_whole(path, {"truth": "y", "y_prob": "p"})
    with pytest.raises(InputError, match=r"'p' has shape \(5, 2\)"):
        iter_outputs(path, {"m": ["y", "p"]})


@pytest.mark.parametrize("block", [1, 2, 50_000])
def test_csv(tmp_path, monkeypatch, block):
    monkeypatch.setattr(tables, "BLOCK", block)
    path = tmp_path / "a.csv"
    text = "i,late,hole,b,t,id,y_prob_1,y_prob_0\n" + "".join(
        f"{i},{i if i < 9 else 'x'},{i if i != 8 else ''},{'true' if i < 8 else ''},{'' if i < 8 else 'v' * 210},"
        f"{'7' if i < 9 else '07'},{i / 10 if i == 9 else 1},0\n"
        for i in range(10)
    )
    path.write_text(text)
    whole = same_as_whole(path)
    assert whole["y_prob"].shape == (10, 2)
    same_as_whole(path, {"y": "i", "both": ["i", "hole"]})


def test_random_tables(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BLOCK", 4)
    draw = random.Random(0)
    cells = ["", "NA", "1", "-2", "2.5", "true", "x", "01", "9007199254740993", "1_2", "é", '"a,b"']
    for _ in range(25):
        path = tmp_path / "r.csv"
        names = ["y_pred_0", "y_pred_1", "c"]
        few = [draw.sample(cells, draw.randint(1, 3)) for _ in names]
        rows = [",".join(draw.choice(column) for column in few) for _ in range(draw.randint(1, 9))]
        path.write_text(",".join(names) + "\n" + "\n".join(rows) + "\n", encoding="utf-8")
        same_as_whole(path)


def test_a_matrix_rounds_no_identifier_of_a_later_batch(tmp_path):
    one = 2**53 + 1
    (tmp_path / "a.csv").write_text(f"y_pred_0,y_pred_1\n1,0.5\n2,0.5\n{one},0.5\n")
    (tmp_path / "a.jsonl").write_text(
        "\n".join(json.dumps({"y_pred_0": i, "y_pred_1": 0.5}) for i in (1, 2, one)) + "\n"
    )
    np.savez(tmp_path / "a.npz", y_pred_0=np.array([1, 2, one]), y_pred_1=np.full(3, 0.5))
    names = ["a.csv", "a.jsonl", "a.npz"]
    if require("pyarrow"):
        pq, pa = require("pyarrow.parquet"), require("pyarrow")
        pq.write_table(pa.table({"y_pred_0": [1, 2, one], "y_pred_1": [0.5] * 3}), tmp_path / "a.parquet")
        names.append("a.parquet")
    for name in names:
        assert list(same_as_whole(tmp_path / name)) == ["y_pred_0", "y_pred_1"]
        with pytest.raises(InputError, match=r"hold integers beyond 2\*\*53 beside other numbers"):
            iter_outputs(tmp_path / name, {"m": ["y_pred_0", "y_pred_1"]})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "a,b\n1,2\n3,4\n5\n", r"row 3 \(line 4\) has 1 fields where the header has 2"),
        ("a.csv", 'a,b\n1,2\n3,"4\n', "row 2 .* is not CSV"),
        ("a.jsonl", '{"y": 1}\n{"y": 2}\n{"y"', r"row 3 \(line 3\) is not a JSON object"),
        ("a.jsonl", '{"y": 1}\n{"z": 2}\n', r"row 2 \(line 2\) has no key 'y'"),
        ("a.jsonl", '{"y": 1}\n{"y": "a"}\n', "holds text after numbers in row 2"),
        ("a.jsonl", '{"y": null}\n{"y": [1]}\n', "is null in 1 rows where the others hold lists"),
        ("a.csv", "a,b\n", "no rows"),
        ("a.csv", "", "is empty"),
    ],
)
def test_what_is_torn_in_a_text_is_found_at_the_call(tmp_path, monkeypatch, name, content, message):
    monkeypatch.setattr(tables, "BLOCK", 1)
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=rf"iter_outputs: .*{message}"):
        iter_outputs(tmp_path / name, batch_size=1)


def test_a_packed_text_that_was_cut_off(tmp_path):
    text = "y\n" + "\n".join(str(v) for v in np.random.default_rng(0).random(50_000))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode())[:-1000])
    with pytest.raises(InputError, match="not a complete gzip file"):
        iter_outputs(tmp_path / "a.csv.gz")


def test_rows_that_a_job_adds_meanwhile_are_left_out_and_a_changed_file_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"y": 1}\n{"y": 2}\n{"y": 3}\n')
    batches = iter_outputs(path, batch_size=2)
    with path.open("a") as file:
        file.write('{"y": 4.5}\n{"y": "tex')
    assert [batch["y"].tolist() for batch in batches] == [[1, 2], [3]]
    for name, before, after in [
        ("b.csv", "y\n1\n2\n3\n", "y\n1\n2\n"),
        ("b.csv", "y\n1\n2\n3\n", "y\n1\nx\n3\n"),
        ("c.jsonl", '{"y": 1}\n{"y": 2}\n', '{"y": 1}\n'),
    ]:
        (tmp_path / name).write_text(before)
        batches = iter_outputs(tmp_path / name, batch_size=1)
        (tmp_path / name).write_text(after)
        with pytest.raises(InputError, match="has changed while it was read"):
            list(batches)
        (tmp_path / name).write_text(before)
        batches = iter_outputs(tmp_path / name, batch_size=1)
        (tmp_path / name).unlink()
        with pytest.raises(InputError, match="cannot be read after row 0"):
            list(batches)


# --- binary


def arrays(n=11):
    rng = np.random.default_rng(0)
    return {
        "y_prob": rng.random((n, 3), dtype=np.float32),
        "deep": rng.integers(0, 9, (n, 2, 3)),
        "y": rng.integers(0, 2, n).astype(np.int8),
        "b": rng.random(n) < 0.5,
        "words": np.array([f"é{i}" for i in range(n)]),
        "bytes": np.array([f"a{i}".encode() for i in range(n)]),
        "big": rng.random(n).astype(">f8"),
        "day": np.datetime64("2020-01-01", "D") + np.arange(n),
        "nothing": np.zeros((n, 0)),
    }


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path, save):
    save(tmp_path / "a.npz", **arrays())
    same_as_whole(tmp_path / "a.npz")
    same_as_whole(tmp_path / "a.npz", {"y": "y", "p": "y_prob"})


@pytest.mark.parametrize("shape", [(11, 3), (11, 2, 3), (1, 4), (11,)])
def test_columns_that_lie_one_after_the_other(tmp_path, shape):
    array = np.asfortranarray(np.random.default_rng(0).random(shape))
    np.savez(tmp_path / "a.npz", p=array, y=np.arange(shape[0]))
    np.save(tmp_path / "p.npy", array)
    for path in (tmp_path / "a.npz", tmp_path / "p.npy"):
        np.testing.assert_array_equal(same_as_whole(path)["p"], array)
    np.savez_compressed(tmp_path / "c.npz", p=array, y=np.arange(shape[0]))
    if np.isfortran(array):
        with pytest.raises(InputError, match=r"'p' lies column by column in a compressed archive.*numpy\.savez"):
            iter_outputs(tmp_path / "c.npz")
    else:
        same_as_whole(tmp_path / "c.npz")


def test_safetensors(tmp_path):
    kept = {k: v for k, v in arrays().items() if v.dtype.kind in "fib" and k not in ("big", "nothing")}
    require("safetensors.numpy").save_file(kept, tmp_path / "a.safetensors")
    whole = same_as_whole(tmp_path / "a.safetensors")
    for name, array in kept.items():
        np.testing.assert_array_equal(whole[name], array)
    header = b'{"y":{"dtype":"BF16","shape":[3],"data_offsets":[0,6]}}'
    halves = (np.array([1.0, -2.5, 3.0], np.float32).view(np.uint32) >> 16).astype("<u2").tobytes()
    (tmp_path / "b.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + halves)
    assert same_as_whole(tmp_path / "b.safetensors")["y"].tolist() == [1.0, -2.5, 3.0]


@pytest.mark.parametrize("group", [2, 3, 100])
def test_parquet(tmp_path, group):
    pa, pq = require("pyarrow"), require("pyarrow.parquet")
    n = 11
    late = [None if i == 10 else i for i in range(n)]
    table = {
        "i": pa.array(range(n), pa.int16()),
        "late": pa.array(late, pa.int64()),
        "b": pa.array([None if i == 9 else i % 2 == 0 for i in range(n)]),
        "whole": pa.array([i % 2 == 0 for i in range(n)]),
        "f": pa.array([None if i == 3 else i / 2 for i in range(n)], pa.float32()),
        "t": pa.array([None if i == 7 else f"é{i}" for i in range(n)]),
        "c": pa.array(["u", "v"] * 5 + ["w"]).dictionary_encode(),
        "k": pa.array([*[1, 2] * 5, None]).dictionary_encode(),
        "p": pa.array([[i / 10, None] for i in range(n)]),
        "counts": pa.array([[i, late[i]] for i in range(n)]),
        "fixed": pa.array([[i, 2 * i] for i in range(n)], pa.list_(pa.int32(), 2)),
        "deep": pa.array([[[i], [2]] for i in range(n)]),
        "n": pa.nulls(n),
        "a.b": pa.array(range(n)),
        "money": pa.array(range(n), pa.decimal128(5, 2)),
        "at": pa.array(range(n), pa.timestamp("s")),
        "y_prob_0": pa.array([0.5] * n),
        "y_prob_1": pa.array([0.5] * n),
    }
    pq.write_table(pa.table(table), tmp_path / "a.parquet", row_group_size=group)
    whole = same_as_whole(tmp_path / "a.parquet")
    assert whole["late"].dtype == whole["counts"].dtype == np.float64
    assert whole["y_prob"].shape == (n, 2)
    same_as_whole(tmp_path / "a.parquet", {"y": "a.b", "y_prob": "p"})


def test_parquet_names_the_row_whatever_the_batch(tmp_path):
    pa, pq = require("pyarrow"), require("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    deep = [[[1, 2], [3, 4]]] * 5 + [[[1, 2], [3]]]
    for column, row in [([[1, 2]] * 5 + [[1]], 6), ([[1.0, 2.0]] * 3 + [None], 4), (deep, 6)]:
        pq.write_table(pa.table({"y": column}), path)
        for size in (1, 2, 100):
            with pytest.raises(InputError, match=rf"lists of one length, 2; row {row} \(counting from 1\)"):
                list(iter_outputs(path, batch_size=size))
        with pytest.raises(InputError, match=rf"lists of one length, 2; row {row} \(counting from 1\)"):
            read_outputs(path)
    for column in ([1, 2, 2**53 + 1, None], [None, 1, 2, 2**53 + 1]):
        pq.write_table(pa.table({"id": column}), path)
        with pytest.raises(InputError, match=r"'id' holds the integer 9007199254740993, beyond 2\*\*53"):
            iter_outputs(path, batch_size=1)
    pq.write_table(pa.table({"y": pa.array([], pa.int64())}), path)
    with pytest.raises(InputError, match="no rows"):
        iter_outputs(path)


@pytest.mark.parametrize("suffix", ["pkl", "pt", "pth", "joblib", "ckpt", "bin"])
def test_pickles_are_refused_by_name(tmp_path, suffix):
    (tmp_path / f"a.{suffix}").write_bytes(b"anything")
    for read in (iter_outputs, lambda path: read_outputs(path, memory_map=True)):
        with pytest.raises(InputError, match=r"can run any code.*numpy\.savez"):
            read(tmp_path / f"a.{suffix}")
    objects = np.array([{"a": 1}], dtype=object)
    np.savez(tmp_path / "a.npz", y=objects)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "b.npz", y=np.zeros(2, dtype=[("a", float)]))
    for name, message in [("a.npz", "Python objects"), ("a.npy", "Python objects"), ("b.npz", "one plain array")]:
        for read in (iter_outputs, lambda path: read_outputs(path, memory_map=True)):
            with pytest.raises(InputError, match=message):
                read(tmp_path / name)


def test_an_archive_with_a_password(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, y=np.arange(3))
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(content))
    with zipfile.ZipFile(path) as archive:
        assert archive.infolist()[0].flag_bits & 1
    for read in (read_outputs, iter_outputs):
        with pytest.raises(InputError, match="encrypted"):
            read(path)


def test_what_is_asked_wrongly_is_refused_at_the_call(tmp_path):
    np.savez(tmp_path / "a.npz", y=np.zeros(3), p=np.zeros((3, 2)), t=1.5, c=np.zeros(2), e=np.zeros((0, 3)))
    path = tmp_path / "a.npz"
    for arguments, message in [
        ((path,), "'t' is a single number without rows"),
        ((path, {"y": "y", "c": "c"}), r"'y' has 3, 'c' has 2\. Name those"),
        ((path, {"e": "e"}), "no rows"),
        ((path, {"y": "z"}), "has no column 'z'"),
        ((path, {"y": ["y", "p"]}), r"'p' has shape \(3, 2\)"),
        ((path, ["y"]), "columns must be a dict"),
        ((tmp_path / "none.npz",), "there is none at"),
        ((tmp_path,), "is a folder"),
        ((3,), "path must be the name of a file; got int"),
    ]:
        with pytest.raises(InputError, match=rf"iter_outputs: .*{message}"):
            iter_outputs(*arguments)
    for size in (0, -1, 2.5, "3", None, True):
        with pytest.raises(InputError, match="iter_outputs: batch_size must be an integer of at least 1"):
            iter_outputs(path, {"y": "y"}, batch_size=size)
    with pytest.raises(InputError, match="memory_map must be True or False; got 'yes'"):
        read_outputs(path, {"y": "y"}, memory_map="yes")


def test_batches_feed_what_takes_rows_in_parts(tmp_path):
    rng = np.random.default_rng(0)
    scores, groups = rng.random(5000), rng.integers(0, 40, 5000)
    np.savez(tmp_path / "a.npz", scores=scores, item=groups)
    total = MeanAccumulator()
    for batch in iter_outputs(tmp_path / "a.npz", {"scores": "scores", "groups": "item"}, batch_size=777):
        total.partial_fit(**batch)
    assert total.mean().std_error == pytest.approx(estimate_mean(scores, groups).std_error, rel=1e-12)
