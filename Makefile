# Each target makes .venv itself, once, and again when pyproject.toml changes. `make` alone is all of CI.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready
LOWEST := .venv-lowest
PLAIN := .venv-plain
SPARK := .venv-spark
NODE := $(patsubst %/package.json,%/node_modules/.ready,$(wildcard tests/*/node/package.json))

.PHONY: all serve demo test slow lint format agree soak mutants coverage bench hot generate docs screenshots dist lowest plain spark clean
all: lint test

serve: $(INSTALLED) ## the fake on http://127.0.0.1:5863; ARGS="--key k" passes on
	@$(BIN)/mock-june serve $(ARGS)

demo: $(READY) tests/clients/node/node_modules/.ready
	@$(BIN)/python examples/demo.py

test: $(READY) $(NODE)
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

slow: $(READY) $(NODE)
	MOCK_JUNE_SLOW=1 $(BIN)/python -m pytest -n 2 --dist loadgroup --timeout 3600 $(ARGS)

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.generate_docs --check
	$(BIN)/python -m tools.audit

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Both validators over payloads without end; goes on where the last run ended.
agree: $(READY)
	$(BIN)/python -m tools.agree --until 10000000 $(ARGS)

# A million calls of ten thousand keys, then thousands of connections that only hold on.
soak: $(READY)
	$(BIN)/python -m benchmarks.soak --record benchmarks/soak.json $(ARGS)

# Takes hours; ARGS="mock_june.matching*" for a part, and a run that was broken off goes on.
mutants: $(READY)
	$(BIN)/mutmut run $(ARGS)
	$(BIN)/python -m tools.mutants

coverage: $(READY) $(NODE)
	$(BIN)/coverage erase
	$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report= $(ARGS)
	$(BIN)/python -m tools.floors

bench: $(READY)
	$(BIN)/python -m benchmarks $(ARGS)

# The hot functions alone, beside the last time; ARGS=--record makes this the last time.
hot: $(READY)
	$(BIN)/python -m benchmarks.hot $(ARGS)

generate: $(READY)
	$(BIN)/python -m tools.generate_docs

docs: generate ## into site/
	$(BIN)/zensical build --strict

# The pictures of the docs, taken anew.
screenshots: $(READY)
	MOCK_JUNE_SCREENSHOTS=1 $(BIN)/python -m pytest tests/page/test_screens.py

dist: $(READY) ## a release that could be pushed
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*

# The tests with the oldest versions that pyproject.toml admits.
lowest: $(LOWEST)/.ready $(NODE)
	$(LOWEST)/bin/python -m pytest -n 2 --dist loadgroup $(ARGS)

# The tests with nothing installed but what users have, and pytest's own means to share them out and end them; what wants more is skipped.
plain: $(PLAIN)/.ready
	MOCK_JUNE_PLAIN=1 $(PLAIN)/bin/python -m pytest -n 2 --dist loadgroup $(ARGS)

# The checks on a real Spark, over a million events. It takes Java 17 or newer, and has an environment of its own: PySpark is some 400 MB.
spark: $(SPARK)/.ready
	MOCK_JUNE_SLOW=1 $(SPARK)/bin/python -m pytest tests/test_spark.py tests/docs/test_snippets.py -k spark $(ARGS)

clean:
	rm -rf $(VENV) $(LOWEST) $(PLAIN) $(SPARK) dist build mutants .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf $(wildcard tests/*/node/node_modules)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pip learnt dependency groups in 25.1; a fresh environment may have an older one.
$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("mock-june needs Python 3.11 or newer: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[fast,files]'
	@touch $@

# What tests, lint, docs and releases need besides: much more than the fake itself.
$(READY): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

$(PLAIN)/.ready: pyproject.toml
	@test -x $(PLAIN)/bin/python || $(PYTHON) -m venv $(PLAIN)
	$(PLAIN)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(PLAIN)/bin/python -m pip install --quiet --editable . pytest-timeout pytest-xdist
	@touch $@

$(LOWEST)/.ready: pyproject.toml tools/lowest.py
	@test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(PYTHON) tools/lowest.py > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --quiet --editable '.[fast]' --group test --constraint $(LOWEST)/constraints.txt
	@touch $@

$(SPARK)/.ready: pyproject.toml
	@test -x $(SPARK)/bin/python || $(PYTHON) -m venv $(SPARK)
	$(SPARK)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(SPARK)/bin/python -m pip install --quiet --editable '.[spark]' --group test
	@touch $@

# The tests that ask Node's validators and SDKs skip themselves where these are not installed.
%/node_modules/.ready: %/package.json
	@if command -v npm >/dev/null 2>&1; then \
	  echo "npm install in $*"; (cd $* && npm install --silent --no-audit --no-fund --no-package-lock) && touch $@; \
	else echo "npm is not here: the tests that need $* are skipped"; fi
