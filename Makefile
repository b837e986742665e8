# Needs Python 3.11+ (with venv and pip) and make; everything else is fetched into .venv and .tsunagu.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
LOCKED := $(VENV)/.locked
STAMP := $(VENV)/.installed
# `make run ONCE=1` ends after the story instead of staying up.
ONCE ?=
RUN_FLAGS := $(if $(filter-out 0 no false,$(ONCE)),--once)

# `make bench QUICK=1` for a look; further flags of `python -m tests.benchmarks run` in BENCH.
QUICK ?=
BENCH ?=
BENCH_QUICK := $(if $(filter-out 0 no false,$(QUICK)),--quick)
BENCH_FLAGS := $(BENCH_QUICK) $(BENCH)

.DEFAULT_GOAL := help
.PHONY: help setup run story-consent clean test check test-containers test-all mutants docs lock bench bench-compare

help: ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with everything of requirements.lock in it

$(STAMP): $(LOCKED) pyproject.toml
	@$(PY) -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@

# Made anew only when the lock changes.
$(LOCKED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 以上が必要です / Python 3.11 or later is needed: make PYTHON=python3.12 …"; exit 1; }
	@echo "▸ 環境を用意します / setting up $(VENV) (about a minute the first time)"
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

run: setup ## start the whole network and play the story (ONCE=1: stop afterwards)
	@$(PY) -m deploy.cli run $(RUN_FLAGS)

story-consent: setup ## start the network, play the story of the person's word, and stop
	@$(PY) -m deploy.cli run --once --story consent

clean: ## stop what is left running and forget all data in .tsunagu
	@if [ -x $(PY) ]; then $(PY) -m deploy.cli clean; else rm -rf .tsunagu; fi

check: setup ## lint, types, layers, contracts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) -m tsunagu_contracts.publish --check

test: check ## check, then every test, in two workers with a Kafka and a PostgreSQL each
	$(PY) -m pytest tests -n 2 --durations=10

# What these stand on may be in containers; the rest of the tests needs no servers, or looks at the embedded ones.
IN_CONTAINERS := tests/service tests/faults tests/e2e $(addprefix tests/infra/test_,containers.py provisioning.py restart.py)

test-containers: setup ## service, fault and story tests on Kafka and PostgreSQL in Docker
	@$(PY) -m tests.infra.containers
	TSUNAGU_TEST_INFRA=containers $(PY) -m pytest $(IN_CONTAINERS) --durations=10

test-all: test ## everything: tests, the long ones too, then the mutants
	$(PY) -m pytest tests -m long --durations=10
	$(MAKE) mutants

mutants: setup ## break each guard in turn and see the tests turn red
	$(PY) -m tests.mutants

docs: setup ## the contracts (AsyncAPI) and the guides as pages to browse, in build/docs
	@$(PY) -m deploy.pages

bench: setup ## measure the pipeline, then consent over HTTP, beside references (QUICK=1: a look)
	$(PY) -m tests.benchmarks run $(BENCH_FLAGS)
	$(PY) -m tests.benchmarks consent $(BENCH_QUICK)

bench-compare: setup ## ratios of two results of `make bench`: A=results.json B=results.json
	@$(PY) -m tests.benchmarks compare $(A) $(B)

lock: setup ## resolve requirements.in and the jars of Kafka anew into their lock files
	@test -x build/uv/bin/uv || { $(PYTHON) -m venv build/uv && build/uv/bin/pip install --quiet uv; }
	build/uv/bin/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--python-version 3.11 --upgrade requirements.in -o requirements.lock
	$(PY) -m deploy.embedded.jars
