"""Detection of the API from a typed address: where it is searched, what is found, and the errors."""

from __future__ import annotations

from typing import Any

import pytest

from connector.dspace import client, connect
from connector.dspace.detect import detect
from connector.dspace.endpoint_candidates import base_key
from connector.dspace.hal import HalClient
from connector.dspace.legacy import LegacyClient
from connector.dspace.records import Scope, ScopeKind, Server
from connector.errors import (
    BadResponseError,
    BotChallengeError,
    CertificateError,
    InvalidAddressError,
    InvalidInputError,
    NotDSpaceError,
    NotFoundError,
    RepositoryError,
    RequestRejectedError,
    RequestTimeoutError,
    RestrictedError,
    ServerError,
    UnknownHostError,
    UnreachableError,
    XmlResponseError,
)
from connector.http import JsonAnswer, OutageWait, RequestStats, WebPage

from .fake_hal import HOME, payload

SITE = "https://repository.example"
ROOT = payload("root")
STATUS_6 = {"okay": True, "authenticated": False, "sourceVersion": "6.3", "apiVersion": "6"}
STATUS_5 = {"okay": True, "authenticated": False, "email": None, "fullname": None, "token": None}
UUIDS = [{"uuid": HOME, "name": "Chemistry", "handle": "123456789/1"}]
NUMBERS = [{"id": 1, "name": "Chemistry", "handle": "123456789/1"}]


class Web:
    """Answers by URL; what is not there is `otherwise`."""

    def __init__(self, answers: dict[str, Any], otherwise: RepositoryError | None = None):
        self.answers, self.otherwise = answers, otherwise or NotFoundError("404")
        self.asked: list[str] = []
        self.traffic = RequestStats()

    def get_json(self, url: str, params: Any = None, **options: Any) -> Any:
        return self.get_json_from(url, params).value

    def get_json_from(self, url: str, params: Any = None, **how: Any) -> JsonAnswer:
        self.asked.append(url)
        answer = self.answers.get(url, self.otherwise)
        if isinstance(answer, RepositoryError):
            raise answer
        return answer if isinstance(answer, JsonAnswer) else JsonAnswer(answer, url)

    def read_xml(self, url: str, params: Any, read: Any, **how: Any) -> Any:
        self.asked.append(f"{url}?{params['verb']}")
        answer = self.answers.get(url, self.otherwise)
        if isinstance(answer, RepositoryError):
            raise answer
        raise BadResponseError("no XML")

    def get_page(self, url: str, *, tries: int = 1) -> WebPage:
        self.asked.append(url)
        page = self.answers.get(url, self.otherwise)
        if isinstance(page, RepositoryError):
            raise page
        return page if isinstance(page, WebPage) else WebPage(url, page)

    def locate(self, url: str, params: Any = None) -> str:
        self.asked.append(url)
        return f"http://internal.invalid/server/api/core/collections/{HOME}"


def found(url: str, answers: dict[str, Any], endpoint: str = "rest") -> Server:
    return detect(Web(answers), url, endpoint).server


# Generations


def test_dspace_9_is_found_though_the_default_endpoint_was_typed():
    web = Web({f"{SITE}/server/api": ROOT})

    assert detect(web, SITE, "rest").server == Server(
        SITE, f"{SITE}/server/api", 9, "9.3", 'Lab Repository "Test & Ünïcode"', "http://127.0.0.1:4000"
    )
    assert web.asked == [f"{SITE}/rest/status", f"{SITE}/rest/communities", f"{SITE}/server/api"]


@pytest.mark.parametrize(
    ("said", "generation", "version"),
    [
        ("DSpace 7.6.1", 7, "7.6.1"),
        ("DSpace 8.0-SNAPSHOT", 8, "8.0-SNAPSHOT"),
        ("DSpace 10.0", 10, "10.0"),
        ("DSpace 11.1", 10, "11.1"),
        ("DSpace-CRIS 2023.02.05", 7, "2023.02.05"),
    ],
)
def test_the_version_gives_the_generation(said, generation, version):
    server = found(SITE, {f"{SITE}/server/api": ROOT | {"dspaceVersion": said}}, "server/api")

    assert (server.generation, server.version) == (generation, version)


@pytest.mark.parametrize(
    ("answers", "generation", "version"),
    [
        ({"status": STATUS_6}, 6, "6.3"),
        ({"status": STATUS_6 | {"sourceVersion": "none"}, "communities": UUIDS}, 6, "6.x"),
        ({"status": STATUS_6 | {"sourceVersion": None}, "communities": UUIDS}, 6, "6.x"),
        ({"status": STATUS_6 | {"sourceVersion": None}, "communities": NUMBERS}, 5, "5.x"),
        ({"status": STATUS_5}, 5, "5.x"),
        ({"communities": NUMBERS}, 4, "4.x"),
        ({"communities": UUIDS}, 6, "6.x"),
    ],
)
def test_older_generations_are_recognised_by_status_and_ids(answers, generation, version):
    server = found(SITE, {f"{SITE}/rest/{path}": answer for path, answer in answers.items()})

    assert server == Server(SITE, f"{SITE}/rest", generation, version)


def test_dspace_7_is_read_by_its_own_api_and_not_by_the_deprecated_one():
    old = {f"{SITE}/rest/status": STATUS_6 | {"sourceVersion": "7.6"}}
    new = {f"{SITE}/server/api": ROOT | {"dspaceVersion": "DSpace 7.6"}}

    assert found(SITE, old | new).api_url == f"{SITE}/server/api"
    assert found(SITE, old) == Server(SITE, f"{SITE}/rest", 6, "7.6")


def test_a_client_is_chosen_by_generation():
    clients = [
        client(Web({}), Server(SITE, SITE, generation, ""), outage=OutageWait(1), width=lambda: 1)
        for generation in range(4, 11)
    ]

    assert [type(one) for one in clients] == [LegacyClient] * 3 + [HalClient] * 4


# Where it is looked for


def test_the_endpoint_typed_is_tried_first():
    web = Web({f"{SITE}/backend": ROOT, f"{SITE}/server/api": ROOT})

    assert detect(web, SITE, " /backend/ ").server.api_url == f"{SITE}/backend"
    assert web.asked == [f"{SITE}/backend"]


@pytest.mark.parametrize(
    ("url", "site", "api"),
    [
        ("https://repository.example/", SITE, f"{SITE}/server/api"),
        ("HTTPS://Repository.Example:443//?lang=de#top", SITE, f"{SITE}/server/api"),
        (f"{SITE}/server/api", SITE, f"{SITE}/server/api"),
        (f"{SITE}/server/api/core/collections/{HOME}", SITE, f"{SITE}/server/api"),
        (f"{SITE}/collections/{HOME}?cp.page=2", SITE, f"{SITE}/server/api"),
        (f"{SITE}/handle/123456789/7", SITE, f"{SITE}/server/api"),
        (f"{SITE}/server", SITE, f"{SITE}/server/api"),
        (f"{SITE}/home/about/us", SITE, f"{SITE}/server/api"),
    ],
)
def test_any_address_of_a_site_leads_to_its_api(url, site, api):
    server = found(url, {api: ROOT})

    assert (server.site_url.removesuffix("/server"), server.api_url) == (site, api)


def test_a_site_below_a_path_is_found_there():
    server = found(
        "http://example.org:8080/repo/xmlui/handle/123456789/7", {"http://example.org:8080/repo/rest/status": STATUS_6}
    )

    assert (server.site_url, server.api_url) == ("http://example.org:8080/repo", "http://example.org:8080/repo/rest")


@pytest.mark.parametrize(
    ("path", "pages"),
    [
        ("/xmlui", f"{SITE}/xmlui"),
        ("/jspui/", f"{SITE}/jspui"),
        ("/XMLUI/handle/123456789/7?show=full", f"{SITE}/XMLUI"),
        ("/handle/123456789/7", None),
        ("/rest", None),
    ],
)
def test_the_user_interface_of_dspace_6_is_taken_from_the_typed_address(path, pages):
    server = found(SITE + path, {f"{SITE}/rest/status": STATUS_6})

    assert (server.site_url, server.ui_url) == (SITE, pages)


def test_dspace_9_reports_the_address_of_its_user_interface():
    assert found(f"{SITE}/xmlui", {f"{SITE}/server/api": ROOT}).ui_url == ROOT["dspaceUI"]


def test_detection_sends_no_request_twice():
    web = Web({})

    with pytest.raises(NotDSpaceError):
        detect(web, f"{SITE}/server/api/", "server/api")
    assert len(web.asked) == len(set(web.asked))


# What is said


@pytest.mark.parametrize(
    "url", ["repository.example", "ftp://repository.example", "https://", "", "https://[::1", "http://a:99999/"]
)
def test_invalid_web_addresses_are_refused_at_their_field(url):
    web = Web({})

    with pytest.raises(InvalidInputError) as raised:
        detect(web, url, "rest")
    assert raised.value.field == "url"
    assert web.asked == []


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(InvalidInputError) as raised:
        detect(Web({}), "https://me:secret@repository.example", "rest")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("error", "requests"),
    [
        (UnknownHostError("There is no host of that name."), 1),
        (CertificateError("The certificate has expired."), 1),
        (UnreachableError("It refused the connection."), 2),
        (RequestTimeoutError("It did not answer in time."), 2),
    ],
)
def test_an_unreachable_host_is_given_up_soon(error, requests):
    web = Web({}, otherwise=error)

    with pytest.raises(type(error)) as raised:
        detect(web, SITE, "rest")
    assert raised.value is error
    assert len(web.asked) == requests


def test_an_api_that_hangs_does_not_hide_the_one_that_answers():
    assert (
        found(SITE, {f"{SITE}/rest/status": RequestTimeoutError("no answer"), f"{SITE}/server/api": ROOT}).generation
        == 9
    )


@pytest.mark.parametrize(
    "error",
    [
        RestrictedError("An account is needed."),
        ServerError("503"),
        BotChallengeError("A robot?"),
        InvalidAddressError("*.example"),
    ],
)
def test_errors_that_prevent_detection_are_raised_unchanged(error):
    with pytest.raises(type(error)) as raised:
        detect(Web({f"{SITE}/server/api": error}), SITE, "rest")
    assert raised.value is error


@pytest.mark.parametrize(
    "answer",
    [
        BadResponseError("HTML"),
        NotFoundError("404"),
        {},
        [],
        "text",
        None,
        {"dspaceVersion": "DSpace 6.3"},
        {"dspaceVersion": 9},
    ],
)
def test_a_web_site_without_dspace_is_named_and_the_tried_addresses_are_details(answer):
    web = Web({f"{SITE}/{path}": answer for path in ("server/api", "rest/status", "rest/communities")})

    with pytest.raises(NotDSpaceError, match=f"a web site at {SITE}, but no DSpace was found there.") as raised:
        detect(web, SITE, "rest")

    assert raised.value.technical_details[:2] == (f"{SITE}/rest", f"{SITE}/server/api")


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (b'<head><meta name="Generator" content="DSpace 3.2" /></head>', "is a DSpace 3.2. DSpace 4 is the oldest"),
        (b'<head><meta name="Generator" content="DSpace 6.3" /></head>', "There is a DSpace 6.3 at .* switch it on"),
        (b"<head><title>DSpace 3.2</title></head>", "There is a web site at"),
    ],
)
def test_the_pages_of_a_dspace_without_api_name_its_version(page, sentence):
    with pytest.raises(NotDSpaceError, match=sentence):
        detect(Web({f"{SITE}/": page}), SITE, "rest")


# The object a page shows


def test_the_address_of_a_page_brings_its_object():
    web = Web({f"{SITE}/server/api": ROOT, f"{SITE}/server/api/core/collections/{HOME}": payload("collection-theses")})
    theses = Scope(ScopeKind.COLLECTION, HOME, "123456789/7", "Theses")

    assert connect(web, f"{SITE}/collections/{HOME}", "rest").scope == theses
    assert connect(web, f" {SITE}/handle/123456789/7 ", "rest").scope == theses
    assert connect(web, SITE, "rest").scope is None


def test_the_address_of_a_page_of_an_unknown_object_is_refused():
    with pytest.raises(NotFoundError, match="There is no item"):
        connect(Web({f"{SITE}/server/api": ROOT}), f"{SITE}/items/{HOME}", "rest")


# The same API under several addresses


@pytest.mark.parametrize(
    "url",
    [
        "http://bücher.example/server",
        "https://BÜCHER.example./server/",
        "https://xn--bcher-kva.example:443/",
    ],
)
def test_the_same_host_in_another_spelling_is_the_same_repository(url):
    api = {f"{scheme}://xn--bcher-kva.example/server/api": ROOT for scheme in ("http", "https")}

    assert {base_key(base) for base in detect(Web(api), url, "rest").bases} == {"xn--bcher-kva.example/server/api"}


@pytest.mark.parametrize(
    ("named", "key"),
    [
        ("https://www.repository.example/server/api", "www.repository.example/server/api"),
        ("http://repository.example/server/api", "repository.example/server/api"),
        ("http://localhost:8080/server/api", "repository.example/server/api"),
        ("https://other.example/server/api", "repository.example/server/api"),
        ("http://[", "repository.example/server/api"),
        (7, "repository.example/server/api"),
    ],
)
def test_an_api_is_known_by_its_own_name_for_its_host_only(named, key):
    root = ROOT | {"_links": {"self": {"href": named}}}

    detected = detect(Web({f"{SITE}/server/api": root}), SITE, "rest")

    assert base_key(detected.bases[0]) == key
    assert detected.server.api_url == f"{SITE}/server/api"


def test_the_api_is_where_redirects_lead():
    new = "https://new.example/server/api"

    detected = detect(Web({f"{SITE}/server/api": JsonAnswer(ROOT, new)}), SITE, "rest")

    assert (detected.server.site_url, detected.server.api_url) == ("https://new.example", new)
    assert detected.bases == (new, f"{SITE}/server/api")


# An API that hides its version


@pytest.mark.parametrize(
    ("answer", "generation"), [({}, 10), (NotFoundError("404"), 9), (RequestRejectedError("400"), 7)]
)
def test_an_api_that_hides_its_version_is_known_by_its_other_members(answer, generation):
    root = {name: value for name, value in ROOT.items() if name != "dspaceVersion"}
    api = f"{SITE}/server/api"

    server = found(SITE, {api: root, f"{api}/discover/search/objects": answer})

    assert (server.generation, server.version) == (generation, "7 or later")


def test_an_api_that_answers_xml_is_named():
    error = XmlResponseError("It answered with XML.", f"{SITE}/rest/status")

    with pytest.raises(XmlResponseError) as raised:
        detect(Web({f"{SITE}/rest/status": error}), SITE, "rest")
    assert raised.value is error
