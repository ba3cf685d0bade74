# Recipes for a fresh clone: each installs what it needs. `make` alone lists them.
#
# Python goes to .venv, what Rust builds to target. Nothing else is written, but for Debian
# packages that are missing.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin

# The same interpreter and flags for the tests in Rust and for the extension module: what one has
# built the other takes as it is.
export PYO3_PYTHON := $(abspath $(BIN)/python)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Debian packages: what compiles and links the engine.
PACKAGES := libndpi-dev libpcap-dev pkg-config gcc

.PHONY: help
help: ## List the recipes
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1|\2/p' Makefile | column -t -s '|'

.PHONY: setup
setup: .venv/demo ## Install the package for use: .venv with the engine built for speed
	@echo "Building the engine, optimised; the first time takes some minutes …"
	@$(BIN)/maturin develop --release --quiet
	@touch .venv/setup
	@echo "Done: $(BIN)/python has nfstream."

.PHONY: demo
demo: setup ## Label the flows of a sample capture and show them
	@$(BIN)/python examples/demo.py

.PHONY: test
test: .venv/test ## Run the tests in Rust, Python, docstrings, documents and the notebook
	cargo test --workspace --quiet
	@$(BIN)/maturin develop --quiet
	$(BIN)/python -m pytest --quiet

.PHONY: check
check: lint test ## Check format, lints, types, licences, and run the tests

.PHONY: lint
lint: .venv/test
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@$(BIN)/maturin develop --quiet
	$(BIN)/mypy
	$(BIN)/stubtest nfstream._engine
	@if cargo deny --version >/dev/null 2>&1; then \
	    echo "cargo deny check"; \
	    cargo deny --log-level error check; \
	else \
	    echo "cargo deny is not installed: licences and advisories are not checked"; \
	fi

.PHONY: bless
bless: .venv/test ## Rewrite the recorded results of the tests: read the difference before you commit
	NFSTREAM_BLESS=1 cargo test --workspace --quiet

.PHONY: docs
docs: .venv/test ## Build the documentation of the Rust crates, and run the notebook anew
	cargo doc --workspace --no-deps --quiet
	@$(BIN)/maturin develop --quiet
	$(BIN)/python examples/run_notebook.py

.PHONY: clean
clean: ## Remove what the recipes have made
	cargo clean
	rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache
	find python -name '*.so' -delete -o -name __pycache__ -prune -exec rm -rf {} +

# What the recipes above rest on.

.PHONY: system
system:
	@missing=""; \
	pkg-config --exists libndpi libpcap 2>/dev/null && command -v gcc >/dev/null \
	    || missing="$(PACKAGES)"; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || missing="$$missing python3-venv"; \
	if [ -n "$$missing" ]; then \
	    if [ "$$(id -u)" = 0 ]; then run="env"; else run="sudo"; fi; \
	    if ! command -v apt-get >/dev/null || ! command -v $$run >/dev/null; then \
	        echo "error: these Debian packages, or what they are called here, must be installed" \
	            "first: $$missing" >&2; \
	        exit 1; \
	    fi; \
	    echo "Installing missing packages: $$missing"; \
	    $$run apt-get update -qq; \
	    $$run DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
	        $$missing >/dev/null; \
	fi
	@command -v cargo >/dev/null || { \
	    echo "error: Rust is missing, see https://rustup.rs" >&2; exit 1; }

.venv/bin/python: | system
	@echo "Making a Python environment in .venv …"
	@$(PYTHON) -m venv .venv

# Dependency groups of pyproject.toml; pip knows them from 25.1 on.
.venv/demo .venv/test: .venv/%: pyproject.toml | system .venv/bin/python
	@echo "Installing Python packages into .venv …"
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --group $*
	@touch $@
