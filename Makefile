# README: `make demo` and `make test` are all that a fresh machine needs.
#
# setup  virtual environment in .venv with what the product needs to run
# demo   sets up if needed, then runs the whole drawings flow on sample data
# serve  sets up if needed, then serves pages and API at http://localhost:8000
# test   every test; brings a browser and database servers along where it can
# lint   style, types, imports and the freshness of generated pages
# bench  makes every published figure anew, into bench/results
# fuzz   two thousand requests that the API's description allows or just does not
# docs   writes the generated pages anew
# pictures  takes the pictures of the guide anew, from the demo in a browser

PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	  $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; \
	done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCK := pyproject.toml constraints.txt
# Four for two cores: tests of workers and servers mostly wait.
TEST_WORKERS ?= 4

# One thread a worker: on a small machine two libraries' thread pools fight for the same cores.
SINGLE := OMP_NUM_THREADS=1

# Tests start hundreds of processes, and all workers read every test: with bytecode kept nothing is
# translated twice, also where a container's environment says otherwise.
KEPT := PYTHONDONTWRITEBYTECODE=

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo serve test fuzz bench docs pictures browser servers
.PHONY: lint lint-style lint-types lint-imports lint-docs

help:
	@sed -n 's/^# \([a-z]*  \)/\1/p' Makefile

setup: $(VENV)/.ready
setup-dev: $(VENV)/.ready-dev

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "DeepMed needs Python 3.11 or newer, and none was found. Install it, or name it: make setup PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "DeepMed needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name a newer one: make setup PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# What setup-dev took stays in .seconds, for the test of the promised three minutes.
# Build tools come first and from the lock too, so that nothing is fetched outside the lock (hydra-core
# brings a parser that has no wheel).
INSTALL = $(PIP) install --quiet --constraint constraints.txt

$(VENV)/.ready: $(LOCK) | $(BIN)/python
	$(INSTALL) hatchling setuptools
	$(INSTALL) --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-dev: $(LOCK) | $(BIN)/python
	$(INSTALL) hatchling setuptools && \
	$(INSTALL) --no-build-isolation --editable '.[dev]' && \
	times >$(VENV)/.seconds
	@touch $(VENV)/.ready $@

demo: setup
	$(BIN)/deepmed demo

serve: setup assets
	$(BIN)/deepmed serve

test: setup-dev assets browser servers
	$(SINGLE) $(KEPT) $(BIN)/python -m pytest --numprocesses $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder

fuzz: setup-dev
	DEEPMED_FUZZ_CASES=2000 $(SINGLE) $(BIN)/python -m pytest tests/integration/server/test_fuzzing.py

# Two at a time; `make -k lint` goes on after the first complaint and shows all of them.
lint: setup-dev
	@$(MAKE) --no-print-directory --jobs=2 lint-types lint-style lint-imports lint-docs

lint-style: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint-types: setup-dev
	$(BIN)/mypy

lint-imports: setup-dev
	$(BIN)/lint-imports

lint-docs: setup-dev
	$(BIN)/python docs/make_requirements.py --check
	$(BIN)/python docs/make_benchmarks.py --check
	$(BIN)/python docs/make_routes.py --check
	$(BIN)/python docs/make_vocabulary.py --check

# DEEPMED_BENCH_DRAWINGS names a ZIP of real drawings; without it their parts say that they are missing.
# DEEPMED_BENCH_XRAY names the NPZ of a published split; X-rays are measured on nothing else.
# Those with -sqlite on a server: name an empty database with DEEPMED_DATABASE_URL for each, and files that
# end with -postgresql.json.
bench: setup
	$(BIN)/deepmed bench drawings --json bench/results/drawings.json
	$(BIN)/deepmed bench api --json bench/results/api-sqlite.json
	$(BIN)/deepmed bench platform --json bench/results/platform-sqlite.json
	$(BIN)/deepmed bench load --json bench/results/load-sqlite.json
	$(BIN)/deepmed bench embed --json bench/results/embed.json
	$(BIN)/deepmed bench xray --json bench/results/xray.json

docs: setup-dev
	$(BIN)/python docs/make_requirements.py
	$(BIN)/python docs/make_benchmarks.py
	$(BIN)/python docs/make_routes.py
	$(BIN)/python docs/make_vocabulary.py

pictures: setup-dev assets browser
	$(BIN)/python docs/make_pictures.py

# What the pages take from npm, by the lock; `serve` and `test` need it.
ASSETS := src/deepmed/web/static/vendor/.ready

assets: $(ASSETS)

$(ASSETS): src/deepmed/web/package-lock.json .ci/assets | $(BIN)/python
	$(BIN)/python .ci/assets

# The report is looked at in a real browser. Where none can be had those tests skip, aloud.
browser:
	@.ci/browser

# Likewise the database servers, which the tests start themselves.
servers:
	@.ci/servers
