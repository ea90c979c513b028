# Two commands on a fresh machine: `make demo`, `make test`. Each command below has one stamp file in .venv, so that it
# installs only what has changed. The plain commands behind them stand in the README.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INPUTS := pyproject.toml constraints.txt
# one process per core, and one thread in each: threads of several that wait for the same core cost many times their gain
PARALLEL := -n auto --dist worksteal
check test slow notebooks: export OMP_NUM_THREADS := 1
check test slow notebooks: export OPENBLAS_NUM_THREADS := 1
# many tests start a process, and what is compiled once need not be compiled by each
check test slow notebooks: export PYTHONDONTWRITEBYTECODE :=
BENCH := .venv-bench
# the second environment of `make test-matrix`; the first Python 3.13 that runs (pyenv's plain command may not)
NEXT := .venv-3.13
PYTHON313 ?= $(firstword $(foreach p,python3.13 $(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.13.*/bin/python3.13),\
	$(if $(shell $(p) -c 'print(1)' 2>/dev/null),$(p))))

.PHONY: demo check test test-matrix lint slow notebooks docs atlas bench fuzz clean help

help:
	@echo "make demo    the tour on real data: prints its table, writes build/tour.html (core and plot only)"
	@echo "make check   the tests that need no more than core, plot and frames"
	@echo "make test    everything installed, all quick tests"
	@echo "make test-matrix  quick tests and PyMC's on Python 3.11 with PyMC 5, and on 3.13 with PyMC 6"
	@echo "make lint    ruff, import-linter, mypy"
	@echo "make slow    the slow statistical tests;  make notebooks  executes the notebooks"
	@echo "make docs    the site, in build/docs: reference, guarantees, notebooks (which it runs)"
	@echo "make atlas   how often every interval covers, counted anew: docs/atlas.md and build/atlas.csv"
	@echo "             ONLY='exp_power crossfit' counts the rows with such a text in their names, and keeps the others"
	@echo "make fuzz    60 s of hostile input, or ERRORBARS_FUZZ_SECONDS of it, with the draws of ERRORBARS_FUZZ_SEED"
	@echo "make bench   ratios against the peers (own environment)"

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

$(NEXT)/stamp-test: $(INPUTS)
	@test -n "$(PYTHON313)" || { \
		echo "make test-matrix needs Python 3.13, and found none: install it, or name it, make test-matrix PYTHON313=/path/to/python3.13"; \
		exit 1; }
	$(PYTHON313) -m venv $(NEXT)
	$(NEXT)/bin/python -m pip --disable-pip-version-check install --quiet -c constraints.txt -e '.[all,test]'
	@touch $@

# Both sides are asked what they are first: an environment of another Python would prove nothing. A skip is a failure.
test-matrix: export ERRORBARS_REQUIRE := all
test-matrix: $(NEXT)/stamp-test $(VENV)/stamp-test
	$(BIN)/python tests/matrix.py 3.11 5 0.23 || { echo "rebuild it: rm -r $(VENV); make test-matrix PYTHON=python3.11"; exit 1; }
	$(NEXT)/bin/python tests/matrix.py 3.13 6 1 || { echo "rebuild it: rm -r $(NEXT)"; exit 1; }
	$(BIN)/pytest $(PARALLEL)
	$(BIN)/pytest -m slow tests/test_bayes/test_pymc.py
	$(NEXT)/bin/pytest $(PARALLEL)
	$(NEXT)/bin/pytest -m slow tests/test_bayes/test_pymc.py

lint: $(VENV)/stamp-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

slow: $(VENV)/stamp-test
	$(BIN)/pytest -m slow $(PARALLEL)

notebooks: $(VENV)/stamp-test
	$(BIN)/pytest -m notebook

docs: $(VENV)/stamp-test
	$(BIN)/python docs/build.py

# one thread per process: all cores count already
atlas: export OMP_NUM_THREADS := 1
atlas: export OPENBLAS_NUM_THREADS := 1
atlas: $(VENV)/stamp-test
	PYTHONPATH=tests $(BIN)/python -m atlas $(if $(ONLY),--only $(ONLY))

fuzz: $(VENV)/stamp-test
	ERRORBARS_FUZZ_SECONDS=$(or $(ERRORBARS_FUZZ_SECONDS),60) $(BIN)/pytest tests/test_hostile.py -m slow -k as_long_as_told

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
	rm -rf $(VENV) $(BENCH) $(NEXT) build *.egg-info
