# Two commands: `make demo` does the main job, `make test` passes the tests. Each sets itself up in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
CACHE := .cache/models

.PHONY: help demo test test-all quick explore check lint types imports studies benchmarks zoo clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/run.stamp ## Examine real small models and run a whole stage (downloads about 330 MB once)
	$(BIN)/dokja demo --cache $(CACHE) --out out/demo

test: $(VENV)/test.stamp check ## Run the tests, one case of every kind (installs PostgreSQL and Chromium where it may)
	tools/system-packages
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not all"

test-all: $(VENV)/test.stamp check ## Run every case of every test
	tools/system-packages
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest

quick: $(VENV)/test.stamp ## Run the tests a change touches, nearest first, for 20 seconds; says what it left out
	@OMP_NUM_THREADS=1 $(BIN)/python tools/affected_tests.py

explore: $(VENV)/test.stamp ## Try the properties at random, ten rounds or an hour; prints the seed of each
	@OMP_NUM_THREADS=1 $(BIN)/python tools/explore.py

check: lint types imports ## Lint, types, import directions

lint: $(VENV)/test.stamp
	$(BIN)/ruff check --quiet src tools tests benchmarks studies examples
	$(BIN)/ruff format --quiet --check src tools tests benchmarks studies examples

types: $(VENV)/test.stamp
	$(BIN)/mypy --no-error-summary

imports: $(VENV)/test.stamp
	$(BIN)/lint-imports --no-logo

zoo: $(VENV)/test.stamp ## Train the committed fixtures and the demo's models again (about 20 minutes)
	$(BIN)/python -m studies.zoo.train all
	$(BIN)/python -m studies.zoo.demo_models all

studies: $(VENV)/test.stamp ## Make the long studies again (hours): false alarms, siblings, killed writers
	OMP_NUM_THREADS=1 $(BIN)/python -m studies.false_alarms
	OMP_NUM_THREADS=1 $(BIN)/python -m studies.siblings.measure
	$(BIN)/python -m studies.kill9 --writers 240 --servers 25 --seed 1

benchmarks: $(VENV)/test.stamp ## Print ratios: compare of 1B parameters, start-up, bootstrap, recording, a whole large stage
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/bootstrap.py
	$(BIN)/python benchmarks/recording.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/scale.py
	$(BIN)/python benchmarks/compare_1b.py --peer

clean: ## Remove what was built; keep downloads
	rm -rf $(VENV) out .mypy_cache .ruff_cache .hypothesis

$(VENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "dokja needs Python 3.11 or newer; run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/run.stamp: $(VENV)/python.stamp requirements/run.txt pyproject.toml
	$(PIP) -r requirements/run.txt
	$(PIP) --no-deps --editable .
	touch $@

# PyTorch first: the pinned CPU build, before anything that depends on it.
$(VENV)/test.stamp: $(VENV)/run.stamp requirements/test.txt
	$(PIP) torch==2.13.0
	$(PIP) -r requirements/test.txt
	touch $@
