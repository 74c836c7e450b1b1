# make run, demo, check, test, test-fast, coverage, test-thorough, test-crash, test-faults, bench, picture, screenshots,
# messages:
# each installs what it needs into .venv.

# Many tests start processes, which start faster with compiled modules.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
READY_DEV := .venv/.ready-dev
# Three processes keep two cores busy, because a third of the time a test waits, such as for the next poll of a page.
# Each takes a third of the tests, so that few fixtures of modules are made twice, and then helps the others.
PYTEST := $(BIN)/python -m pytest -n 3 --dist worksteal
# Tests of single modules, without a server, a browser or the network. Together they take less than a minute.
FAST := $(addprefix tests/, test_config.py test_row_ids.py test_pagination.py http/test_credentials.py http/test_stats.py \
    $(addprefix catalogue/, test_crosswalk.py test_identity.py test_export_formats.py test_store.py test_text.py) \
    $(addprefix dspace/test_, hal.py hal_records.py hal_walk.py html_page.py item_reader.py json_members.py legacy_answers.py \
        legacy_recorded.py legacy_walk.py list_end.py oai_comparison.py oai_recorded.py oai_sample.py oai_walk.py oai_xml.py ordered_pool.py \
        page_reader.py time_ranges.py typed_addresses.py urls.py uuid_partitions.py))

.PHONY: run demo check test test-fast coverage test-thorough test-crash test-faults bench picture screenshots messages clean

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
	$(PYTEST) $(ARGS)

test-fast: $(READY_DEV)
	$(PYTEST) -q $(FAST) $(ARGS)

# Measuring doubles the time of the tests, so it covers only the clients of DSpace, with their unit tests.
coverage: $(READY_DEV)
	$(PYTEST) -q --cov --cov-report=term $(filter tests/dspace/%,$(FAST)) $(ARGS)

test-thorough: $(READY_DEV)
	CONNECTOR_TEST_THOROUGH=1 $(PYTEST) $(ARGS)

test-crash: $(READY_DEV)
	$(BIN)/python -m tests.crash $(ARGS)

test-faults: $(READY_DEV)
	$(BIN)/python -m tests.faults $(ARGS)

bench: $(READY_DEV)
	$(BIN)/python -m tests.bench $(ARGS)

picture: $(READY_DEV)
	$(BIN)/python -m tests.architecture

screenshots: $(READY_DEV)
	$(BIN)/python -m tests.gallery $(ARGS)

messages: $(READY)
	$(BIN)/pybabel extract -F babel.cfg -k lazy_gettext -k _l -k ngettext_or_empty:1,2 --no-wrap --project=dspace-connector -o messages.pot .

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
