"""Who may read the API: owners of access tokens, and nobody else. Errors are JSON, and there are no cookies."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from connector.accounts import access_tokens, user_management
from connector.extensions import db, transaction, utcnow
from connector.models.accounts import AccessToken, Role
from tests import signed_in

from .conftest import Program, token_of

PROBLEM = "application/problem+json"


def test_without_a_token_the_api_asks_for_one_as_json(program):
    answers = [
        program.client.get("/api/items"),
        program.client.get("/api/items", headers={"Authorization": "Bearer dsc_wrong"}),
        program.client.get("/api/items", headers={"Authorization": "Basic YTpi"}),
    ]

    for answer in answers:
        assert (answer.status_code, answer.mimetype, answer.json["status"]) == (401, PROBLEM, 401)
        assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")


def test_a_signed_in_browser_needs_a_token_too(stocked_client):
    assert stocked_client.get("/api/items").status_code == 401


def test_a_token_opens_no_page(program):
    assert program.get("/items/").status_code == 303
    assert program.get("/item-sets/").status_code == 303


def test_no_answer_sets_a_cookie(program):
    paths = ["/api/items", "/api/items/1", "/api/openapi.json", "/api/items/999999", "/api/nothing"]

    assert [program.get(path).headers.getlist("Set-Cookie") for path in paths] == [[]] * len(paths)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("GET", "/api/items/", 404),
        ("GET", "/api/items/999999", 404),
        ("GET", "/api/jobs/999999", 404),
        ("POST", "/api/items", 405),
        ("DELETE", "/api/items/1", 405),
    ],
)
def test_errors_are_problem_details(program, method, path, status):
    answer = program.get(path, method=method)

    assert (answer.status_code, answer.mimetype) == (status, PROBLEM)
    assert answer.json.keys() == {"type", "title", "status", "detail", "request_id"}
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


def test_an_unexpected_error_is_json_without_its_text(program, monkeypatch):
    program.app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setitem(program.app.view_functions, "api.item", program.app.view_functions["api.job"])

    answer = program.get("/api/items/1")

    assert (answer.status_code, answer.mimetype) == (500, PROBLEM)
    assert "TypeError" not in answer.text


def test_a_revoked_token_stops_working(program):
    with program.app.app_context():
        [token] = access_tokens.of_account(1)
        access_tokens.revoke(1, token.id)

    assert program.get("/api/items").status_code == 401


def test_the_tokens_of_a_disabled_account_are_revoked_and_stay_so(program):
    signed_in.admit(program.app, "Vera", Role.VIEWER, "a session")
    other = Program(program.app, token_of(program.app, "Vera"))
    assert other.get("/api/items").status_code == 200

    with program.app.app_context():
        account_id = user_management.find_account("Vera").id
        user_management.disable(account_id)
        user_management.enable(account_id)

    assert other.get("/api/items").status_code == 401
    assert program.get("/api/items").status_code == 200


def test_a_token_waits_until_its_owner_has_set_up_a_required_two_step_sign_in(program):
    program.app.config["TWO_STEP_SIGN_IN"] = "everyone"

    answer = program.get("/api/items")

    assert (answer.status_code, answer.mimetype) == (403, PROBLEM)
    assert "two-step" in answer.json["detail"]


def test_the_time_of_use_is_stored_once_in_five_minutes(program):
    def used():
        with program.app.app_context():
            return db.session.scalar(select(AccessToken.used))

    assert used() is None
    program.get("/api/items")
    first = used()
    program.get("/api/items")
    assert used() == first
    with program.app.app_context(), transaction():
        db.session.execute(update(AccessToken).values(used=utcnow() - timedelta(minutes=6)))
    program.get("/api/items")
    assert used() >= first


def test_the_database_holds_no_token(program):
    with program.app.app_context():
        [token] = access_tokens.of_account(1)
        assert program.token.startswith("dsc_")
        assert program.token not in {token.token_hash, token.name}


def test_searches_of_programs_are_limited_like_those_of_pages(program):
    program.app.config["COSTLY_A_MINUTE"] = 2

    searches = [program.get(f"/api/items?q={word}").status_code for word in ("map", "chart", "atlas")]
    refused = program.get("/api/items?q=globe")

    assert searches == [200, 200, 429]
    assert (refused.mimetype, refused.headers["Retry-After"]) == (PROBLEM, "60")
    assert program.get("/api/items").status_code == 200
