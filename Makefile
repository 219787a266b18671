# Needs python3 >= 3.11 with venv, and make; everything else goes into $(VENV) by hash.
PYTHON ?= python3
VENV ?= .venv
CONFIG ?= config/local.toml
# A directory of your own pictures for `make run`.
PHOTOS ?=
BENCH ?=
# kodak/, originals/ and large/ for `make codecs`.
IMAGES ?= ../shared/images/photos
FUZZ ?=
PYTEST ?=

BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes --use-pep517 --no-build-isolation
RUN := $(VENV)/.installed-run
TEST := $(VENV)/.installed-test

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench bench-hits bench-load bench-misses codecs fuzz fuzz-edge docs lock clean python

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

run: $(RUN) ## serve the bundled photographs, or your own: make run PHOTOS=~/Pictures
	@set -e; if [ -n "$(PHOTOS)" ]; then \
	  [ -d "$(PHOTOS)" ] || { echo "PHOTOS=$(PHOTOS) is not a directory" >&2; exit 1; }; \
	  MOGR_BUCKETS__EXAMPLEBUCKET_1250000000__STORE="file:$$(cd "$(PHOTOS)" && pwd)"; \
	  export MOGR_BUCKETS__EXAMPLEBUCKET_1250000000__STORE; \
	fi; exec $(BIN)/mogr serve --config $(CONFIG)

test: $(TEST) ## the whole test suite; one part of it: make test PYTEST=tests/core
	$(BIN)/python -m pytest $(PYTEST)

lint: $(TEST) ## style, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(TEST) ## rewrite in the house style
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(TEST) ## requests/s and CPU per request of a real server on this machine; what else is measured: make codecs
	@echo "bytes, CPU and score of formats and presets: make codecs IMAGES=DIR; the rest: the first lines of bench/*.py"
	$(BIN)/python bench/serve.py $(BENCH)

codecs: $(TEST) ## docs/benchmarks.md anew, over the photographs of IMAGES; half an hour of CPU
	$(BIN)/python bench/codecs.py $(IMAGES)

bench-hits: $(TEST) ## CPU per hit beside nginx proxy_cache and Varnish, where they are installed
	$(BIN)/python bench/hits.py $(BENCH)

bench-load: $(TEST) ## ten minutes at 80 % of the ceiling: misses, a faulty origin, slow readers, killed processes
	$(BIN)/python bench/load.py $(BENCH)

bench-misses: $(TEST) ## what a picture made anew costs beside fetch and codec, and who runs and waits for it
	$(BIN)/python bench/misses.py $(BENCH)

fuzz: $(TEST) ## hostile query strings through the grammar; guided by coverage where atheris is installed
	$(BIN)/python bench/fuzz/grammar.py $(FUZZ)

fuzz-edge: $(TEST) ## generated requests to a real server, good and hostile pictures; seeded: make fuzz-edge FUZZ="--seconds 600 --seed 7"
	$(BIN)/python -m bench.fuzz.edge $(FUZZ)

docs: $(TEST) ## the generated pages, and the picture of every operation
	$(BIN)/python docs/generate_configuration.py
	$(BIN)/python docs/generate_operations.py

# The flags are in pyproject.toml [tool.pip-tools].  PIP_FIND_LINKS of this machine must not choose what is locked.
LOCK := env -u PIP_FIND_LINKS CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade
lock: $(TEST) ## newest versions of everything, into requirements/*.txt
	$(LOCK) -o requirements/build.txt requirements/build.in
	$(LOCK) -o requirements/run.txt pyproject.toml requirements/build.in
	$(LOCK) -o requirements/test.txt --extra heif --extra jxl --extra face --extra blind --extra qr --extra tpg --extra bench pyproject.toml requirements/test.in
	@! grep -nE '://|^-|@ file' requirements/*.txt || { echo "a lock file names a place" >&2; exit 1; }

clean: ## remove what make made, the served cache included
	rm -rf $(VENV) build dist var *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@command -v $(PYTHON) >/dev/null || { echo "python3 is missing: sudo apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mogr needs Python 3.11 or newer, this is $$($(PYTHON) --version): make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "python3's venv module is missing: sudo apt install python3-venv" >&2; exit 1; }

# Stamps, so that a second `make run` starts at once.  test.txt holds run.txt's versions and more.
$(BIN)/python: | python
	$(PYTHON) -m venv $(VENV)

$(RUN): requirements/build.txt requirements/run.txt pyproject.toml | $(BIN)/python
	$(PIP_INSTALL) -r requirements/build.txt
	$(PIP_INSTALL) -r requirements/run.txt
	$(BIN)/python -m pip --disable-pip-version-check install -qq --no-build-isolation --no-deps -e .
	@touch $@

$(TEST): requirements/build.txt requirements/test.txt $(RUN)
	$(PIP_INSTALL) -r requirements/test.txt
	@touch $@
