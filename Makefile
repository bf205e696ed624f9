# make demo and make test are all that is needed on a fresh Debian or Ubuntu machine.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
# Another interpreter: make PYTHON=python3.12 demo
export PYTHON ?= python3
# Some of what test-cluster runs: make test-cluster CLUSTER_TESTS=tests/kubernetes/test_volumes.py
CLUSTER_TESTS ?= tests
# A build of minutes and a test of seconds have the same entry: each target does only what is missing.
.PHONY: demo demo-cluster test test-cluster lint unit packages test-packages kernel docs clean help bench

help: ## show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t16

demo: packages kernel ## Direct Connect dies, the VPN takes over: run it and show the report's path
	$(BIN)/testbed run scenarios/failover.py

demo-cluster: packages kernel ## the same under a real Kubernetes cluster; builds the image for its nodes first, once
	$(BIN)/testbed run scenarios/cluster_failover.py

test: test-packages kernel lint unit ## everything that guards the project

unit: $(VENV)/.made ## tests alone
	$(BIN)/pytest -n auto --dist loadfile

test-cluster: test-packages kernel ## what needs a Kubernetes cluster; builds the image for its nodes first, once
	$(BIN)/testbed cluster image build
	$(BIN)/pytest -n 0 -m cluster $(CLUSTER_TESTS)

lint: $(VENV)/.made ## types, style, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: packages kernel ## the speed claims, as a table
	$(BIN)/python -m benchmarks

kernel: $(VENV)/.made ## build the testbed's own kernel, once
	@$(BIN)/testbed kernel build

packages: ## the distribution's packages that are missing
	@scripts/provision.sh

test-packages:
	@scripts/provision.sh --test

$(VENV)/.made: pyproject.toml | packages
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

gallery: packages kernel ## make reports/gallery again
	$(BIN)/python scripts/gallery.py

docs: $(VENV)/.made ## the parts of docs/ that are made from the code
	$(BIN)/python scripts/docs.py

clean: ## remove what make made here; runs and reports stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
