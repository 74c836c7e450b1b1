"""The HTTP client: the error of each bad response, repeats and limits.

Responses whose bytes or timing matter come from a real server on the loopback address, the others from `responses`.
"""

import gzip
import hashlib
import ipaddress
import socket
import struct
import threading
import time
from contextlib import suppress
from email.utils import formatdate

import pytest
import responses

from connector.errors import (
    AddressNotAllowedError,
    BadResponseError,
    BotChallengeError,
    CertificateError,
    JobStoppedError,
    NotFoundError,
    RequestRejectedError,
    RequestTimeoutError,
    RestrictedError,
    ServerError,
    TooLargeError,
    UnknownHostError,
    UnreachableError,
    WebPageError,
)
from connector.http import Download, HttpClient, HttpSettings, JsonAnswer, OutageWait, WebPage, deadline
from connector.http.addresses import AddressRule
from connector.http.concurrency import ConcurrencyLimit
from tests.ports import free_port

from .sites import CERTIFICATE, hang_up, reply

LOOPBACK = AddressRule((ipaddress.ip_network("127.0.0.0/8"),))
URL = "https://dspace.example.org/server/api/core/items"


class Waits(threading.Event):
    """A stop whose waits end at once and are written down."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def wait(self, timeout=None):
        self.seconds.append(timeout)
        return self.is_set()


class StopAtFirstWait(Waits):
    """A stop that somebody sets during the first wait."""

    def wait(self, timeout=None):
        self.set()
        return super().wait(timeout)


class StopAfterOneLook(threading.Event):
    """A stop that somebody sets once it has been looked at."""

    def is_set(self):
        was_set = super().is_set()
        self.set()
        return was_set


@pytest.fixture
def stop():
    return Waits()


@pytest.fixture
def pace(tmp_path):
    return ConcurrencyLimit(tmp_path, "repository")


@pytest.fixture
def new_http(pace, stop):
    made = []

    def new_http(stop=stop, outage=86_400, **settings):
        settings = {"user_agent": "DSpace-Connector/1 (+mailto:a@example.org)", "rule": LOOPBACK, **settings}
        made.append(HttpClient(HttpSettings(**settings), pace, OutageWait(outage, stop)))
        return made[-1]

    yield new_http
    for one in made:
        one.close()


@pytest.fixture
def http(new_http):
    return new_http()


@pytest.fixture
def remote():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


# What is asked


def test_json_comes_parsed_and_is_asked_for_by_name(http, site):
    there = site(lambda handler: reply(handler, '{"name": "Thèses"}'.encode()))

    answer = http.get_json(f"{there.url}/rest/items", {"limit": 20, "expand": "metadata,bitstreams"})

    path, headers = there.requests[0]
    assert answer == {"name": "Thèses"}
    assert path == "/rest/items?limit=20&expand=metadata%2Cbitstreams"
    assert headers["Accept"] == "application/json"
    assert headers["User-Agent"] == "DSpace-Connector/1 (+mailto:a@example.org)"


def test_cookies_are_kept_so_that_one_session_serves_all_requests(http, site):
    there = site(lambda handler: reply(handler, b"{}", Set_Cookie="JSESSIONID=abc"))

    http.get_json(there.url)
    http.get_json(there.url)

    assert [headers["Cookie"] for _, headers in there.requests] == [None, "JSESSIONID=abc"]


def test_connections_are_used_again_also_after_refusals_and_redirects(http, site):
    ports = []

    def answer(handler):
        ports.append(handler.client_address[1])
        if handler.path == "/old":
            reply(handler, b"moved", 302, Location="/new")
        else:
            reply(handler, b"{}", 404 if handler.path == "/gone" else 200)

    there = site(answer)
    http.get_json_from(f"{there.url}/old")
    with pytest.raises(NotFoundError):
        http.get_json(f"{there.url}/gone")
    http.get_json(f"{there.url}/new")

    assert len(ports) == 4
    assert len(set(ports)) == 1


def test_an_empty_204_response_has_no_json(http, remote):
    remote.get(URL, status=204)

    assert http.get_json(URL) is None


def test_the_http_client_ignores_the_environment(new_http, site, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    there = site(lambda handler: reply(handler, b"[]"))

    assert new_http().get_json(there.url) == []


def test_every_request_is_counted_with_repeats_and_redirects(http, remote):
    remote.get(URL, status=500)
    remote.get(URL, status=302, headers={"Location": "/elsewhere"})
    remote.get("https://dspace.example.org/elsewhere", json=1)

    http.get_json_from(URL)

    assert http.requests_made == 3


@pytest.mark.parametrize("url", ["ftp://example.org/", "file:///etc/passwd", "example.org", "http://", "http://[", "x"])
def test_invalid_web_addresses_are_refused(http, url):
    with pytest.raises(RequestRejectedError):
        http.get_json(url)

    assert http.requests_made == 0


def test_a_password_in_the_address_is_rejected_and_not_repeated_to_anybody(http):
    with pytest.raises(RequestRejectedError) as refusal:
        http.get_json("https://me:secret@dspace.example.org/rest")

    assert "dspace.example.org/rest" in str(refusal.value)
    assert "secret" not in str(refusal.value) + refusal.value.url


# Bad answers


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, RestrictedError),
        (403, RestrictedError),
        (404, NotFoundError),
        (410, NotFoundError),
        (400, RequestRejectedError),
        (406, RequestRejectedError),
        (422, RequestRejectedError),
        (304, BadResponseError),
        (408, ServerError),
        (425, ServerError),
        (429, ServerError),
        (500, ServerError),
        (503, ServerError),
    ],
)
def test_each_status_is_an_error_whose_details_have_the_address_and_the_status(http, remote, status, error):
    remote.get(URL, status=status, body=f"<html><title>HTTP Status {status} – Sorry</title></html>")

    with pytest.raises(error) as trouble:
        http.get_json(URL, tries=1)

    assert type(trouble.value) is error
    assert trouble.value.url == URL
    assert "dspace.example.org" in str(trouble.value)
    assert str(status) not in str(trouble.value)
    assert trouble.value.technical_details == (URL, f"Status {status}")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<!DOCTYPE html><html><body>DSpace</body></html>", "web page"),
        (b'<?xml version="1.0"?><items/>', "XML although JSON was requested"),
        (b'<?xml version="1.0"?><!DOCTYPE html><html></html>', "web page instead of data"),
        (b'{"items": [{"id": 1}, {"i', "damaged or incomplete"),
        (b"", "an empty answer"),
        (b'{"size": NaN}', "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b'{"name": "\xff\xfe"}', "damaged"),
        (b"[" * 200_000, "damaged"),
        (b"9" * 5000, "not data of DSpace"),
    ],
)
def test_anything_but_json_with_200_is_a_bad_answer(http, remote, body, said):
    remote.get(URL, body=body)

    with pytest.raises(BadResponseError) as trouble:
        http.get_json(URL, tries=1)

    assert said in " ".join((str(trouble.value), *trouble.value.technical_details))
    assert URL in trouble.value.technical_details


def test_a_refused_connection_is_unreachable(http):
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1 refused the connection") as trouble:
        http.get_json(f"http://127.0.0.1:{free_port()}/rest", tries=1)

    assert type(trouble.value) is UnreachableError


@pytest.mark.timing
def test_a_connection_closed_without_an_answer_is_unreachable(http, site):
    there = site(hang_up)

    with pytest.raises(UnreachableError, match="broke") as trouble:
        http.get_json(there.url, tries=1)

    assert type(trouble.value) is UnreachableError


def test_an_address_without_route_is_unreachable(new_http):
    broadcast = AddressRule((ipaddress.ip_network("255.255.255.255/32"),))

    with pytest.raises(UnreachableError, match="cannot be reached") as trouble:
        new_http(rule=broadcast).get_json("http://255.255.255.255/rest", tries=1)

    assert type(trouble.value) is UnreachableError


@pytest.mark.timing
def test_a_connection_that_is_reset_is_unreachable(http, site):
    def answer(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n" + bytes(300_000))
        read.wait(60)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        hang_up(handler)
        handler.rfile.close()
        handler.connection.close()

    read = threading.Event()

    with pytest.raises(UnreachableError, match="broke off"):
        http.download(site(answer).url, lambda piece: read.set())


def test_an_unknown_host_raises_its_own_error(new_http):
    def resolve(host, port, type):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    http = new_http(rule=AddressRule((), resolve))

    with pytest.raises(UnknownHostError, match=r"no host named nowhere\.example\.org"):
        http.get_json("https://nowhere.example.org/rest", tries=1)


@pytest.mark.timing
def test_a_server_that_sends_nothing_times_out(new_http, site):
    done = threading.Event()
    there = site(lambda handler: done.wait(60))

    with pytest.raises(RequestTimeoutError, match="did not answer in time"):
        new_http(read_timeout=0.05).get_json(there.url, tries=1)

    done.set()


@pytest.mark.timing
def test_a_request_that_timed_out_is_not_repeated(new_http, site):
    done = threading.Event()
    there = site(lambda handler: done.wait(60))

    http = new_http(read_timeout=0.05)

    with pytest.raises(RequestTimeoutError):
        http.get_json(there.url)

    done.set()
    assert http.requests_made == 1


def drip(done: threading.Event, start: bytes):
    """An answer that goes on for ever, a byte at a time, and never pauses as long as a read timeout."""

    def answer(handler):
        handler.close_connection = True
        handler.wfile.write(start)
        while not done.wait(0.005):
            try:
                handler.wfile.write(b" ")
            except OSError:
                return

    return answer


def test_only_the_start_of_a_long_web_page_is_read(new_http, site):
    there = site(lambda handler: (hang_up(handler), reply(handler, b"<p>" + b"a" * 2**20)))

    assert new_http().get_page(there.url).start == b"<p>" + b"a" * (2**16 - 3)


@pytest.mark.timing
@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
    ],
    ids=["headers", "body", "chunk"],
)
def test_an_answer_that_arrives_in_drips_ends_at_the_deadline(new_http, site, start):
    done = threading.Event()
    there = site(drip(done, start))

    with pytest.raises(RequestTimeoutError):
        new_http(read_timeout=60, deadline=0.2).get_json(there.url, tries=1)

    done.set()


@pytest.mark.parametrize("length", ["many", "-1", "9" * 5000])
def test_a_length_that_makes_no_sense_is_ignored(http, site, length):
    def answer(handler):
        hang_up(handler)
        reply(handler, b"[1]", Content_Length=length)

    assert http.get_json(site(answer).url, tries=1) == [1]


@pytest.mark.parametrize("how", ["length", "chunk", "between chunks"])
def test_a_body_that_ends_early_is_a_bad_answer(http, site, how):
    def answer(handler):
        handler.close_connection = True
        if how == "length":
            return reply(handler, b'{"a": 1}', Content_Length="4000")
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        handler.wfile.write(b'8\r\n{"a": 1}\r\n' if how == "between chunks" else b'ff\r\n{"a": 1}')

    there = site(answer)

    with pytest.raises(BadResponseError, match="ended too early"):
        http.get_json(there.url, tries=1)


def test_a_small_packed_answer_that_unpacks_beyond_the_limit_is_too_large(new_http, site):
    bomb = gzip.compress(bytes(50 * 2**20))
    there = site(lambda handler: reply(handler, bomb, Content_Encoding="gzip"))

    with pytest.raises(TooLargeError, match="1,048,576 bytes"):
        new_http(json_bytes=2**20).get_json(there.url)

    assert len(there.requests) == 1


def test_a_packed_answer_that_cannot_be_unpacked_is_a_bad_answer(http, site):
    there = site(lambda handler: reply(handler, b"not gzip", Content_Encoding="gzip"))

    with pytest.raises(BadResponseError, match="unpacked"):
        http.get_json(there.url, tries=1)


def test_an_error_status_is_kept_when_its_body_breaks_off(http, site):
    def answer(handler):
        hang_up(handler)
        reply(handler, b"no", 404, Content_Length="100")

    with pytest.raises(NotFoundError):
        http.get_json(site(answer).url)


def test_no_more_of_a_refusal_is_read_than_its_reason(http, site):
    sent = []

    def answer(handler):
        hang_up(handler)
        handler.wfile.write(b"HTTP/1.1 404 Not Found\r\n\r\n")
        while len(sent) < 1000:
            handler.wfile.write(bytes(2**16))
            sent.append(2**16)

    there = site(answer)

    with pytest.raises(NotFoundError):
        http.get_json(there.url)

    assert sum(sent) < 50 * 2**20


# Certificates


def secure(site, answer=lambda handler: reply(handler, b"[]")):
    there = site(answer, tls=True)
    return there, f"https://localhost:{there.port}/"


def test_an_untrusted_certificate_is_logged_and_not_retried(new_http, site, caplog):
    _, url = secure(site)
    http = new_http()

    with pytest.raises(CertificateError, match=r"certificate of localhost is not accepted: self-signed certificate"):
        http.get_json(url)

    assert http.requests_made == 1
    assert caplog.messages == ["Not connected: The certificate of localhost is not accepted: self-signed certificate."]


@pytest.mark.parametrize("ask", [lambda http, url: http.get_json(url), lambda http, url: http.post(url, headers={})])
def test_a_refused_address_is_logged_without_its_path_and_query(new_http, caplog, ask):
    http = new_http(rule=AddressRule(()))

    with pytest.raises(AddressNotAllowedError):
        ask(http, "http://127.0.0.1:1/hook/secret?key=secret")

    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("Not connected: 127.0.0.1 ")
    assert "secret" not in caplog.text


def test_a_certificate_of_the_bundle_is_trusted(new_http, site):
    _, url = secure(site)

    assert new_http(ca_bundle=str(CERTIFICATE)).get_json(url) == []


def test_a_certificate_is_checked_against_the_name_though_the_address_is_resolved_here(new_http, site):
    there, _ = secure(site)

    def resolve(host, port, type):
        return [(socket.AF_INET, type, 0, "", ("127.0.0.1", port))]

    http = new_http(ca_bundle=str(CERTIFICATE), rule=AddressRule(LOOPBACK.networks, resolve))

    with pytest.raises(CertificateError, match="Hostname mismatch"):
        http.get_json(f"https://dspace.example.org:{there.port}/")


def test_https_to_a_server_that_speaks_http_is_unreachable(http, site):
    there = site(lambda handler: reply(handler, b"[]"))

    with pytest.raises(UnreachableError, match="may not support https"):
        http.get_json(there.url.replace("http:", "https:"), tries=1)


# Repeats


def test_a_500_is_asked_again_and_the_second_answer_counts(http, remote, stop):
    remote.get(URL, status=500)
    remote.get(URL, json={"id": 1})

    assert http.get_json(URL) == {"id": 1}
    assert len(stop.seconds) == 1


def test_a_web_page_is_asked_again_unless_the_address_may_be_wrong(http, remote):
    remote.get(URL, body=b"<!DOCTYPE html><html></html>")

    for repeats, requests in ((True, 2), (False, 3)):
        with pytest.raises(WebPageError):
            http.get_json_from(URL, tries=2, repeats_pages=repeats)
        assert http.requests_made == requests


def test_waits_double_with_some_jitter_and_the_last_error_is_raised(http, remote, stop):
    remote.get(URL, status=500)

    with pytest.raises(ServerError):
        http.get_json(URL, tries=4)

    assert http.requests_made == 4
    assert len(stop.seconds) == 3
    for waited, least in zip(stop.seconds, [0.5, 1, 2], strict=True):
        assert least <= waited <= least * 1.25


def test_waits_grow_no_longer_than_a_minute(http, remote, stop):
    remote.get(URL, status=500)

    with pytest.raises(ServerError):
        http.get_json(URL, tries=12)

    assert 60 <= max(stop.seconds) <= 75


def test_permanent_errors_are_not_retried(http, remote):
    remote.get(URL, status=404)

    with pytest.raises(NotFoundError):
        http.get_json(URL)

    assert http.requests_made == 1


def test_retry_after_in_seconds_is_obeyed(http, remote, stop):
    remote.get(URL, status=429, headers={"Retry-After": "120"})
    remote.get(URL, json=[])

    http.get_json(URL)

    assert stop.seconds == [120]


def test_retry_after_as_a_date_is_obeyed(http, remote, stop):
    remote.get(URL, status=503, headers={"Retry-After": formatdate(time.time() + 900, usegmt=True)})
    remote.get(URL, json=[])

    http.get_json(URL)

    assert 600 <= stop.seconds[0] <= 900


def test_a_wait_that_is_longer_than_allowed_is_the_end_of_the_tries(new_http, remote, stop):
    remote.get(URL, status=503, headers={"Retry-After": "21"})
    http = new_http(outage=20)

    with pytest.raises(ServerError) as trouble:
        http.get_json(URL)

    assert (trouble.value.retry_after, http.requests_made, stop.seconds) == (21, 1, [])


def test_a_retry_after_in_the_past_is_over(http, remote, stop):
    remote.get(URL, status=503, headers={"Retry-After": formatdate(time.time() - 90, usegmt=True)})
    remote.get(URL, json=[])

    http.get_json(URL)

    assert 0.5 <= stop.seconds[0] <= 0.625


@pytest.mark.parametrize("header", ["soon", "-5", "", "Mon, 99 Foo 99999 99:99:99 GMT", "9" * 5000])
def test_a_retry_after_that_cannot_be_read_is_ignored(http, remote, stop, header):
    remote.get(URL, status=503, headers={"Retry-After": header})
    remote.get(URL, json=[])

    http.get_json(URL)

    assert 0.5 <= stop.seconds[0] <= 0.625


@pytest.mark.parametrize(("header", "least", "most"), [("999999999", 366 * 86_400, 366 * 86_400), ("0", 0.5, 0.625)])
def test_retry_after_is_at_most_a_year_and_at_least_the_usual_wait(new_http, remote, stop, header, least, most):
    remote.get(URL, status=503, headers={"Retry-After": header})
    remote.get(URL, json=[])

    new_http(outage=10**9).get_json(URL)

    assert least <= stop.seconds[0] <= most


def test_a_short_retry_after_does_not_shorten_the_growing_waits(http, remote, stop):
    remote.get(URL, status=429, headers={"Retry-After": "1"})

    with pytest.raises(ServerError):
        http.get_json(URL, tries=5)

    assert stop.seconds[0] == 1
    assert 4 <= stop.seconds[3] <= 5


def test_a_protection_against_robots_is_asked_once_and_makes_the_pace_slower(http, remote, pace):
    remote.get(URL, status=503, body="<html>captcha", headers={"Retry-After": "9"})
    for _ in range(3):
        pace.record_success(0.1, "page")

    with pytest.raises(BotChallengeError) as wall:
        http.get_json(URL)

    assert pace.halvings == 1
    assert http.requests_made == 1
    assert wall.value.retry_after == 9


# Stop


@pytest.mark.timing
def test_a_stop_set_before_sends_nothing(http, stop):
    stop.set()

    with pytest.raises(JobStoppedError):
        http.get_json(URL)

    assert http.requests_made == 0


@pytest.mark.timing
def test_a_stop_ends_the_wait_before_a_repeat(new_http, remote):
    remote.get(URL, status=503, headers={"Retry-After": "3600"})
    http = new_http(stop=StopAtFirstWait())

    with pytest.raises(JobStoppedError):
        http.get_json(URL)

    assert http.requests_made == 1


@pytest.mark.timing
@pytest.mark.parametrize("tls", [False, True])
def test_a_stop_ends_a_request_that_gets_no_answer(new_http, stop, site, tls):
    done = threading.Event()

    def answer(handler):
        stop.set()
        done.wait(60)

    there = site(answer, tls=tls)
    scheme = "https" if tls else "http"

    with pytest.raises(JobStoppedError):
        new_http(ca_bundle=str(CERTIFICATE)).get_json(f"{scheme}://localhost:{there.port}/")

    done.set()


@pytest.mark.timing
def test_a_stop_ends_a_download_that_stalls(http, stop, site):
    done = threading.Event()

    def answer(handler):
        hang_up(handler)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n" + bytes(300_000))
        threading.Timer(0.05, stop.set).start()
        done.wait(60)

    there = site(answer)

    with pytest.raises(JobStoppedError):
        http.download(there.url, lambda piece: None)

    done.set()


# Redirects


def test_a_redirect_may_name_its_target_in_plain_utf_8(http, site):
    def answer(handler):
        if handler.path == "/":
            handler.wfile.write("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /thèses\r\n\r\n".encode())
        else:
            reply(handler, b"[]")

    there = site(answer)

    http.get_json_from(there.url)

    assert there.requests[1][0] == "/th%C3%A8ses"


def test_a_move_to_https_is_followed_once_and_remembered(http, remote):
    plain = URL.replace("https:", "http:")
    remote.get(plain, status=303, headers={"Location": URL})
    remote.get(URL, json=[1])

    assert http.get_json(plain) == [1]
    assert http.get_json(plain) == [1]
    assert http.requests_made == 3


def test_a_redirect_from_https_to_http_is_rejected(http, remote):
    remote.get(URL, status=302, headers={"Location": "http://dspace.example.org/rest"})

    with pytest.raises(RequestRejectedError, match="away from https"):
        http.get_json_from(URL)


def test_redirects_that_go_round_are_rejected_after_five(http, remote):
    remote.get(URL, status=302, headers={"Location": URL})

    with pytest.raises(RequestRejectedError, match="redirected without an end"):
        http.get_json(URL)

    assert http.requests_made == 6


@pytest.mark.parametrize("location", ["ftp://dspace.example.org/x", "https://me:pw@dspace.example.org/"])
def test_a_redirect_to_no_usable_address_is_rejected(http, remote, location):
    remote.get(URL, status=302, headers={"Location": location})

    with pytest.raises(RequestRejectedError) as refusal:
        http.get_json_from(URL)

    assert "pw" not in str(refusal.value)


def test_a_move_to_https_with_a_password_in_it_is_not_remembered(http, remote):
    plain = URL.replace("https:", "http:")
    remote.get(plain, status=302, headers={"Location": URL.replace("//", "//me:pw@")})
    remote.get(plain, json=[])
    with pytest.raises(RequestRejectedError):
        http.get_json(plain)

    assert http.get_json(plain) == []


@pytest.mark.parametrize("headers", [{}, {"Location": "https://["}])
def test_a_redirect_to_nowhere_is_a_bad_answer(http, remote, headers):
    remote.get(URL, status=302, headers=headers)

    with pytest.raises(BadResponseError, match="redirects"):
        http.get_json(URL, tries=1)


def test_a_redirect_to_an_address_that_is_not_allowed_is_refused(new_http, site):
    inside = site(lambda handler: reply(handler, b'"secret"'))
    there = site(lambda handler: reply(handler, b"", 302, Location=f"http://127.0.0.2:{inside.port}/"))
    http = new_http(rule=AddressRule((ipaddress.ip_network("127.0.0.1/32"),)))

    with pytest.raises(AddressNotAllowedError, match=r"127\.0\.0\.2 .*CONNECTOR_ALLOWED_NETWORKS"):
        http.get_json_from(there.url)

    assert inside.requests == []


def test_cookies_do_not_travel_to_another_host(new_http, site):
    def answer(handler):
        if handler.path == "/start":
            cookie = "session=abc; Domain=dspace.test"
            reply(handler, b"", 302, Location=f"http://files.dspace.test:{there.port}/file", Set_Cookie=cookie)
        else:
            reply(handler, b"[]")

    def resolve(host, port, type):
        return [(socket.AF_INET, type, 0, "", ("127.0.0.1", port))]

    there = site(answer)
    http = new_http(rule=AddressRule(LOOPBACK.networks, resolve))

    http.get_json_from(f"http://dspace.test:{there.port}/start")
    http.get_json_from(f"http://dspace.test:{there.port}/again")

    assert [(path, headers["Cookie"]) for path, headers in there.requests] == [
        ("/start", None),
        ("/file", None),
        ("/again", "session=abc"),
    ]


# Looking up


def test_locate_gives_the_location_and_does_not_go_there(http, remote):
    find = "https://dspace.example.org/server/api/pid/find"
    remote.get(find, status=302, headers={"Location": "http://localhost:8080/server/api/core/items/1"})

    assert http.locate(find, {"id": "10673/1"}) == "http://localhost:8080/server/api/core/items/1"
    assert remote.calls[0].request.url.endswith("?id=10673%2F1")
    assert http.requests_made == 1


def test_locate_makes_a_relative_location_absolute(http, remote):
    remote.get(URL, status=302, headers={"Location": "/server/api/core/items/1"})

    assert http.locate(URL) == "https://dspace.example.org/server/api/core/items/1"


def test_locate_goes_with_a_mere_move_to_https(http, remote):
    plain = URL.replace("https:", "http:")
    remote.get(plain, status=301, headers={"Location": URL})
    remote.get(URL, status=302, headers={"Location": "/found"})

    assert http.locate(plain) == "https://dspace.example.org/found"


def test_locate_of_an_unknown_handle_is_not_found(http, remote):
    remote.get(URL, status=404)

    with pytest.raises(NotFoundError):
        http.locate(URL)


def test_a_lookup_that_returns_the_object_itself_is_accepted(http, remote):
    remote.get(URL, json={"type": "item"})

    assert http.locate(URL) == JsonAnswer({"type": "item"}, URL, size=16)


def test_responses_name_their_address_after_redirects(http, remote):
    remote.get(URL, status=301, headers={"Location": f"{URL}/new"})
    remote.get(f"{URL}/new", json={})

    assert http.get_json_from(URL) == JsonAnswer({}, f"{URL}/new", size=2)
    assert http.get_page(URL).url == f"{URL}/new"


def test_a_web_page_is_read_with_any_status(http, remote):
    remote.get(URL, status=404, body="<p>Not here")

    assert http.get_page(URL) == WebPage(URL, b"<p>Not here", status=404)


def test_locate_without_a_location_is_a_bad_answer(http, remote):
    remote.get(URL, status=302)

    with pytest.raises(BadResponseError):
        http.locate(URL)


# Files


def test_a_download_comes_in_pieces_with_its_size_and_digests(http, site):
    content = bytes(range(256)) * 3000
    there = site(lambda handler: reply(handler, content))
    pieces = []

    got = http.download(there.url, pieces.append)

    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 256 * 1024
    assert got == Download(len(content), hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest())
    assert there.requests[0][1]["Accept"] == "*/*"
    assert there.requests[0][1]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("headers", "part"),
    [(b"Content-Length: 20", b"ten bytes."), (b"Transfer-Encoding: chunked", b"a\r\nten bytes.\r\n")],
)
def test_bytes_of_a_slow_download_are_passed_on_as_soon_as_they_arrive(http, site, headers, part):
    has_arrived, was_waited_for, received = threading.Event(), [], []

    def answer(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n\r\n" + part)
        was_waited_for.append(has_arrived.wait(60))
        handler.wfile.write(part + (b"0\r\n\r\n" if b"chunked" in headers else b""))

    def sink(piece):
        received.append(piece)
        has_arrived.set()

    http.download(site(answer).url, sink)

    assert (was_waited_for, received) == ([True], [b"ten bytes."] * 2)


def test_an_empty_file_is_a_file(http, site):
    there = site(lambda handler: reply(handler, b""))
    pieces = []

    got = http.download(there.url, pieces.append)

    assert (got.size, got.md5, pieces) == (0, "d41d8cd98f00b204e9800998ecf8427e", [])


def test_a_download_shorter_than_its_length_is_a_bad_answer(http, site):
    def answer(handler):
        hang_up(handler)
        reply(handler, b"half", Content_Length="8")

    with pytest.raises(BadResponseError, match="ended too early"):
        http.download(site(answer).url, lambda piece: None)


@pytest.mark.parametrize("announced", [True, False])
def test_a_download_past_the_limit_is_too_large_and_the_sink_gets_no_more_than_that(http, site, announced):
    def answer(handler):
        hang_up(handler)
        if announced:
            return reply(handler, bytes(600_000))
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(600_000))

    pieces = []

    with pytest.raises(TooLargeError, match="300,000 bytes"):
        http.download(site(answer).url, pieces.append, limit=300_000)

    assert sum(map(len, pieces)) <= 300_000
    assert bool(pieces) is not announced


def test_a_download_of_exactly_the_limit_is_not_too_large(http, site):
    there = site(lambda handler: reply(handler, bytes(300_000)))

    assert http.download(there.url, lambda piece: None, limit=300_000).size == 300_000


def test_a_download_is_tried_once_by_default(http, remote):
    remote.get(URL, status=500)

    with pytest.raises(ServerError):
        http.download(URL, lambda piece: None)

    assert http.requests_made == 1


def test_a_download_may_be_repeated_only_while_the_sink_has_nothing(http, site):
    answers = [
        lambda handler: reply(handler, b"", 503),
        lambda handler: (hang_up(handler), reply(handler, bytes(300_000), Content_Length="600000")),
    ]
    there = site(lambda handler: answers[len(there.requests) - 1](handler))
    pieces = []

    with pytest.raises(BadResponseError):
        http.download(there.url, pieces.append, tries=4)

    assert len(there.requests) == 2
    assert b"".join(pieces) == bytes(300_000)


@pytest.mark.timing
def test_a_stop_ends_a_download_at_the_next_piece(http, site, stop):
    there = site(lambda handler: reply(handler, bytes(2**20)))
    pieces = []

    def sink(piece):
        pieces.append(piece)
        stop.set()

    with pytest.raises(JobStoppedError):
        http.download(there.url, sink)

    assert len(pieces) == 1


def test_an_error_of_the_sink_is_raised_unchanged(http, site):
    there = site(lambda handler: reply(handler, b"data"))

    def sink(piece):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left") as trouble:
        http.download(there.url, sink)

    assert type(trouble.value) is OSError


@pytest.mark.timing
def test_the_deadline_is_for_json_and_not_for_files(new_http, site):
    there = site(lambda handler: reply(handler, b"[]"))
    http = new_http(deadline=0)

    with pytest.raises(RequestTimeoutError):
        http.get_json(there.url, tries=1)

    assert http.download(there.url, lambda piece: None).size == 2


@pytest.mark.timing
def test_a_download_that_is_too_slow_times_out(new_http, site):
    done = threading.Event()
    there = site(drip(done, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"))

    with pytest.raises(RequestTimeoutError):
        new_http(file_grace=0.2).download(there.url, lambda piece: None)

    done.set()


@pytest.mark.timing
def test_a_download_that_makes_progress_outlasts_its_first_deadline(new_http, site, monkeypatch):
    """Each piece moves the deadline on: here the second half is read long after the first deadline."""
    there = site(lambda handler: reply(handler, bytes(2**19)))
    received = []

    class ClockThatJumps(Waits):
        """A stop that is looked at between two pieces, and the clock of the client."""

        has_jumped = False

        def is_set(self):
            self.has_jumped = sum(received) >= 2**18
            return False

        def monotonic(self):
            return time.monotonic() + 100 * self.has_jumped

    clock = ClockThatJumps()
    monkeypatch.setattr(deadline, "time", clock)
    http = new_http(stop=clock, file_grace=60)

    assert http.download(there.url, lambda piece: received.append(len(piece))).size == 2**19


# The proxy


def test_requests_go_through_the_proxy_which_resolves_the_names(new_http, site):
    proxy = site(lambda handler: reply(handler, b'"by proxy"'))
    http = new_http(proxy=proxy.url, rule=AddressRule(()))

    assert http.get_json("http://dspace.intranet/rest") == "by proxy"
    assert proxy.requests[0][0] == "http://dspace.intranet/rest"


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Hand on what comes, until one of the two hangs up: then both end."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def connect_to(port: int):
    """What a proxy does with CONNECT, whatever the name: a tunnel to a loopback port."""

    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        with socket.create_connection(("127.0.0.1", port)) as target:
            back = threading.Thread(target=pump, args=(target, handler.connection))
            back.start()
            pump(handler.connection, target)
            back.join()
        hang_up(handler)

    return answer


@pytest.mark.timing
def test_https_goes_through_a_tunnel_of_the_proxy_and_is_checked_end_to_end(new_http, site):
    there, url = secure(site)
    proxy = site(connect_to(there.port))
    http = new_http(proxy=proxy.url, rule=AddressRule(()), ca_bundle=str(CERTIFICATE), connect_timeout=60)

    assert http.get_json(url) == []
    with pytest.raises(CertificateError, match="Hostname mismatch"):
        http.get_json("https://dspace.example.org/")

    assert [path for path, _ in proxy.requests] == [f"localhost:{there.port}", "dspace.example.org:443"]
    http.close()


@pytest.mark.parametrize("host", ["10.0.0.1", "2130706433", "[::1]"])
def test_literal_addresses_are_checked_even_with_a_proxy(new_http, site, host):
    proxy = site(lambda handler: reply(handler, b"1"))
    http = new_http(proxy=proxy.url, rule=AddressRule(()))

    with pytest.raises(AddressNotAllowedError):
        http.get_json(f"http://{host}/rest")

    assert proxy.requests == []


def test_a_proxy_that_is_not_there_is_named_by_its_setting(new_http):
    with pytest.raises(UnreachableError, match=r"CONNECTOR_PROXY .* dspace\.example\.org"):
        new_http(proxy=f"http://user:pw@127.0.0.1:{free_port()}").get_json(URL, tries=1)


# The pace


class PaceNotes(ConcurrencyLimit):
    """A pace that also writes down what it is told."""

    def __init__(self, folder):
        super().__init__(folder, "repository")
        self.notes = []

    def record_success(self, seconds, kind):
        self.notes.append(kind)
        super().record_success(seconds, kind)

    def record_failure(self, turn):
        self.notes.append("trouble")
        super().record_failure(turn)


@pytest.fixture
def pace_notes(tmp_path):
    return PaceNotes(tmp_path)


@pytest.fixture
def http_with_notes(pace_notes, stop):
    http = HttpClient(HttpSettings("agent", LOOPBACK), pace_notes, OutageWait(stop=stop))
    yield http
    http.close()


def test_the_concurrency_limit_counts_good_responses_by_kind_and_failures(http_with_notes, pace_notes, remote):
    remote.get(URL, status=429)
    remote.get(URL, status=500)
    remote.get(URL, json=[])
    remote.get(URL, status=404)
    remote.get(URL, body="<html>")
    remote.get(URL, body="a file")
    remote.get(URL, status=302, headers={"Location": "/x"})

    http_with_notes.get_json(URL, kind="page")
    with pytest.raises(NotFoundError):
        http_with_notes.get_json(URL)
    with pytest.raises(BadResponseError):
        http_with_notes.get_json(URL, tries=1)
    http_with_notes.download(URL, lambda piece: None)
    http_with_notes.locate(URL)

    assert pace_notes.notes == ["trouble", "trouble", "page", "file", "locate"]


def widen(pace: ConcurrencyLimit) -> None:
    """The good answers after which a pace lets four requests go at once."""
    for _ in range(9):
        pace.record_success(0.01, "first")


def test_the_client_reports_the_current_concurrency(http, pace, remote):
    widen(pace)
    before = http.width
    remote.get(URL, status=503)
    with pytest.raises(ServerError):
        http.get_json(URL, tries=1)

    assert (before, http.width) == (4, 2)


@pytest.mark.timing
def test_a_timeout_counts_as_a_failure_for_the_concurrency_limit(pace_notes, site):
    done = threading.Event()
    there = site(lambda handler: done.wait(60))

    with pytest.raises(RequestTimeoutError):
        HttpClient(HttpSettings("agent", LOOPBACK, read_timeout=0.05), pace_notes).get_json(there.url, tries=1)

    done.set()
    assert pace_notes.notes == ["trouble"]


@pytest.mark.timing
def test_a_slot_is_taken_during_a_request_and_not_during_a_wait(tmp_path, site):
    seen = []

    def look(when: str):
        try:
            with ConcurrencyLimit(tmp_path, "one", most=1).slot(StopAfterOneLook()):
                seen.append((when, "free"))
        except JobStoppedError:
            seen.append((when, "taken"))

    class LookWhileWaiting(Waits):
        def wait(self, timeout=None):
            look("waiting")
            return super().wait(timeout)

    def answer(handler):
        look("asking")
        reply(handler, b"[]", 500 if len(seen) == 1 else 200)

    http = HttpClient(
        HttpSettings("agent", LOOPBACK), ConcurrencyLimit(tmp_path, "one", most=1), OutageWait(stop=LookWhileWaiting())
    )
    http.get_json(site(answer).url)
    http.close()

    assert seen == [("asking", "taken"), ("waiting", "free"), ("asking", "taken")]


@pytest.mark.timing
def test_four_threads_may_share_a_client(http, pace, site):
    widen(pace)
    meeting = threading.Barrier(4, timeout=60)

    def answer(handler):
        meeting.wait()
        reply(handler, handler.path[1:].encode())

    there = site(answer)
    answers = {}

    def ask(number):
        answers[number] = http.get_json(f"{there.url}/{number}")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {1: 1, 2: 2, 3: 3, 4: 4}
    assert http.requests_made == 4
