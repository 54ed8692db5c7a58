# The commands of the README. Each installs what it needs first; a fresh machine needs Python 3.11 or later and make.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
CHROMIUM ?= chromium
BIN := .venv/bin
UV_INSTALL := $(BIN)/uv pip sync --quiet --system-certs --require-hashes --python
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links
# The OpenSearch of demo, faults, test, up and bench, such as ENGINE=3.4.0; else the rig's default.
ifdef ENGINE
export EKS_LOGS_RIG_ENGINE := $(ENGINE)
endif
# Those of test-engines: every one that the rig has.
ENGINES ?= 2.19.4 3.4.0
LOCKED := src/requirements requirements/uv requirements/dev requirements/lambda requirements/sam

.PHONY: help demo faults test test-engines lint package up down events schema dashboards fuzz planted against bench picture lock clean
help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s $$'\t'

demo: .venv-lambda/.installed .venv-sam/.installed  ## The whole chain on a real OpenSearch: set up, forward every file of events/, ask
	PYTHONPATH=src $(BIN)/python -m local demo

faults: .venv-lambda/.installed .venv-sam/.installed  ## Break the way to OpenSearch in every way there is, and count the records
	PYTHONPATH=src $(BIN)/python -m local faults

test: lint package  ## Everything CI checks: lint, types, sam build, tests on a real OpenSearch
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup -m "not timing"
	$(BIN)/python -m pytest -m timing

test-engines: .venv/.installed .venv-lambda/.installed .venv-sam/.installed  ## The tests that talk to OpenSearch, on each engine of ENGINES
	for engine in $(ENGINES); do EKS_LOGS_RIG_ENGINE=$$engine $(BIN)/python -m pytest -m opensearch; done

lint: .venv/.installed
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && PYTHONPATH=src $(BIN)/lint-imports --no-logo

package: .venv-lambda/.installed .venv-sam/.installed  ## sam validate --lint and sam build, without Docker
	PATH="$(CURDIR)/.venv-sam/bin:$$PATH" SAM_CLI_TELEMETRY=0 sam validate --lint
	PATH="$(CURDIR)/.venv-sam/bin:$$PATH" SAM_CLI_TELEMETRY=0 sam build

up: .venv-lambda/.installed .venv-sam/.installed  ## Start the rig, set it up and leave it running
	$(BIN)/python -m local up

down: .venv/.installed  ## End what `make up` started
	$(BIN)/python -m local down

events: .venv/.installed  ## Encode events/sources/*.json into events/*.json
	$(BIN)/python -m tools.encode

schema: .venv/.installed  ## Write docs/schema.md from the index template and docs/schema.toml
	$(BIN)/python -m tools.schema

dashboards: .venv/.installed  ## Write the saved objects of Dashboards from tools/dashboards/panels.py and eks_logs/questions.py
	PYTHONPATH=src $(BIN)/python -m tools.dashboards

fuzz: .venv/.installed  ## 100,000 broken inputs for each parser, in about three minutes
	PYTHONPATH=src $(BIN)/python -m tests.fuzz

planted: .venv/.installed  ## Plant secrets in some 600 records, and count those that stay readable; SET=file for a set of your own
	PYTHONPATH=src $(BIN)/python -m tests.planted $(if $(SET),--set $(SET))

against: .venv/.installed  ## CPU of a batch beside that of another commit: make against REV=main~5
	PYTHONPATH=src $(BIN)/python -m bench against $(or $(REV),HEAD~1)

bench: package  ## What a batch costs: CPU, memory, cold start, end to end, the index; some six minutes
	PYTHONPATH=src $(BIN)/python -m bench

picture: demo  ## Draw docs/dashboards.png anew; needs chromium
	$(CHROMIUM) --headless --no-sandbox --hide-scrollbars --window-size=1400,1500 --virtual-time-budget=8000 --screenshot=docs/dashboards.png file://$(CURDIR)/build/dashboards.html

lock: .venv/.installed  ## Pin every requirements file anew
	$(LOCK) pyproject.toml --output-file requirements/eks-logs.txt
	for file in $(LOCKED); do $(LOCK) $$file.in --output-file $$file.txt; done

clean:  ## Remove the environments and the build
	rm -rf .venv .venv-lambda .venv-sam .aws-sam

.venv/bin/uv: requirements/uv.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; name one with: make PYTHON=python3.x")'
	@echo "installing into .venv (once)"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/.installed: requirements/dev.txt .venv/bin/uv
	$(UV_INSTALL) .venv requirements/dev.txt
	@touch $@

.venv-lambda/.installed: requirements/lambda.txt | .venv/.installed
	@echo "installing the emulated Lambda environment into .venv-lambda (once)"
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-lambda
	$(UV_INSTALL) .venv-lambda requirements/lambda.txt
	@touch $@

.venv-sam/.installed: requirements/sam.txt | .venv/.installed
	@echo "installing the SAM command line into .venv-sam (once)"
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-sam
	$(UV_INSTALL) .venv-sam requirements/sam.txt
	@touch $@
