# Commands of the repository. `make help` lists them; `make check` is exactly what CI runs.
SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUILD := .build
STAMP := $(VENV)/.setup-stamp
TEST ?= tests
RUN_QUESTION ?= In which city was the inventor of the piano born?
PACKAGES := agentcore memory decoding tools

.DEFAULT_GOAL := help
.PHONY: help setup run test test-all lint check wheel smoke bench clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt setuptools wheel
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-build-isolation --editable '.[local,dev]'
	$(BIN)/agentcore models pull smollm2 minilm
	$(BIN)/python -m agentcore.memory
	touch $(STAMP)

setup: $(STAMP) ## build the environment in .venv and pull the embedded weights (a no-op when nothing changed)

run: setup ## the main job: research the example corpus, remember, print a cited answer
	$(BIN)/agentcore ask "$(RUN_QUESTION)" --corpus examples/corpus --memory $(BUILD)/run-memory.db

test: setup ## the default test suite, under 12 minutes on 2 cores (TEST=path narrows it)
	$(BIN)/python -m pytest $(TEST)

test-all: setup ## everything, the slow suites too; the log goes to docs/results/
	set -o pipefail; $(BIN)/python -m pytest -m "not gpu and not network" $(TEST) 2>&1 | tee docs/results/test-all.log

wheel: setup ## build the wheel
	rm -rf $(BUILD)/wheel build
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir $(BUILD)/wheel .
	rm -rf build agentcore_runtime.egg-info

# mypy and import-linter do not follow the editable import hook, so both read the unpacked wheel, from outside the root.
lint: wheel ## ruff, codespell, and mypy (strict) and import-linter on the built wheel
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell $(PACKAGES) tests examples docs README.md CONTRIBUTING.md CHANGELOG.md
	rm -rf $(BUILD)/site && $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(BUILD)/site $(BUILD)/wheel/*.whl
	cd $(BUILD)/site && MYPYPATH=. ../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../mypy -p agentcore
	cd $(BUILD)/site && PYTHONPATH=. ../../$(BIN)/lint-imports --config ../../.importlinter --cache-dir ../import-linter

smoke: wheel ## install the wheel in a clean environment (no torch) and use it
	rm -rf $(BUILD)/clean && $(PYTHON) -m venv $(BUILD)/clean
	$(BUILD)/clean/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(BUILD)/wheel/*.whl
	cd $(BUILD) && clean/bin/python ../tests/smoke/wheel.py

check: lint test smoke ## what CI runs

bench: setup ## the benchmarks that need no outside data; results go to docs/results/
	$(BIN)/agentcore bench agent --out docs/results

clean: ## remove everything that make built
	rm -rf $(VENV) $(BUILD) build *.egg-info .pytest_cache .ruff_cache .hypothesis
