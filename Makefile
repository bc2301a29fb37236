# From a bare clone: `make run` serves a real prediction, `make test` proves the rest.
# Needs Python 3.11, make and a package registry.

PYTHON ?= python3.11
PORT   ?= 3000
JOBS   ?= 2
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

.DEFAULT_GOAL := help
# What is started many times is compiled once, whatever the machine's settings say.
export PYTHONDONTWRITEBYTECODE :=
BENCH  := .venv-bench
PEER   := .venv-mlserver
CODE   := api cli configs deploy features ingest models monitoring proof reports runners service.py store training trust worker.py
SCENARIO ?= all

.PHONY: help setup run test coverage check secrets audit bench load-test soak abuse format dashboards lock clean

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

setup: $(READY)  ## Make the environment in .venv, with the football command in it

run: $(READY)  ## Sample data, training, bento, server on PORT (3000), one real prediction
	@$(BIN)/football up --port $(PORT)

test: $(READY)  ## Check and test everything, JOBS (2) files at a time
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder --hypothesis-profile repeatable

coverage: $(READY)  ## Test everything and print what no test reaches; half as slow again as the tests alone
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --fail-under=95

check: secrets  ## Lint, types, import layers, unsafe calls and secrets
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports > .lint-imports.txt || (cat .lint-imports.txt; exit 1)
	@$(BIN)/bandit --quiet --recursive --level --level --configfile pyproject.toml $(CODE)

# Only files that have changed since all of them were looked through. A line that is no secret says so itself. Words such as
# `secretName` are no hint: what looks for them found nothing else, and takes half of the time.
secrets: $(READY)
	@test -e .secrets-scanned || touch -d @0 .secrets-scanned
	@touch .secrets-scanning
	@! git rev-parse --is-inside-work-tree > /dev/null 2>&1 || \
	  find $$(git ls-files --cached --others --exclude-standard ':!requirements/*.txt') -newer .secrets-scanned -print0 | \
	  xargs -0 --no-run-if-empty $(BIN)/detect-secrets-hook --disable-plugin KeywordDetector
	@mv .secrets-scanning .secrets-scanned

audit: $(READY)  ## Whether anything is known against the libraries that serve; OSV_URL is a copy of the advisories
	@$(BIN)/python requirements/audit.py $(if $(OSV_URL),--osv-url $(OSV_URL))

bench: $(READY) $(BENCH)/.ready $(PEER)/.ready  ## Ours against its limit and its peers, one table; needs wrk and h2load
	@$(BENCH)/bin/python load_tests/bench.py

load-test: $(READY) $(BENCH)/.ready  ## Traffic of a match day against the targets in configs/, with a report
	@$(BENCH)/bin/python load_tests/run.py $(SCENARIO)

soak: $(READY) $(BENCH)/.ready  ## Whether memory stays flat over a million requests; a planted leak must be caught first
	@$(BENCH)/bin/python load_tests/soak.py --plant-leak
	@$(BENCH)/bin/python load_tests/soak.py

abuse: $(READY) $(BENCH)/.ready  ## Slow, broken, hostile and countless requests against a server, and whether anybody else notices
	@$(BENCH)/bin/python load_tests/abuse.py

format: $(READY)  ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

dashboards: $(READY)  ## Make Grafana's dashboards anew from deploy/dashboards
	@$(BIN)/python -m deploy.dashboards deploy/compose/dashboards

lock: $(READY)  ## Pin all dependencies anew, with hashes and without an index address
	@$(BIN)/python requirements/lock.py

clean:  ## Remove the environment and caches; state in FOOTBALL_HOME stays
	rm -rf $(VENV) $(BENCH) $(PEER) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* *.egg-info .lint-imports.txt .secrets-scann*

# Compiled once, here: where PYTHONDONTWRITEBYTECODE is set, as in many images, each start of a server would else compile all
# libraries anew, which takes longer than all else that it does.
# uv, which pip gets first, installs in seconds what pip needs more than a minute for. It does not read pip's settings,
# so it is told the registry that they name; pip itself gets what uv cannot.
# The command is found as python3 where a system does not call it python3.11; the version is checked either way.
$(READY): requirements/dev.txt pyproject.toml
	@python=$$(command -v $(PYTHON) || command -v python3) && \
	  $$python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "Python 3.11 is needed: make PYTHON=/path/to/python3.11 ..."; exit 1; }; \
	  echo "Making the environment in $(VENV) (once, about a minute)" && \
	  $$python -m venv $(VENV)
	@sed -n '/^uv==/,/[^\\]$$/p' requirements/dev.txt > $(VENV)/uv.txt
	@$(PIP) --require-hashes -r $(VENV)/uv.txt
	@registry=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2> /dev/null)}}; \
	  UV_DEFAULT_INDEX=$$registry UV_SYSTEM_CERTS=1 $(BIN)/uv pip install --quiet --python $(BIN)/python \
	    --compile-bytecode --no-deps --require-hashes -r requirements/dev.txt \
	  || { echo "uv did not get everything; pip, which is slower, tries"; $(PIP) --require-hashes -r requirements/dev.txt; }
	@$(PIP) --no-build-isolation --editable .
	@touch $@

# MLServer pins libraries that the other peers have outgrown.
$(BENCH)/.ready: requirements/bench.txt
$(PEER)/.ready: requirements/mlserver.txt
$(BENCH)/.ready $(PEER)/.ready: | $(READY)
	@$(BIN)/python -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@
