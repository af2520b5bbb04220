# Everything here needs git, make and Python >= 3.11, and sets up what is missing in .venv.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
PIP := $(BIN)/python -m pip install -c constraints.txt
SETTINGS := pyproject.toml constraints.txt
# All cores, when the compiled code is there: two processes would compile the same functions.
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal

# The first Python that is new enough and can make a virtual environment.
SUITABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON = $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c '$(SUITABLE)' 2>/dev/null && echo $$p && break; done)

.DEFAULT_GOAL := help
.PHONY: help setup torch sklearn demo quick test full pins coverage lint types stubs bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP) ## make .venv with knotflow and its tools, and compile the engine

$(STAMP): $(SETTINGS)
	@test -n "$(PYTHON)" || { echo "error: no Python >= 3.11 with venv was found: install one" \
		"(on Debian: apt install python3 python3-venv) or run make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[dev]'
	$(BIN)/knotflow warm-up
	@touch $@

torch: $(STAMP)-torch ## add PyTorch, for the tests that compare with it

$(STAMP)-torch: $(STAMP)
	$(PIP) -e '.[dev,torch]'
	@touch $@

sklearn: $(STAMP)-sklearn ## add scikit-learn, for the estimators and their tests

$(STAMP)-sklearn: $(STAMP)
	$(PIP) -e '.[dev,sklearn]'
	@touch $@

demo: $(STAMP) ## fit the motorcycle data in all three regimes; report in out/demo/report.html
	$(BIN)/knotflow demo --out out/demo

quick: $(STAMP) ## run the tests that are neither slow nor of the papers, nor need PyTorch
	$(PYTEST) -m 'not slow and not papers and not torch'

test: $(STAMP) ## run all tests but the papers' full runs (PyTorch's and scikit-learn's: after `make torch sklearn`)
	$(BIN)/knotflow warm-up
	$(PYTEST)

full: $(STAMP) ## run the papers in full and compare with what is pinned: a quarter of an hour
	$(PYTEST) -m full

pins: $(STAMP) ## write down what the ledger and the reproduction say: half an hour; read what has changed
	$(BIN)/python tools/pins.py ledger
	$(BIN)/python tools/pins.py verdicts out/pins
	$(BIN)/python tools/pins.py watch

coverage: $(STAMP) ## run all tests and list the lines of src they reach (compiled functions are not seen)
	$(PYTEST) --cov=src --cov-report=term-missing:skip-covered

lint: $(STAMP) ## check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(STAMP) ## check types
	$(BIN)/mypy

stubs: $(STAMP) ## write the types of the public names from their list
	$(BIN)/python tools/stubs.py

bench: $(STAMP)-bench ## measure against other programs
	$(BIN)/python -m bench

$(STAMP)-bench: $(STAMP)
	$(PIP) -e '.[dev,bench]'
	@touch $@

clean: ## remove .venv, out and every cache
	rm -rf $(VENV) out build src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
