# Two commands on a fresh machine: `make demo`, `make test`. Each command below has one stamp file in .venv, so that it
# installs only what has changed. The plain commands behind them stand in the README.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INPUTS := pyproject.toml constraints.txt
# one process per core
PARALLEL := -n auto --dist worksteal
BENCH := .venv-bench

.PHONY: demo check test lint slow notebooks bench fuzz clean help

help:
	@echo "make demo    the tour on real data: prints its table, writes build/tour.html (core and plot only)"
	@echo "make check   the tests that need no more than core, plot and frames"
	@echo "make test    everything installed, all quick tests"
	@echo "make lint    ruff, import-linter, mypy"
	@echo "make slow    the slow statistical tests;  make notebooks  executes the notebooks"
	@echo "make fuzz    60 s of hostile input;       make bench      ratios against the peers (own environment)"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/stamp-demo: $(INPUTS) | $(BIN)/python
	$(PIP) install --quiet -c constraints.txt -e '.[plot]'
	@touch $@

$(VENV)/stamp-check: $(INPUTS) | $(BIN)/python
	$(PIP) install --quiet -c constraints.txt -e '.[plot,frames,check]'
	@touch $@

$(VENV)/stamp-test: $(INPUTS) | $(BIN)/python
	$(PIP) install --quiet -c constraints.txt -e '.[all,test]'
	@touch $@

demo: $(VENV)/stamp-demo
	$(BIN)/python notebooks/tour.py

check: $(VENV)/stamp-check
	$(BIN)/pytest $(PARALLEL)

test: $(VENV)/stamp-test
	$(BIN)/pytest $(PARALLEL)

lint: $(VENV)/stamp-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

slow: $(VENV)/stamp-test
	$(BIN)/pytest -m slow $(PARALLEL)

notebooks: $(VENV)/stamp-test
	$(BIN)/pytest -m notebook

fuzz: $(VENV)/stamp-test
	ERRORBARS_FUZZ_SECONDS=60 $(BIN)/pytest tests/test_hostile.py -m "slow or not slow"

# Peers live beside the package, never with it: one of them installs a package called `calibration`.
$(BENCH)/stamp: $(INPUTS) tests/benchmarks/requirements.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip --disable-pip-version-check install --quiet -c constraints.txt -e '.[plot]' -r tests/benchmarks/requirements.txt
	# its metrics need torch alone, its requirements Pyro and GPyTorch
	$(BENCH)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps netcal==1.4.0
	@touch $@

bench: $(BENCH)/stamp
	$(BENCH)/bin/python tests/benchmarks/run.py

clean:
	rm -rf $(VENV) $(BENCH) build *.egg-info
