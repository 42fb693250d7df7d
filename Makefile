# whichway. `make help` lists what there is; two commands matter: `make chat` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet --quiet
TEST_HOME := build/home

# A stamp carries the checksum of what it stands for: a changed lock installs again, an unchanged one costs nothing.
stamp = $(VENV)/.whichway-$(1)-$(shell cat pyproject.toml $(2) | cksum | cut -d' ' -f1)
RUN := $(call stamp,run,requirements.lock)
TEST := $(call stamp,test,requirements.lock requirements-test.lock)
SLOW := $(call stamp,slow,requirements.lock requirements-test.lock requirements-slow.lock)

# --no-deps keeps to the lock; --no-compile leaves it to the first import, for most modules never comes; asking for torch again then adds what the build of torch that pip chose needs beside it.
define install
	@echo "Installing $(1) into $(VENV): once, and when it changes"
	@$(PIP) install --no-compile --no-deps -r $(1)
	@$(PIP) install --no-compile -c requirements.lock torch
	@$(PIP) install --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.whichway-$(2)-* && touch $@
endef

.DEFAULT_GOAL := help
.PHONY: help chat install lint types encoder test test-fast test-slow gate wheel lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name does; do \
		printf '  make %-10s %s\n' "$$name" "$$does"; done

chat: $(RUN) ## Install what is missing, build the index once, answer at http://127.0.0.1:7860
	@$(BIN)/whichway serve

install: $(RUN) ## Install the locked environment in .venv and stop

test: $(TEST) ## Everything a change has to pass
	@$(MAKE) --no-print-directory -j2 -Otarget lint types encoder
	@$(MAKE) --no-print-directory -j2 -Otarget wheel gate
	@$(MAKE) --no-print-directory test-fast

lint: $(TEST) ## Style, formatting and the layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: $(TEST) ## Types, strictly
	@$(BIN)/mypy

test-fast: $(TEST) ## The tests, without the long ones
	@$(BIN)/pytest -n 2 --dist loadfile

test-slow: $(SLOW) ## The tests, the long ones too
	@$(BIN)/pytest --run-slow

encoder: $(TEST)
	@$(BIN)/whichway --home $(TEST_HOME) ingest > /dev/null

gate: $(TEST) ## Ask the golden questions; stop where a figure is below its floor
	@$(BIN)/whichway --home $(TEST_HOME) eval gate

wheel: $(TEST) ## Build the wheel, install it elsewhere, ask it a question
	@.ci/try-wheel

lock: $(TEST) ## Compile requirements*.lock from pyproject.toml and this environment
	@$(PIP) install --no-deps -r requirements-slow.lock
	@$(BIN)/python tools/lock.py

clean: ## Remove what was built, but no environment and no answers
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "whichway needs Python 3.11 or newer; run: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)

$(RUN): | $(VENV)/pyvenv.cfg
	$(call install,requirements.lock,run)

$(TEST): | $(VENV)/pyvenv.cfg
	$(call install,requirements-test.lock,test)

$(SLOW): | $(VENV)/pyvenv.cfg
	$(call install,requirements-slow.lock,slow)
