"""Protections against robots are told from the repository's own refusals, and never taken for them."""

from __future__ import annotations

import pytest
import responses

from connector.errors import BadAnswer, BotWall, NotFound, RepositoryError, Restricted, ServerTrouble
from connector.http import AddressRule, Http, HttpSettings, Pace

URL = "https://dspace.example.org/server/api/core/items"
AGENT = "DSpace-Connector/1 (library@example.org)"

WALLS = {
    "Cloudflare": (403, "<!DOCTYPE html><title>Just a moment...</title>", {"cf-mitigated": "challenge"}),
    "Cloudflare, by its mark alone": (200, "{}", {"cf-mitigated": "challenge"}),
    "Cloudflare, with a block": (403, "<!DOCTYPE html><title>Access denied</title>", {"server": "cloudflare"}),
    "Cloudflare, of old": (503, "<html>Checking your browser before you go on", {}),
    "Amazon": (202, "", {"x-amzn-waf-action": "challenge"}),
    "Amazon, with a captcha": (405, "<html>", {"x-amzn-waf-action": "captcha"}),
    "Anubis": (200, "<!doctype html><title>Making sure you&#39;re not a bot!</title>", {}),
    "DDoS-Guard": (503, "\n <!doctype html><title>DDoS-Guard</title>", {}),
    "a captcha": (403, "<html><div class='g-recaptcha'>", {}),
    "a captcha for whoever is too fast": (429, "<html>captcha", {}),
    "a page nobody knows": (403, "<html><body>Blocked: your support id is 1734</body></html>", {}),
    "a page nobody knows, with 401": (401, "<html><body>Who are you?</body></html>", {}),
}

REFUSALS = {
    "Tomcat": (403, "<!doctype html><html><head><title>HTTP Status 403 – Forbidden</title>", {}, Restricted),
    "Tomcat 7": (401, "<html><title>Apache Tomcat/7.0</title><h1>HTTP Status 401 - </h1>", {}, Restricted),
    "Jetty": (403, "<html><title>Error 403 Forbidden</title><h2>HTTP ERROR 403</h2>", {}, Restricted),
    "Spring": (403, "<html><body><h1>Whitelabel Error Page</h1>", {}, Restricted),
    "JSON behind Cloudflare": (403, '{"status":403,"error":"Forbidden"}', {"server": "cloudflare"}, Restricted),
    "nothing": (401, "", {}, Restricted),
    "a password of the web server": (401, "<html>Sign in", {"WWW-Authenticate": 'Basic realm="Library"'}, Restricted),
    "a page of its own": (404, "<html>Not here. <script src='recaptcha.js'>", {}, NotFound),
    "a server in trouble": (503, "<html>Service Unavailable", {}, ServerTrouble),
    "a page with a captcha in it": (200, "<html><script>recaptcha</script>Our own pages</html>", {}, BadAnswer),
}


@pytest.fixture
def http(tmp_path):
    http = Http(HttpSettings(user_agent=AGENT, rule=AddressRule(())), Pace(tmp_path, "repository"))
    yield http
    http.close()


@pytest.fixture
def remote():
    with responses.RequestsMock() as mock:
        yield mock


def trouble_of(http: Http, remote: responses.RequestsMock, status: int, body: str, headers: dict) -> RepositoryError:
    remote.get(URL, status=status, body=body, headers=headers)
    with pytest.raises(RepositoryError) as trouble:
        http.get_json(URL, tries=1)
    return trouble.value


@pytest.mark.parametrize("wall", WALLS)
def test_a_protection_against_robots_is_called_by_its_name(http, remote, wall):
    trouble = trouble_of(http, remote, *WALLS[wall])

    assert type(trouble) is BotWall
    assert str(trouble) == (
        f"A protection against robots in front of dspace.example.org answers instead of DSpace "
        f"(status {WALLS[wall][0]}). Ask its administrator to let “{AGENT}” through to the REST API."
    )


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_the_repository_says_itself_is_no_protection_against_robots(http, remote, refusal):
    *answer, error = REFUSALS[refusal]

    assert type(trouble_of(http, remote, *answer)) is error


def test_a_wall_in_place_of_a_file_is_not_stored_as_the_file(http, remote):
    remote.get(URL, body="<html>wait</html>", headers={"cf-mitigated": "challenge"})
    pieces: list[bytes] = []

    with pytest.raises(BotWall):
        http.download(URL, pieces.append)

    assert pieces == []
