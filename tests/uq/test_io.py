"""Files that a job left: what each format gives back."""

import csv
import gzip
import json
import random
import sys

import numpy as np
import pytest

import uq._tables as tables
from uq import estimate_mean, iter_outputs
from uq._io import read_outputs
from uq.exceptions import InputError, MissingExtraError


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, encoding="utf-8", newline="")
        return path

    return write


def same(array, expected, kind):
    assert array.dtype.kind == kind
    np.testing.assert_array_equal(array, expected)


# --- CSV


def test_csv_infers_the_type_of_each_column(write):
    path = write(
        "a.csv",
        "i,f,hole,b,bhole,t,thole,big,run,zeros\n"
        "1,1.5,,true,True,x,x,18446744073709551617,1_2,007\n"
        "-2,2,3,FALSE,,NA,,1,1_3,7\n"
        "+7,-inf,NA,True,false,3,None,2,1_4,0\n",
    )
    d = read_outputs(path)
    same(d["i"], [1, -2, 7], "i")
    same(d["zeros"], ["007", "7", "0"], "U")
    same(d["f"], [1.5, 2, -np.inf], "f")
    same(d["hole"], [np.nan, 3, np.nan], "f")
    same(d["b"], [True, False, True], "b")
    same(d["bhole"], [1, np.nan, 0], "f")
    same(d["t"], ["x", "NA", "3"], "U")
    assert d["thole"].tolist() == ["x", None, "None"]
    same(d["big"], ["18446744073709551617", "1", "2"], "U")
    same(d["run"], ["1_2", "1_3", "1_4"], "U")


@pytest.mark.parametrize("block", [1, 2, 3, 50_000])
def test_csv_types_do_not_depend_on_the_block_size(write, monkeypatch, block):
    monkeypatch.setattr(tables, "BLOCK", block)
    d = read_outputs(write("a.csv", "i,f,t,m,b\n1,1,1.0,,true\n2,,2.50,,\n3,2.5,x,,false\n4,1e3,,,\n"))
    same(d["i"], [1, 2, 3, 4], "i")
    same(d["f"], [1, np.nan, 2.5, 1000], "f")
    assert d["t"].tolist() == ["1.0", "2.50", "x", None]
    same(d["m"], [np.nan] * 4, "f")
    same(d["b"], [1, np.nan, 0, np.nan], "f")


def test_csv_agrees_with_the_csv_module_and_float_on_random_tables(write, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BLOCK", 7)
    draw = random.Random(0)
    for _ in range(30):
        n = draw.randint(1, 40)
        numbers = [
            draw.choice([repr(draw.gauss(0, 10)), str(draw.randint(-5, 5)), f"{draw.random():.3e}"]) for _ in "x" * n
        ]
        texts = [draw.choice(["", 'say "hi"', "a,b", "two\nlines", "é", "x" * 300]) for _ in "x" * n]
        path = tmp_path / "r.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([["number", "text"], *zip(numbers, texts, strict=True)])
        d = read_outputs(path)
        np.testing.assert_array_equal(d["number"].astype(float), [float(v) for v in numbers])
        if any(texts):
            assert d["text"].tolist() == [t or None for t in texts]


def test_csv_with_a_byte_order_mark_windows_lines_and_an_unnamed_index(write):
    d = read_outputs(write("a.csv", "\ufeff,y\r\n0,5\r\n1,6\r\n\r\n"))
    assert list(d) == ["index", "y"]
    same(d["y"], [5, 6], "i")
    # what Python's csv.writer leaves on Windows when newline="" was forgotten
    same(read_outputs(write("b.csv", "x,y\r\r\n0,5\r\r\n1,6\r\r\n"))["y"], [5, 6], "i")


def test_a_header_of_class_numbers_is_a_header(write):
    d = read_outputs(write("a.csv", "0,1,2\n.2,.3,.5\n"), columns={"y_prob": ["0", "1", "2"]})
    np.testing.assert_array_equal(d["y_prob"], [[0.2, 0.3, 0.5]])


def test_tsv_and_gzip(write):
    same(read_outputs(write("a.tsv", "x\ty\na,b\t1\n"))["x"], ["a,b"], "U")
    same(read_outputs(write("a.csv.gz", gzip.compress(b"y\n1\n2\n")))["y"], [1, 2], "i")
    same(read_outputs(write("a.jsonl.gz", gzip.compress(b'{"y": 1}\n{"y": 2}\n')))["y"], [1, 2], "i")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n3\n", r"row 2 \(line 3\) has 1 fields where the header has 2"),
        ("a,b\n1,2,3\n", r"row 1 \(line 2\) has 3 fields"),
        ("a,b,a\n1,2,3\n", "found twice: a"),
        ("a,b\n", "no rows"),
        ("a;b\n1;2\n", "separated by ';'"),
        ("0.5,1\n2,3\n", "first line must name the columns"),
        ("a,,b\n1,2,3\n", "column 2 of the header has no name"),
        ("a\n1\n\n2\n", "line 3 is blank"),
        ('a,b\n1,"2\n3,4\n', "not CSV"),
        ('a,b\n1,"' + "x" * 200_000 + "\n", "JSON lines"),
        (b"a,b\n1,\xff\n", r"not UTF-8 \(invalid start byte: byte 0xff\)\. Save it as UTF-8"),
        (b"   \n", "nothing but blanks"),
    ],
)
def test_broken_csv(write, content, message):
    with pytest.raises(InputError, match=message):
        read_outputs(write("a.csv", content))


# --- JSON lines


@pytest.mark.parametrize("block", [1, 2, 50_000])
def test_jsonl(write, monkeypatch, block):
    monkeypatch.setattr(tables, "BLOCK", block)
    rows = [
        {"y": 1, "p": [0.5, 0.5], "f": None, "t": None, "b": True, "a": ["x", None], "deep": [[1, 2], [3, 4]]},
        {"y": 2, "p": [1, None], "f": 2, "t": "u", "b": False, "a": [None, "y"], "deep": [[5, 6], [7, 8]]},
        {"y": 3, "p": [0, 1], "f": 0.5, "t": "v", "b": None, "a": ["z", "z"], "deep": [[0, 0], [0, 0]]},
    ]
    d = read_outputs(write("a.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n"))
    same(d["y"], [1, 2, 3], "i")
    same(d["p"], [[0.5, 0.5], [1, np.nan], [0, 1]], "f")
    same(d["f"], [np.nan, 2, 0.5], "f")
    assert d["t"].tolist() == [None, "u", "v"]
    same(d["b"], [1, 0, np.nan], "f")
    assert d["a"].tolist() == [["x", None], [None, "y"], ["z", "z"]]
    assert d["deep"].shape == (3, 2, 2)
    assert d["deep"][1].tolist() == [[5, 6], [7, 8]]


def test_jsonl_reads_only_the_keys_that_are_asked_for(write):
    path = write("a.jsonl", '{"y": 1, "meta": {"gpu": 3}}\n{"y": NaN, "late": 1}\n')
    same(read_outputs(path, columns={"truth": "y"})["truth"], [1, np.nan], "f")


@pytest.mark.parametrize("block", [1, 50_000])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"y": 1}\n{"z": 1}\n', r"row 2 \(line 2\) has no key 'y'"),
        ('{"y": [1, 2]}\n{"y": [1]}\n', r"'y' holds 1 values in row 2 \(line 2\) where 2 are expected"),
        ('{"y": [[1], [2]]}\n{"y": [[1], [2, 3]]}\n', r"holds 2 values in row 2 \(line 2\) where 1"),
        ('{"y": [1]}\n{"y": 1}\n', r"holds numbers after lists in row 2 \(line 2\)"),
        ('{"y": [1]}\n{"y": null}\n', "null"),
        ('{"y": null}\n{"y": [1]}\n', "null"),
        ('{"y": [1]}\n{"y": []}\n', r"holds 0 values in row 2 \(line 2\)"),
        ('{"y": []}\n', r"'y' holds 0 values in row 1 \(line 1\)"),
        ('{"y": 1}\n{"y": "a"}\n', r"holds text after numbers in row 2 \(line 2\)"),
        ('{"y": 1}\n{"y": true}\n', r"holds true/false after numbers in row 2 \(line 2\)"),
        ('{"y": {"z": 1}}\n', r"is an object in row 1 \(line 1\)"),
        ('{"y": 1, "y": 2}\n', "'y' occurs twice"),
        ('{"y": 1}\n{"y": 2', r"row 2 \(line 2\) is not a JSON object"),
        ('{"y": 1}\n3\n', r"row 2 \(line 2\) must be one JSON object"),
        ("{}\n", "at least one key"),
        ('{"y": 100000000000000000000}\n', "beyond 64 bits"),
        ('{"y": 1}\n{"y": 2, "z": 3}\n', r"row 2 \(line 2\) has the key 'z', which row 1 has not"),
        ('{"y": []}\n{"y": []}\n', "holds 0 values in row 1 .line 1. where some are expected"),
        ('{"y": 1}\n\n\n{"z": 1}\n', r"row 2 \(line 4\) has no key 'y'"),
        ('{"y": [1]}\n\n{"y": [1, 2]}\n', r"row 2 \(line 3\)"),
        ('{"y": "é"}\n'.encode("latin-1"), "Save it as UTF-8; Latin-1"),
        ('[{"y": 1}]', "one JSON array"),
        ("y\n1\n", "looks like text"),
    ],
)
def test_broken_jsonl(write, monkeypatch, block, content, message):
    monkeypatch.setattr(tables, "BLOCK", block)
    with pytest.raises(InputError, match=message):
        read_outputs(write("a.jsonl", content))


# --- columns, numbered runs, and what is refused


def test_numbered_runs_become_a_matrix_only_when_complete(write):
    header = "y_prob_1,y_prob_0,scores_1,scores_2,answers_0,answers_2,log_probs_0,x_0,x_1"
    d = read_outputs(write("a.csv", header + "\n.7,.3,1,2,a,b,5,6,7\n"))
    assert list(d) == ["y_prob", *header.split(",")[2:]]
    np.testing.assert_array_equal(d["y_prob"], [[0.3, 0.7]])
    taken = read_outputs(write("b.csv", "scores,scores_0,scores_1\n9,1,2\n"))
    assert sorted(taken) == ["scores", "scores_0", "scores_1"]
    eleven = [f"scores_{i}" for i in range(11)]
    d = read_outputs(write("c.csv", ",".join(eleven) + "\n" + ",".join(map(str, range(11))) + "\n"))
    assert d["scores"].tolist() == [list(range(11))]


def test_columns(write):
    path = write("a.csv", "label,p,q,t\n1,.25,.75,u\n")
    d = read_outputs(path, columns={"y": "label", "y_prob": ["p", "q"], "one": ["p"], "again": "p"})
    assert list(d) == ["y", "y_prob", "one", "again"]
    assert d["y_prob"].tolist() == [[0.25, 0.75]]
    assert d["one"].shape == (1, 1)
    assert d["again"].shape == (1,)
    with pytest.raises(InputError, match="no column 'prob'; it has 'label', 'p', 'q', 't'"):
        read_outputs(path, columns={"y": "prob"})
    with pytest.raises(InputError, match="mix texts and numbers"):
        read_outputs(path, columns={"y": ["p", "t"]})
    for bad in ({}, ["y"], "y", {"y": 3}, {3: "y"}, {"y": []}, {"y": ["p", 3]}):
        with pytest.raises(InputError, match="columns must"):
            read_outputs(path, columns=bad)


def test_paths_that_cannot_be_read(tmp_path, write):
    for path, message in [
        (tmp_path / "none.csv", "there is none at"),
        (tmp_path, "is a folder"),
        (write("empty.csv", ""), "is empty"),
        (write("a.xyz", "y\n1\n"), "the suffix of path must be one of .csv"),
        (write("a", "y\n1\n"), "the suffix of path"),
        (write("a.npz.gz", "y\n1\n"), "the suffix of path"),
    ]:
        with pytest.raises(InputError, match=message):
            read_outputs(path)
    with pytest.raises(InputError, match="path must be the name of a file; got int"):
        read_outputs(3)


@pytest.mark.parametrize("suffix", ["pkl", "pickle", "pt", "pth", "joblib", "ckpt", "PT", "pt.gz"])
def test_pickles_are_refused_by_name(write, suffix):
    with pytest.raises(InputError, match=r"can run any code.*numpy\.savez"):
        read_outputs(write(f"a.{suffix}", b"anything"))


def test_a_missing_extra_names_the_pip_line(write, monkeypatch):
    parquet = write("a.parquet", b"PAR1" + b"\0" * 100)
    for module in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, module, None)
    for read in (read_outputs, iter_outputs):
        with pytest.raises(MissingExtraError, match=rf"{read.__name__}: .*pip install 'errorbars\[io\]'"):
            read(parquet)


def test_the_recipe_for_missing_values_leaves_them_out(write):
    """What the documentation of `read_outputs` warns of, and the way out that it gives."""
    text = write("t.csv", "pred,y\na,a\n,\nb,\n,c\nd,e\n")
    number = write("n.csv", "pred,y\n1,1\n,\n2,\n,3\n4,5\n")
    for path, as_it_stands in ((text, [1, 1, 0, 0, 0]), (number, [1, 0, 0, 0, 0])):
        outputs = read_outputs(path)
        pred, y = outputs["pred"], outputs["y"]
        assert (pred == y).tolist() == as_it_stands
        missing = np.array([p is None or t is None or p != p or t != t for p, t in zip(pred, y, strict=True)])
        correct = np.where(missing, np.nan, pred == y)
        result = estimate_mean(correct, nan_policy="omit")
        assert (result.estimate, result.n, result.n_dropped, result.method) == (0.5, 2, 3, "clopper_pearson")
        with pytest.raises(InputError, match=r"3 NaN among 5 values, the first in row 1 \(counting from 0\)"):
            estimate_mean(correct)


# --- what an attacker found: nothing is merged, nothing is dropped

ONE, TWO = 2**53 + 1, 2**53  # one float for both


@pytest.mark.parametrize("block", [1, 2, 50_000])
def test_identifiers_of_csv_never_meet_their_neighbours(write, monkeypatch, block):
    monkeypatch.setattr(tables, "BLOCK", block)
    rows = f"{ONE},{ONE},{ONE},01,{ONE},1,01\n{TWO},{TWO},{TWO},1,{TWO},2,1\n5,,1.5,,NA,,x\n"
    d = read_outputs(write("a.csv", "whole,hole,mixed,zero,na,small,text\n" + rows))
    same(d["whole"], [ONE, TWO, 5], "i")
    assert d["hole"].tolist() == [str(ONE), str(TWO), None]
    assert d["mixed"].tolist() == [str(ONE), str(TWO), "1.5"]
    assert d["zero"].tolist() == ["01", "1", None]
    assert d["na"].tolist() == [str(ONE), str(TWO), None]
    same(d["small"], [1, 2, np.nan], "f")
    same(d["text"], ["01", "1", "x"], "U")
    edge = read_outputs(write("b.csv", f"a,b\n{TWO},-{TWO}\n,0.5\n"))
    same(edge["a"], [TWO, np.nan], "f")
    same(edge["b"], [-TWO, 0.5], "f")


@pytest.mark.parametrize("block", [1, 50_000])
@pytest.mark.parametrize(
    ("first", "second"), [(ONE, "null"), (-ONE, "0.5"), ("null", ONE), ("NaN", ONE), (2**70, "1.5"), (2**70, "null")]
)
def test_identifiers_of_jsonl_are_never_rounded(write, monkeypatch, block, first, second):
    monkeypatch.setattr(tables, "BLOCK", block)
    text = f'{{"id": {first}, "y": 1}}\n{{"id": {second}, "y": 2}}\n'
    with pytest.raises(InputError, match=r"beyond (2..53 in row|64 bits).*write identifiers as text"):
        read_outputs(write("a.jsonl", text))
    same(read_outputs(write("a.jsonl", text), columns={"y": "y"})["y"], [1, 2], "i")
    nested = f'{{"id": [1, {first}]}}\n{{"id": [{second}, 3]}}\n'
    with pytest.raises(InputError, match="beyond"):
        read_outputs(write("b.jsonl", nested))


def test_what_a_float_can_hold_is_read(write):
    d = read_outputs(write("a.jsonl", f'{{"id": {ONE}, "x": {TWO}}}\n{{"id": {TWO}, "x": null}}\n'))
    same(d["id"], [ONE, TWO], "i")
    same(d["x"], [TWO, np.nan], "f")


def test_a_matrix_rounds_no_identifier(write):
    path = write("a.csv", f"y_pred_0,y_pred_1\n{ONE},0.5\n{TWO},1.5\n")
    assert list(read_outputs(path)) == ["y_pred_0", "y_pred_1"]
    with pytest.raises(InputError, match=r"y_pred_0, y_pred_1 hold integers beyond 2\*\*53 beside other numbers"):
        read_outputs(path, columns={"y": ["y_pred_0", "y_pred_1"]})
    both = write("b.csv", f"y_pred_0,y_pred_1\n{ONE},{TWO}\n")
    same(read_outputs(both)["y_pred"], [[ONE, TWO]], "i")


@pytest.mark.parametrize("block", [1, 50_000])
def test_a_key_that_comes_late_is_not_dropped(write, monkeypatch, block):
    monkeypatch.setattr(tables, "BLOCK", block)
    path = write("a.jsonl", '{"a":1}\n{"a":2,"b":3}\n')
    with pytest.raises(InputError, match=r"row 2 \(line 2\) has the key 'b', which row 1 has not\. Write null"):
        read_outputs(path)
    same(read_outputs(path, columns={"a": "a"})["a"], [1, 2], "i")


@pytest.mark.parametrize("head", ["PAR1", "BZh", "ARROW1", "BZh91AY&SY"])
def test_a_header_may_begin_like_another_format(write, head):
    d = read_outputs(write("a.csv", f"{head},y\né,1\n"))
    assert list(d) == [head, "y"]
    same(read_outputs(write("a.csv.gz", gzip.compress(f"{head},y\n2,1\n".encode())))["y"], [1], "i")
    cut = f"{head},y\n" + "é" * 300 + ",1\n" + "x" * (len(head) % 2) + "é" * 300 + ",2\n"
    same(read_outputs(write("b.csv", cut))["y"], [1, 2], "i")
    with pytest.raises(InputError, match="looks like text, not Parquet"):
        read_outputs(write("a.parquet", f"{head},y\n2,1\n"))


def test_packed_and_binary_content_is_still_found(write):
    import bz2

    with pytest.raises(InputError, match="looks like bzip2"):
        read_outputs(write("a.csv", bz2.compress(b"y\n1\n")))


def test_long_fields_are_read_and_the_limit_of_others_stays(write):
    before = csv.field_size_limit()
    path = write("a.csv", "a,b\n1," + "x" * 300_000 + "\n2,y\n")
    assert [len(text) for text in read_outputs(path)["b"]] == [300_000, 1]
    assert csv.field_size_limit() == before
    rows = tables._csv_rows(lambda: path.open(newline=""), "f", ",")
    next(rows)
    assert csv.field_size_limit() == before, "in the middle of the file"
    with pytest.raises(InputError, match="not CSV"):
        read_outputs(write("b.csv", 'a\n"x'))
    assert csv.field_size_limit() == before


def test_files_read_side_by_side_leave_the_limit_alone(write):
    from concurrent.futures import ThreadPoolExecutor

    before = csv.field_size_limit()
    path = write("a.csv", "a,b\n" + ("1," + "x" * 140_000 + "\n") * 40)
    with ThreadPoolExecutor(4) as pool:
        for d in pool.map(lambda _: read_outputs(path), range(8)):
            assert len(d["b"]) == 40
    assert csv.field_size_limit() == before
