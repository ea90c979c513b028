"""References as data: every entry parses, every key that the code names exists, only what was used is cited."""

import functools
import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest

import uq._base.citation as module
from uq import (
    Curve,
    Estimate,
    Interval,
    RankSummary,
    Report,
    WrappedModel,
    coverage_report,
    estimate_difference,
    estimate_mean,
    estimate_metric,
    mean_sequence,
    rank_models,
    variance_components,
)
from uq._base.citation import (
    citation,
    cite_methods,
    cites,
    format_reference,
    parse_bibtex,
    reference_keys,
)
from uq._base.draws_law import DrawsLaw
from uq._base.laws import BinomialLaw, NormalLaw, TLaw
from uq.datasets import make_scores
from uq.exceptions import InputError

ENTRIES = module._entries()
DOORS = {"uq.epistemic.heads", "uq.epistemic._training"}  # import torch


def estimate(method):
    law = NormalLaw(estimate=1.0, std_error=0.1)
    return Estimate(estimate=1.0, std_error=0.1, n=10, method=method, guarantee="asymptotic", law=law)


@pytest.fixture
def methods(monkeypatch):
    registry = {}
    monkeypatch.setattr(module, "_METHODS", registry)
    return registry


def test_every_entry_is_complete():
    assert len(ENTRIES) >= 14
    for key, (text, fields) in ENTRIES.items():
        assert text.isascii(), f"{key}: BibTeX wants LaTeX accents"
        assert {"author", "title", "year"} <= fields.keys(), key
        assert re.fullmatch(r"(1[89]|20)\d\d", fields["year"]), key
        assert key == module.LIBRARY or key.endswith(fields["year"]), key
        doi, eprint = fields.get("doi"), fields.get("eprint")
        assert doi or eprint or fields.get("note", "").startswith("No DOI: "), key
        assert doi is None or re.fullmatch(r"10\.\d{4,}/\S+", doi), key
        assert eprint is None or re.fullmatch(r"\d{4}\.\d{4,5}", eprint), key
        assert (eprint is None) == ("archiveprefix" not in fields), key
    dois = [fields["doi"].lower() for _, fields in ENTRIES.values() if "doi" in fields]
    assert len(set(dois)) == len(dois)


def test_every_reference_reads_well():
    for key in ENTRIES:
        text, address = format_reference(key)
        assert not set(text) & set("{}\\"), key
        assert address is None or address.startswith(("https://doi.org/10.", "https://arxiv.org/abs/"))
    assert format_reference("wilson1927") == (
        "Wilson, Edwin B. (1927). Probable inference, the law of succession, and statistical inference. "
        "Journal of the American Statistical Association 22(158), 209-212. doi:10.1080/01621459.1927.10502953",
        "https://doi.org/10.1080/01621459.1927.10502953",
    )
    assert format_reference("boucheron2013")[0].startswith("Boucheron, Stéphane; Lugosi, Gábor; Massart, Pascal (2013)")


def test_every_key_that_the_code_names_exists():
    registered = [*module._METHODS.values(), *module._LAWS.values(), *module._KINDS.values()]
    named = {key for keys in registered for key in keys}
    for package in ("uq", "conformal", "calibration", "bayes", "causal"):
        root = importlib.import_module(package)
        for info in pkgutil.walk_packages(root.__path__, f"{package}."):
            if info.name in DOORS:
                continue
            for thing in vars(importlib.import_module(info.name)).values():
                if inspect.isfunction(thing) or inspect.isclass(thing):
                    keys = getattr(thing, "_references", ())
                    named.update(keys if isinstance(keys, tuple) else ())
    assert named <= ENTRIES.keys()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("article{a, year = {1}}", "no entry begins"),
        ("@article{a, year = {1}", "neither a field nor the end"),
        ("@article{a, year = {1}, pages = 3}", "neither a field nor the end"),
        ("@article{a, year = {1} title = {b}}", "neither a field nor the end"),
        ("@article{a, title = {b {c}", "never closed"),
        ("@article{a, year = {1}}\n@book{a, year = {2}}", "occurs twice"),
        ("@article{a, year = {1}, year = {2}}", "year occurs twice"),
    ],
)
def test_the_parser_refuses(text, message):
    with pytest.raises(ValueError, match=message):
        parse_bibtex(text)


def test_the_parser_keeps_the_entry_and_reads_its_fields():
    text = "@article{a1,\n  title = {The {B}\n     law},\n  year = {1908},\n}"
    assert parse_bibtex(f"\n{text}\n\n") == {"a1": (text, {"title": "The {B} law", "year": "1908"})}
    assert parse_bibtex(" \n") == {}


def test_the_library_itself():
    text = citation()
    assert text == ENTRIES["errorbars"][0]
    assert repr(text) == str(text)


def test_only_what_was_used_each_once_in_order():
    @cites("wilson1927", "student1908")
    def function():
        """Cites two."""

    @cites("student1908", "efron1987")
    class Estimator:
        """Cites two."""

    keys = re.findall(r"@\w+\{([\w]+),", citation(function, Estimator(), Estimator))
    assert keys == ["wilson1927", "student1908", "efron1987"]
    assert parse_bibtex(citation(function)).keys() == {"wilson1927", "student1908"}


def test_a_result_cites_its_method_and_its_law(methods, monkeypatch):
    cite_methods(t="student1908", both=("wilson1927", "student1908"))
    assert reference_keys(estimate("t")) == ("student1908",)
    assert reference_keys(estimate("other")) == ()
    assert citation(estimate("other")) == ""
    assert citation(Curve(x=np.arange(2), y=np.arange(2))) == ""
    monkeypatch.setattr(NormalLaw, "_references", ("fieller1954", "student1908"), raising=False)
    assert reference_keys(estimate("both")) == ("fieller1954", "student1908", "wilson1927")


def test_the_laws_of_the_ground(methods):
    draws = np.arange(20.0)
    for law, keys in [
        (TLaw(estimate=1.0, std_error=0.1, df=9), ("student1908",)),
        (BinomialLaw(n_success=3, n=9), ("clopper1934",)),
        (BinomialLaw(n_success=3, n=9, kind="wilson"), ("wilson1927",)),
        (DrawsLaw(draws=draws, kind="bca"), ("efron1987",)),
        (DrawsLaw(draws=draws), ()),
        (NormalLaw(estimate=1.0, std_error=0.1), ()),
    ]:
        result = Estimate(estimate=1.0, std_error=0.1, n=9, method="m", guarantee="none", law=law)
        assert reference_keys(result) == keys


def test_one_method_has_one_set_of_references(methods):
    cite_methods(t="student1908")
    cite_methods(t="student1908")
    with pytest.raises(ValueError, match="'t' already cites"):
        cite_methods(t="efron1987")
    assert methods == {"t": ("student1908",)}


def _correlation(a, b):
    return np.corrcoef(a, b)[0, 1]


def every_result():
    """Results of all methods of an evaluation, with the keys that each must cite, and the function they come from."""
    rng = np.random.default_rng(0)
    scores = rng.random(60)
    right, other = (scores > 0.3) * 1, (rng.random(60) > 0.4) * 1
    groups = np.arange(60) // 2
    mean, difference = functools.partial(estimate_mean, rng=0), functools.partial(estimate_difference, rng=0)
    table = np.column_stack([scores, scores**2])
    ranking = rank_models(table, n_resamples=999, rng=0)
    return {
        "t": (mean(scores), "student1908", estimate_mean),
        "cluster": (mean(scores, groups), "student1908 cameron2015", estimate_mean),
        "wilson": (mean(right, method="wilson"), "wilson1927", estimate_mean),
        "clopper_pearson": (mean(right), "clopper1934", estimate_mean),
        "beta": (mean(right, method="beta"), "bowyer2025", estimate_mean),
        "betting": (mean(scores, bounds=(0, 1)), "waudbysmith2024", estimate_mean),
        "hierarchical": (mean(right, groups, method="hierarchical"), "bowyer2025", estimate_mean),
        "bootstrap": (mean(scores, method="bootstrap", n_resamples=999), "efron1987", estimate_mean),
        "difference t": (difference(scores, scores**2, method="t"), "student1908", estimate_difference),
        "difference betting": (difference(scores, scores**2, bounds=(0, 1)), "waudbysmith2024", estimate_difference),
        "mcnemar": (difference(right, other), "mcnemar1947 berger1994 buehler1957", estimate_difference),
        "dirichlet": (difference(right, other, method="dirichlet"), "bowyer2025", estimate_difference),
        "metric": (estimate_metric(_correlation, scores, scores**2, n_resamples=999, rng=0), "efron1987",
                   estimate_metric),
        "sequence": (mean_sequence(scores, (0, 1)), "waudbysmith2024", mean_sequence),
        "variance": (variance_components(table), "searle1992 miller2024", variance_components),
        "coverage": (coverage_report(Interval(lower=0.0, upper=0.9, confidence_level=0.9), scores), "clopper1934",
                     coverage_report),
        "ranking": (ranking, "mogstad2024", rank_models),
        "ranks": (ranking.rank_interval(), "mogstad2024", rank_models),
    }  # fmt: skip


def test_every_result_cites_what_it_used_and_its_function_cites_no_less():
    for name, (result, keys, function) in every_result().items():
        assert reference_keys(result) == tuple(keys.split()), name
        assert set(keys.split()) <= set(reference_keys(function)), name
        if isinstance(result, Estimate):
            assert citation(result.conf_int()) == citation(result), f"{name}: the interval forgets where it is from"


def test_orders_cite_their_loss():
    ranking = RankSummary(np.eye(3))
    assert reference_keys(ranking.point_ranking("kendall")) == ("kemeny1959",)
    assert citation(ranking.point_ranking()) == ""
    assert citation(ranking.rank_interval(method="credible")) == ""


def test_what_needs_no_reference_cites_nothing():
    class Derived(WrappedModel):
        """Made by a user."""

    model = WrappedModel(3, 4)
    for thing in (WrappedModel, model, Derived, Derived(3, 4), Report, Report("t"), make_scores, Interval, citation):
        assert citation(thing) == ""


@pytest.mark.parametrize("thing", [3, "wilson1927", None, len, {"law": 1}, np.zeros(2)])
def test_unknown_objects_are_refused(thing):
    with pytest.raises(InputError, match="citation: objects must be results, estimators"):
        citation(thing)
