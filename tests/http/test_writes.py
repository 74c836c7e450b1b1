"""Requests that change data: what is sent, when a request is repeated. A key in the query is never shown."""

import gc
import io
import ipaddress
import json
import logging
import threading
import traceback

import pytest

from connector.errors import (
    ConnectorError,
    JobStoppedError,
    OutcomeUnknownError,
    RequestRejectedError,
    RestrictedError,
    ServerError,
    UnreachableError,
)
from connector.http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings, Method, OutageWait, QueryKey, Upload
from connector.jobs.attempt import log
from tests.ports import free_port

from .sites import hang_up, reply

pytestmark = pytest.mark.timing

LOOPBACK = AddressRule((ipaddress.ip_network("127.0.0.0/8"),))
SECRET = "CREDENTIALCREDENTIALCREDENTIAL01"
METHODS = list(Method)


class Waits(threading.Event):
    """A stop whose waits end at once."""

    def wait(self, timeout=None):
        return self.is_set()


@pytest.fixture
def client_of(tmp_path):
    made = []

    def client_of(url="http://127.0.0.1", stop=None, **settings):
        settings = HttpSettings(user_agent="test", rule=LOOPBACK, **settings)
        key = QueryKey(f"{url}/api", {"key_identity": "IDENTITY", "key_credential": SECRET})
        outage = OutageWait(86_400, stop or Waits())
        made.append(HttpClient(settings, ConcurrencyLimit(tmp_path, "omeka", 2), outage, key))
        return made[-1]

    yield client_of
    for one in made:
        one.close()


def body_of(handler) -> bytes:
    return handler.rfile.read(int(handler.headers.get("Content-Length", 0)))


def one_by_one(*answers):
    """Answer requests in this order, and write down what they send."""
    left, bodies = list(answers), []

    def answer(handler):
        bodies.append((handler.command, body_of(handler)))
        left.pop(0)(handler)

    answer.bodies = bodies
    return answer


def good(handler):
    reply(handler, b'{"o:id": 1}')


def failing(status, **headers):
    return lambda handler: reply(handler, b"{}", status, **headers)


@pytest.mark.parametrize("method", METHODS)
def test_a_write_sends_json_with_its_method_and_returns_the_parsed_answer(client_of, site, method):
    answer = one_by_one(lambda handler: reply(handler, b'{"o:id": 1}', Omeka_S_Version="4.2.0"))
    there = site(answer)

    written = client_of(there.url).write(method, f"{there.url}/api/items", json={"title": "Thèse"})

    assert (written.value, written.headers["omeka-s-version"]) == ({"o:id": 1}, "4.2.0")
    assert [(verb, json.loads(body)) for verb, body in answer.bodies] == [(method, {"title": "Thèse"})]
    assert there.requests[0][1]["Content-Type"] == "application/json"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("refusal", [failing(429), failing(503, Retry_After="3")], ids=["429", "503 with Retry-After"])
def test_a_refused_write_is_repeated(client_of, site, method, refusal):
    answer = one_by_one(refusal, good)
    there = site(answer)

    assert client_of(there.url).write(method, f"{there.url}/api/items", json={}).value == {"o:id": 1}
    assert len(answer.bodies) == 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (hang_up, None),
        (failing(500), 500),
        (failing(502), 502),
        (failing(503), 503),
        (failing(408), 408),
        (lambda handler: reply(handler, b"<html>welcome</html>"), None),
        (lambda handler: reply(handler, b'{"o:id": 1', Content_Length="400"), None),
    ],
    ids=["broken off", "500", "502", "503", "408", "page", "cut short"],
)
def test_a_write_with_an_unknown_outcome_is_never_repeated(client_of, site, method, failure, status):
    def once(handler):
        failure(handler)
        handler.close_connection = True

    answer = one_by_one(once)
    there = site(answer)

    with pytest.raises(OutcomeUnknownError, match="not known whether the request was carried out") as caught:
        client_of(there.url).write(method, f"{there.url}/api/items", json={})

    assert caught.value.status == status
    assert len(answer.bodies) == 1


def test_a_write_that_times_out_is_never_repeated(client_of, site):
    release = threading.Event()
    there = site(lambda handler: release.wait(30))

    http = client_of(there.url)

    with pytest.raises(OutcomeUnknownError, match="did not answer in time"):
        http.write(Method.POST, f"{there.url}/api/items", json={}, seconds=0.3)

    release.set()
    assert http.requests_made == 1


def test_a_write_is_repeated_while_no_connection_is_possible(client_of):
    http = client_of()

    with pytest.raises(UnreachableError):
        http.write(Method.POST, f"http://127.0.0.1:{free_port()}/api/items", json={})

    assert http.requests_made == 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirected_write_is_refused_and_never_becomes_a_get(client_of, site, status):
    answer = one_by_one(failing(status, Location="https://omeka.example.org/api/items?a=b"))
    there = site(answer)

    with pytest.raises(RequestRejectedError, match=r"redirected to https://omeka\.example\.org/api/items, which"):
        client_of(there.url).write(Method.POST, f"{there.url}/api/items", json={})

    assert len(answer.bodies) == 1


@pytest.mark.parametrize("page", ["/maintenance", "/install", "https://status.example.org/"])
def test_a_write_that_is_redirected_to_a_page_was_not_carried_out_and_is_repeated(client_of, site, page):
    answer = one_by_one(failing(302, Location=page), good)
    there = site(answer)

    client_of(there.url).write(Method.POST, f"{there.url}/api/items", json={})

    assert [method for method, _ in answer.bodies] == ["POST", "POST"]


def test_a_refusal_keeps_its_status_and_its_json(client_of, site):
    said = {"errors": {"o:ingester": ["Media must set an ingester."]}}
    there = site(one_by_one(lambda handler: reply(handler, json.dumps(said).encode(), 422)))

    with pytest.raises(RequestRejectedError) as caught:
        client_of(there.url).write(Method.POST, f"{there.url}/api/media", json={})

    assert (caught.value.status, caught.value.answer) == (422, said)


def test_a_forbidden_write_is_an_error_of_its_own(client_of, site):
    there = site(one_by_one(failing(403)))

    with pytest.raises(RestrictedError):
        client_of(there.url).write(Method.POST, f"{there.url}/api/items", json={})


def test_a_stop_ends_a_write_that_waits_for_its_answer(client_of, site):
    stop, release = threading.Event(), threading.Event()

    def answer(handler):
        stop.set()
        release.wait(30)

    there = site(answer)

    with pytest.raises(JobStoppedError):
        client_of(there.url, stop).write(Method.POST, f"{there.url}/api/items", json={})

    release.set()


def test_an_upload_is_multipart_with_text_fields_and_the_bytes_of_the_file(client_of, site):
    answer = one_by_one(good)
    there = site(answer)
    content = bytes(range(256)) * 1000
    upload = Upload("file[0]", 'Tést "1".pdf', lambda: io.BytesIO(content), len(content), "application/pdf")

    client_of(there.url).write(Method.POST, f"{there.url}/api/media", fields={"data": '{"a": "ü"}'}, upload=upload)

    headers, ((_, body),) = there.requests[0][1], answer.bodies
    boundary = headers["Content-Type"].removeprefix("multipart/form-data; boundary=").encode()
    _, data, file, end = body.split(b"--" + boundary)
    assert "Transfer-Encoding" not in headers
    assert data == b'\r\nContent-Disposition: form-data; name="data"\r\n\r\n' + '{"a": "ü"}\r\n'.encode()
    assert file.startswith(
        '\r\nContent-Disposition: form-data; name="file[0]"; filename="Tést %221%22.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n".encode()
    )
    assert file.endswith(b"\r\n\r\n" + content + b"\r\n")
    assert end == b"--\r\n"


def test_a_repeated_upload_sends_the_whole_file_again(client_of, site):
    answer = one_by_one(failing(429), good)
    there = site(answer)
    upload = Upload("file[0]", "a.txt", lambda: io.BytesIO(b"content"), 7)

    client_of(there.url).write(Method.POST, f"{there.url}/api/media", fields={}, upload=upload)

    assert [b"content" in body for _, body in answer.bodies] == [True, True]


def test_a_stop_ends_an_upload_between_two_pieces(client_of, site):
    stop = threading.Event()

    class Stopping(io.BytesIO):
        def read(self, size=-1):
            stop.set()
            return super().read(size)

    there = site(one_by_one(good))
    upload = Upload("file[0]", "a.txt", lambda: Stopping(bytes(1_000_000)), 1_000_000)

    with pytest.raises(JobStoppedError):
        client_of(there.url, stop).write(Method.POST, f"{there.url}/api/media", fields={}, upload=upload)


def test_a_file_that_became_shorter_is_not_uploaded(client_of, site):
    there = site(one_by_one(good))
    upload = Upload("file[0]", "a.txt", lambda: io.BytesIO(b"short"), 1_000)

    with pytest.raises(ConnectorError):
        client_of(there.url).write(Method.POST, f"{there.url}/api/media", fields={}, upload=upload)


# The key


def test_the_key_is_in_the_query_of_each_request_below_the_api(client_of, site):
    there = site(one_by_one(good, good, good))
    http = client_of(there.url)

    http.read(f"{there.url}/api/items", {"page": 1})
    http.write(Method.PATCH, f"{there.url}/api/items/1", json={})
    http.read(f"{there.url}/apis")

    key = f"key_identity=IDENTITY&key_credential={SECRET}"
    assert [path for path, _ in there.requests] == [f"/api/items?page=1&{key}", f"/api/items/1?{key}", "/apis"]


def test_a_read_follows_no_redirect_so_that_the_key_stays_at_its_site(client_of, site):
    other = site(one_by_one(good))
    there = site(one_by_one(failing(301, Location=f"{other.url}/api/items")))

    with pytest.raises(RequestRejectedError, match="is redirected to"):
        client_of(there.url).read(f"{there.url}/api/items")

    assert other.requests == []


def echo(status, **headers):
    """Answer with the request target, and with it in the headers."""

    def answer(handler):
        body = json.dumps({"errors": {"error": handler.path}} if status >= 400 else {}).encode()
        named = {name: text.format(path=handler.path) for name, text in headers.items()}
        reply(handler, body, status, **named)
        handler.close_connection = True

    return answer


def malformed_header(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno colon here\r\nX: y\r\n\r\n{}")
    handler.close_connection = True


ECHOES = {
    "good": echo(200, Link="<http://127.0.0.1{path}>; rel=first"),
    "redirect": echo(302, Location="https://127.0.0.1{path}"),
    "422": echo(422),
    "403": echo(403),
    "404": echo(404),
    "429": echo(429),
    "500": echo(500),
    "broken off": hang_up,
    "malformed header": malformed_header,
}


@pytest.mark.parametrize("answer", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("writes", [True, False], ids=["write", "read"])
def test_the_key_is_in_no_answer_error_traceback_or_log(client_of, site, caplog, answer, writes):
    def answering(handler):
        body_of(handler)
        answer(handler)

    there = site(answering)
    http = client_of(there.url)
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")
    shown = repr(http.traffic.as_dict())

    try:
        if writes:
            shown += repr(http.write(Method.POST, f"{there.url}/api/items", json={}))
        else:
            shown += repr(http.read(f"{there.url}/api/items"))
    except ConnectorError as error:
        log.exception("It failed")
        shown += repr(error) + repr(vars(error)) + error.in_short + traceback.format_exc()

    gc.collect()
    assert SECRET in there.requests[0][0]
    assert SECRET not in shown
    assert SECRET not in caplog.text


def test_the_key_is_not_in_the_error_when_no_connection_is_possible(client_of, caplog):
    url = f"http://127.0.0.1:{free_port()}"
    try:
        client_of(url).write(Method.POST, f"{url}/api/items", json={})
    except ServerError:
        raise AssertionError from None
    except UnreachableError:
        log.exception("It failed")

    assert "Traceback" in caplog.text
    assert SECRET not in caplog.text


def test_the_key_has_no_text_of_its_own():
    assert SECRET not in repr(QueryKey("http://a", {"key_credential": SECRET}))
