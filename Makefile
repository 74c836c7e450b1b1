# make run, demo, check, test, test-fast, test-thorough, test-crash, test-faults, bench, picture, messages:
# each installs what it needs into .venv.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
READY_DEV := .venv/.ready-dev

.PHONY: run demo check test test-fast test-thorough test-crash test-faults bench picture messages clean

run: $(READY)
	$(BIN)/flask up

demo: $(READY)
	$(BIN)/python -m tests.sample.demo

check: $(READY_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

test: $(READY_DEV)
	$(BIN)/python -m pytest -n 2 $(ARGS)

test-fast: $(READY_DEV)
	$(BIN)/python -m pytest -n 2 -q tests/dspace tests/http tests/catalogue $(ARGS)

test-thorough: $(READY_DEV)
	CONNECTOR_TEST_THOROUGH=1 $(BIN)/python -m pytest -n 2 $(ARGS)

test-crash: $(READY_DEV)
	$(BIN)/python -m tests.crash $(ARGS)

test-faults: $(READY_DEV)
	$(BIN)/python -m tests.faults $(ARGS)

bench: $(READY_DEV)
	$(BIN)/python -m tests.bench $(ARGS)

picture: $(READY_DEV)
	$(BIN)/python -m tests.architecture

messages: $(READY)
	$(BIN)/pybabel extract -F babel.cfg -k lazy_gettext -k _l --no-wrap --project=dspace-connector -o messages.pot .

clean:
	rm -rf .venv

$(READY): requirements.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed; this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $(READY)

$(READY_DEV): $(READY) requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $(READY_DEV)
