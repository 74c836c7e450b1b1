"""The OpenAPI document describes the API: checked against the answers of the running app."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks

from connector.web.api.openapi import SEARCH
from connector.web.catalogue.item_lists import ARGUMENTS

OPERATIONS = {"/api/items", "/api/items/{item_id}", "/api/item-sets", "/api/jobs/{job_id}"}
EXAMPLES = 20


def test_the_document_needs_no_token_and_names_every_address_and_argument(program):
    document = program.client.get("/api/openapi.json").json

    names = {argument["name"] for argument in document["paths"]["/api/items"]["get"]["parameters"]}
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == OPERATIONS
    assert names == {*ARGUMENTS, "sort", "size", "after"}
    assert set(SEARCH) <= names


@pytest.mark.parametrize("path", sorted(OPERATIONS))
def test_answers_are_as_the_document_says(program, path):
    program.app.config["COSTLY_A_MINUTE"] = 10_000
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app=program.app)
    schema.validate()
    statuses = set()

    @given(case=schema[path]["GET"].as_strategy())
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(case):
        # Not every text that the schema allows is a place in a list.
        skipped = [checks.positive_data_acceptance]
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {program.token}"}, excluded_checks=skipped)
        statuses.add(answer.status_code)

    check()
    assert 200 in statuses or 404 in statuses
