"""One page: valid, self-contained, escaped, and it says what each number promises."""

import base64
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from contracts import require

from uq import Curve, Estimate, Interval, citation
from uq import TestResult as Test  # the name would be collected
from uq._base.laws import BinomialLaw, NormalLaw, TLaw
from uq._base.results import GUARANTEES
from uq._report import Report
from uq._report_html import MAX_ROWS
from uq._report_style import MEANING
from uq.exceptions import InputError

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Checks that tags are balanced and ids unique; collects tables, links, pictures and texts."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.images = [], [], [], []
        self.tables, self.texts, self.loads = [], [], []
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"
        assert len(set(self.ids)) == len(self.ids)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        assert not any(name.startswith("on") for name in attrs)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.loads += [attrs[name] for name in ("src", "srcset", "data", "background", "poster") if name in attrs]
        if tag in ("link", "script", "iframe", "object", "embed"):
            raise AssertionError(f"the page loads something: <{tag}>")
        if tag == "a":
            self.links.append(attrs["href"])
        if tag == "img":
            assert attrs["alt"]
            self.images.append(attrs["src"])
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag not in VOID
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data

    @property
    def text(self):
        return " ".join(self.texts)


def page_of(report, tmp_path):
    path = report.write(tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    page = Page(text)
    assert all(source.startswith("data:image/png;base64,") for source in page.loads)
    assert not re.search(r"@import|url\(", text)
    assert all(link.lstrip("#") in page.ids for link in page.links if link.startswith("#"))
    Page(report._repr_html_())
    return page


def estimate(law=None, guarantee="asymptotic", method="t"):
    law = TLaw(estimate=0.9, std_error=0.1, df=9) if law is None else law
    return Estimate(estimate=0.9, std_error=0.1, n=10, method=method, guarantee=guarantee, law=law)


RESULTS = [
    estimate(),
    Interval(lower=[0.1, -np.inf], upper=[0.5, 2.0], confidence_level=0.9, method="<rank>", guarantee="exact"),
    Curve(x=[1, 2, 3], y=[0.5, 0.6, 0.7], lower=[0.4, 0.5, 0.6], upper=[0.6, 0.7, 0.8], confidence_level=0.9),
    Test(statistic=1.5, pvalue=0.1, method="exact & quick"),
]


def test_a_page_with_everything(tmp_path, axes):
    axes.plot([1, 2], [3, 4])
    axes.set_title("a <title>")
    report = Report("Tour & <more>", "First.\n\nSecond.")
    returned = report.add(
        "All", *RESULTS, {"a": [1, 2], "b": ["x", "y"]}, {"n": 3}, [{"k": 1}], "words", axes, plot=True
    )
    assert returned is report
    report.add("Figure", axes.figure)
    page = page_of(report, tmp_path)
    assert len(page.images) == len(RESULTS) + 2
    for source in page.images:
        assert base64.b64decode(source.split(",")[1]).startswith(b"\x89PNG")
    assert "Tour & <more>" in page.text
    assert "<rank>" in page.text
    assert "exact & quick" in page.text
    assert [["a", "b"], ["1", "x"], ["2", "y"]] in page.tables
    assert [["name", "value"], ["n", "3"]] in page.tables
    assert require("matplotlib.pyplot").fignum_exists(axes.figure.number), "the caller's figure stays open"


def test_pictures_leave_no_figure_open(tmp_path):
    plt = require("matplotlib.pyplot")
    before = plt.get_fignums()
    Report("t").add("s", *RESULTS, plot=True)
    assert plt.get_fignums() == before


def test_without_plot_there_is_no_picture(tmp_path):
    assert page_of(Report("t").add("s", *RESULTS), tmp_path).images == []


def test_every_text_is_escaped(tmp_path):
    evil = "<script>alert(1)</script>\"'&"

    interval = Interval(lower=0.0, upper=1.0, confidence_level=0.9, method=evil, guarantee="none")
    report = Report(evil, evil).add(evil, evil, {evil: [evil]}, {evil: evil}, [{evil: evil}], interval, text=evil)
    text = report.write(tmp_path / "a.html").read_text()
    assert "<script" not in text
    assert "{body}" not in text
    page = page_of(report, tmp_path)
    assert page.text.count("<script>alert(1)</script>\"'&") >= 10


def test_braces_and_odd_characters_survive(tmp_path):
    report = Report("{title} {0} %s").add("{body}", "é ✓ \ud800 \x00")
    page = page_of(report, tmp_path)
    assert "{title} {0} %s" in page.text
    assert "é ✓" in page.text


def test_without_matplotlib_the_page_says_so(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    page = page_of(Report("t").add("s", RESULTS[0], plot=True), tmp_path)
    assert page.images == []
    assert "pip install 'errorbars[plot]'" in page.text
    assert "0.9" in page.text


def test_contents_lead_to_the_sections(tmp_path):
    page = page_of(Report("t").add("one", "a").add("two", RESULTS[0]), tmp_path)
    assert [link for link in page.links if link.startswith("#section")][:3] == [
        "#section-1",
        "#section-2",
        "#section-3",
    ]
    assert Report("t").add("one", "a")._repr_html_().count("<nav>") == 0


def test_guarantees_name_method_promise_and_exactly_the_references_used(tmp_path):
    report = Report("t")
    report.add("first", estimate(), estimate())
    report.add("second", estimate(BinomialLaw(n_success=9, n=10), "finite-sample", "clopper_pearson"))
    report.add("third", estimate(NormalLaw(estimate=0.9, std_error=0.1), "none", "z"))
    page = page_of(report, tmp_path)
    table = page.tables[-1]
    assert table[0] == ["section", "result", "method", "guarantee", "references"]
    assert [row[:4] for row in table[1:]] == [
        ["first", "Estimate", "t", "asymptotic"],
        ["second", "Estimate", "clopper_pearson", "finite-sample"],
        ["third", "Estimate", "z", "none"],
    ]
    for guarantee, meaning in MEANING.items():
        assert (meaning in page.text) == (guarantee in ("asymptotic", "finite-sample", "none"))
    assert "The probable error of a mean" in page.text
    assert "@article{clopper1934," in page.text
    assert "Wilson" not in page.text
    outside = [link for link in page.links if not link.startswith("#")]
    assert outside == ["https://doi.org/10.1093/biomet/6.1.1", "https://doi.org/10.1093/biomet/26.4.404"]
    assert [link for link in page.links if link.startswith("#reference")] == ["#reference-1", "#reference-2"]


def test_named_estimates_share_one_table_and_one_picture(tmp_path):
    clusters = Estimate(
        estimate=0.5, std_error=0.1, n=40, method="z", guarantee="asymptotic", n_groups=8,
        law=NormalLaw(estimate=0.5, std_error=0.1),
    )  # fmt: skip
    binomial = estimate(BinomialLaw(n_success=9, n=10), "finite-sample", "clopper_pearson")
    vector = Estimate(
        estimate=np.zeros(2), std_error=np.ones(2), n=9, method="ols", guarantee="none", names=("a", "b"),
        law=NormalLaw(estimate=np.zeros(2), std_error=np.ones(2)),
    )  # fmt: skip
    report = Report("t").add("Accuracy", {"<m0>": binomial, 1: clusters, "fit": vector}, plot=True)
    page = page_of(report, tmp_path)
    assert len(page.images) == 1
    table, guarantees = page.tables
    assert table[0][:2] == ["name", "estimate"]
    assert [row[0] for row in table[1:]] == ["<m0>", "1", "fit: a", "fit: b"]
    assert [row[table[0].index("n_groups")] for row in table[1:]] == ["", "8", "", ""]
    assert "n_dropped" not in table[0]
    assert [row[:4] for row in guarantees[1:]] == [
        ["Accuracy", "Estimate", "clopper_pearson", "finite-sample"],
        ["Accuracy", "Estimate", "z", "asymptotic"],
        ["Accuracy", "Estimate", "ols", "none"],
    ]
    assert "@article{clopper1934," in page.text
    assert len(page_of(Report("t").add("Accuracy", {"m": binomial}), tmp_path).images) == 0


def test_dicts_that_mix_estimates_with_other_things_are_refused():
    report = Report("t")
    for item in ({"a": estimate(), "b": 3}, {"a": RESULTS[1]}, {"a": estimate(), "b": RESULTS[2]}):
        with pytest.raises(InputError, match=r"Report\.add: a dict of results must hold Estimates only"):
            report.add("s", item)
    assert report._sections == []


def test_infinite_bounds_are_explained_on_the_page(tmp_path):
    flat = estimate(TLaw(estimate=0.5, std_error=0.0, df=49))
    for item in (flat, {"flat": flat, "other": estimate()}):
        page = page_of(Report("t").add("s", item), tmp_path)
        assert flat.law.remedy in page.text
    assert "infinite bound" not in page_of(Report("t").add("s", estimate()), tmp_path).text


def test_a_report_cites_what_its_results_cite():
    report = Report("t").add("s", estimate(), {"a": estimate(BinomialLaw(n_success=9, n=10), method="clopper_pearson")})
    assert citation(report) == citation(*(result for _, result in report._results))
    assert "clopper1934" in citation(report)


def test_every_guarantee_has_a_meaning():
    assert tuple(MEANING) == GUARANTEES


def test_without_results_there_is_no_such_section(tmp_path):
    assert "Guarantees" not in page_of(Report("t").add("one", "a"), tmp_path).text
    assert page_of(Report("t"), tmp_path).tables == []


def test_tables(tmp_path):
    def table(item):
        return page_of(Report("t").add("s", item), tmp_path).tables[0]

    assert table([{"a": 1}, {"b": 0.123456}]) == [["a", "b"], ["1", ""], ["", "0.1235"]]
    assert table({"a": np.array([0.5, np.inf]), "b": (True, None)}) == [["a", "b"], ["0.5", "True"], ["inf", "None"]]
    assert table({"a": "text", "b": np.float64(1) / 3}) == [["name", "value"], ["a", "text"], ["b", "0.3333"]]
    long = table({"a": list(range(MAX_ROWS + 5))})
    assert len(long) == MAX_ROWS + 2
    assert long[-1] == ["5 more rows"]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames(tmp_path, library):
    module = require(library)
    build = module.table if library == "pyarrow" else module.DataFrame
    frame = build({"a": [1, 2], "b": ["x", "<y>"]})
    assert page_of(Report("t").add("s", frame), tmp_path).tables == [[["a", "b"], ["1", "x"], ["2", "<y>"]]]
    if library == "pandas":
        tables = page_of(Report("t").add("s", frame.set_index("b")), tmp_path).tables
        assert tables == [[["b", "a"], ["x", "1"], ["<y>", "2"]]]


@pytest.mark.parametrize(
    "item", [3, None, np.zeros(3), [], [1, 2], {1, 2}, b"x", object(), {"a": [1], "b": 2}, {"a": [1], "b": []}]
)
def test_other_items_are_refused_and_nothing_is_added(item):
    report = Report("t")
    with pytest.raises(InputError, match=r"Report\.add"):
        report.add("s", RESULTS[0], item)
    assert repr(report) == "Report('t', 0 sections)"
    assert report._results == []


def test_bad_texts():
    for bad in ("", "  ", None, 3):
        with pytest.raises(InputError, match="Report: title must be a non-empty str"):
            Report(bad)
        with pytest.raises(InputError, match=r"Report\.add: heading must be"):
            Report("t").add(bad)
    with pytest.raises(InputError, match=r"Report\.add: text must be a str"):
        Report("t").add("s", text=3)


def test_write(tmp_path):
    report = Report("t").add("s", "a")
    path = report.write(str(tmp_path / "new" / "folder" / "a.html"))
    assert path == tmp_path / "new" / "folder" / "a.html"
    first = path.read_bytes()
    assert report.write(path).read_bytes() == first
    (tmp_path / "folder.html").mkdir()
    for bad in (tmp_path, tmp_path / "a.txt", tmp_path / "a", tmp_path / "folder.html", 3):
        with pytest.raises(InputError, match=r"Report\.write: path must be"):
            report.write(bad)


def test_a_page_shows_what_was_added_and_not_what_became_of_it(tmp_path):
    rows = {"a": [1, 2]}
    report = Report("t").add("s", rows)
    rows["a"][0] = 99
    assert page_of(report, tmp_path).tables == [[["a"], ["1"], ["2"]]]


def test_frames_with_columns_of_any_name(tmp_path):
    pd, pa = require("pandas"), require("pyarrow")
    for columns, head in (
        (range(2), ["0", "1"]), ([0, "0"], ["0", "0"]), (["a", "a"], ["a", "a"]), ([1, 1], ["1", "1"]),
        (pd.MultiIndex.from_tuples([("a", 1), ("a", 2)]), ["a, 1", "a, 2"]), ([0.5, None], ["0.5", "nan"]),
        (pd.to_datetime(["2020-01-01", "2020-01-02"]), ["2020-01-01 00:00:00", "2020-01-02 00:00:00"]),
    ):  # fmt: skip
        frame = pd.DataFrame([[1, 2], [3, 4]], columns=columns)
        page = page_of(Report("t").add("y", frame), tmp_path)
        assert page.tables == [[head, ["1", "2"], ["3", "4"]]]
    arrow = pa.table([pa.array([1, 3]), pa.array([2, 4])], names=["a", "a"])
    assert page_of(Report("t").add("y", arrow), tmp_path).tables == [[["a", "a"], ["1", "2"], ["3", "4"]]]


def test_an_index_hides_no_column_of_its_name(tmp_path):
    frame = require("pandas").DataFrame({"a": [1, 2]}).rename_axis("a").rename(index={0: 5, 1: 6})
    assert page_of(Report("t").add("y", frame), tmp_path).tables == [[["a", "a"], ["5", "1"], ["6", "2"]]]


def test_write_below_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file" / "a.html", tmp_path / "file" / "folder" / "a.html"):
        with pytest.raises(InputError, match=r"Report\.write: path must be in a folder; a part of .*file.* is a file"):
            Report("t").add("s", "a").write(path)
    assert (tmp_path / "file").read_text() == "x"
