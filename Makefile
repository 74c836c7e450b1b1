# make run, demo, test, test-crash, test-faults, lint, bench: each installs what it needs into .venv first.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: run demo test test-crash test-faults lint bench clean

run: $(READY)
	$(BIN)/flask up

demo: $(READY)
	$(BIN)/python -m tests.sample.demo

test: $(READY)
	$(BIN)/python -m pytest -n 2 $(ARGS)

test-crash: $(READY)
	$(BIN)/python -m tests.crash $(ARGS)

test-faults: $(READY)
	$(BIN)/python -m tests.faults $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(READY)
	$(BIN)/python -m tests.bench $(ARGS)

clean:
	rm -rf .venv

$(READY): requirements.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed; this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $(READY)
