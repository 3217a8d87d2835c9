# The first target of each kind installs what it needs into .venv, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
PYTEST := $(BIN)/python -m pytest -n 2 -q
DEMO_ARGS ?=

.DEFAULT_GOAL := demo
PROGRAMS := tests/e2e/node/node_modules/.done \
	$(patsubst tests/e2e/python/requirements-%.txt,$(VENV)/e2e/%/.done,$(wildcard tests/e2e/python/*.txt))

.PHONY: demo test test-full e2e check bench lock clean

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

test-full: check $(PROGRAMS)  ## everything, the long repetitions and other people's programs included
	$(PYTEST) -rs

e2e: $(VENV)/.dev $(PROGRAMS)  ## other people's programs, unmodified, through a hub
	$(PYTEST) -rs tests/e2e

$(VENV)/e2e/%/.done: tests/e2e/python/requirements-%.txt
	@$(PYTHON) -m venv $(@D) && \
		$(@D)/bin/python -m pip --disable-pip-version-check --no-input --quiet install -r $< && \
		touch $@ || echo "$*: not installed, what needs it is left out"

tests/e2e/node/node_modules/.done: tests/e2e/node/package-lock.json
	@if command -v npm >/dev/null; then \
		npm install --prefix tests/e2e/node --no-save --silent --no-audit --no-fund && touch $@; \
	else echo "there is no npm: the programs that run on Node are left out"; fi

bench: $(VENV)/.dev  ## direct, plain pass-through and TokenHub, in one run
	@$(BIN)/python -m tests.bench $(BENCH_ARGS)

lock: $(VENV)/.dev  ## resolve the locks again (needs `uv` on the path)
	sh .locks/make

clean:
	rm -rf $(VENV) tests/e2e/node/node_modules
