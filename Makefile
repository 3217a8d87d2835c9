# The first target of each kind installs what it needs into .venv, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
PYTEST := $(BIN)/python -m pytest -n 2 -q
DEMO_ARGS ?=

.DEFAULT_GOAL := demo
.PHONY: demo test test-full check bench lock clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: .locks/run.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r .locks/run.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: .locks/dev.txt $(VENV)/.run
	$(PIP) install --require-hashes -r .locks/dev.txt
	@touch $@

demo: $(VENV)/.run  ## a hub with simulated providers: no account, no network
	@$(BIN)/tokenhub demo $(DEMO_ARGS)

check: $(VENV)/.dev  ## static checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python .ci/sizes.py

test: check  ## static checks and every test but `e2e` and the long repetitions
	$(PYTEST) -m "not e2e and not long"

test-full: check  ## everything, the long repetitions and other people's programs included
	$(PYTEST)

bench: $(VENV)/.dev  ## direct, plain pass-through and TokenHub, in one run
	@$(BIN)/python -m tests.bench $(BENCH_ARGS)

lock: $(VENV)/.dev  ## resolve the locks again (needs `uv` on the path)
	sh .locks/make

clean:
	rm -rf $(VENV)
