"""Reading XML as a stream, and every answer that is no such XML."""

from __future__ import annotations

import ipaddress
import resource
from functools import partial

import pytest

from connector.errors import BadResponseError, BotChallengeError, DamagedResponseError, TooLargeError
from connector.http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings, OutageWait

from .sites import hang_up, reply

ROOT = "{urn:x}list"
GIGABYTE = 2**30
BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
BOMB = f'<!DOCTYPE list [<!ENTITY e0 "ha">{BOMB}]><list xmlns="urn:x"><row>&e11;</row></list>'
FILE = '<!DOCTYPE list [<!ENTITY e SYSTEM "file:///etc/passwd">]><list xmlns="urn:x"><row>&e;</row></list>'


@pytest.fixture
def http(tmp_path):
    rule = AddressRule((ipaddress.ip_network("127.0.0.0/8"),))
    settings = HttpSettings("DSpaceConnector/test", rule, json_bytes=4 * 2**20)
    client = HttpClient(settings, ConcurrencyLimit(tmp_path, "test"), OutageWait(0))
    yield client
    client.close()


def texts(http, url):
    return http.read_xml(url, None, lambda rows: [row.text for row in rows], root=ROOT, tags=["{urn:x}row"])


def test_each_element_is_given_once_in_order(http, site):
    rows = "".join(f"<row>{number}</row>" for number in range(50_000))
    there = site(lambda handler: reply(handler, f'<list xmlns="urn:x">{rows}</list>'.encode()))

    assert texts(http, there.url) == [str(number) for number in range(50_000)]


def test_elements_of_another_namespace_are_not_given(http, site):
    there = site(
        lambda handler: reply(handler, b'<list xmlns="urn:x"><row xmlns="urn:y">no</row><row>yes</row></list>')
    )

    assert texts(http, there.url) == ["yes"]


def test_text_goes_on_after_a_comment_or_an_instruction_in_it(http, site):
    row = b'<row>one <!-- two -->three<?value name="four"?> five <![CDATA[<six>]]></row>'
    there = site(lambda handler: reply(handler, b'<list xmlns="urn:x">' + row + b"</list>"))

    assert texts(http, there.url) == ["one three five <six>"]


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ("<!doctype html><html><p>Maintenance", BadResponseError, "a web page instead of data"),
        ("<html xmlns='http://www.w3.org/1999/xhtml'><p>Hello</p></html>", BadResponseError, "a web page"),
        ("", BadResponseError, "an empty answer"),
        ('{"rows": []}', BadResponseError, "something that is not data"),
        ('<list xmlns="urn:x"><row>1</row><row>2', DamagedResponseError, "damaged or incomplete"),
        ('<list xmlns="urn:x"><row>\x01</row></list>', DamagedResponseError, "damaged or incomplete"),
        ('<list xmlns="urn:y"><row/></list>', DamagedResponseError, "damaged or incomplete"),
        (BOMB, DamagedResponseError, "127.0.0.1"),
        (FILE, DamagedResponseError, "a document type"),
        ("<html><title>Just a moment...</title></html>", BotChallengeError, "protection against robots"),
    ],
    ids=["page", "xhtml", "empty", "json", "cut", "control", "other root", "bomb", "file", "challenge"],
)
def test_what_is_not_such_xml_is_an_error_with_a_sentence(http, site, body, error, words):
    there = site(lambda handler: reply(handler, body.encode()))

    with pytest.raises(error, match=words):
        texts(http, there.url)


def endless(handler, start: bytes, piece: bytes):
    """Send a gigabyte, or until nobody listens."""
    hang_up(handler)
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * GIGABYTE) + start)
    try:
        for _ in range(GIGABYTE // len(piece)):
            handler.wfile.write(piece)
    except OSError:
        return


def endless_chunked(handler, start: bytes, piece: bytes):
    hang_up(handler)
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(start), start))
    try:
        for _ in range(GIGABYTE // len(piece)):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    except OSError:
        return


@pytest.mark.parametrize(
    ("start", "piece", "error"),
    [
        (b'<list xmlns="urn:x"><row>', b"a" * 2**20, TooLargeError),
        (b'<list xmlns="urn:x">', b"<row>abcdefgh</row>" * 50_000, TooLargeError),
        (b'<list xmlns="urn:x">', b"<a>" * 300_000, DamagedResponseError),
    ],
    ids=["one element", "many elements", "many levels"],
)
def test_an_answer_without_end_is_refused_in_little_memory(http, site, start, piece, error):
    there = site(partial(endless_chunked, start=start, piece=piece))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(error):
        http.read_xml(there.url, None, lambda rows: sum(1 for _ in rows), root=ROOT, tags=["{urn:x}row"])

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KB; the answer is a gigabyte


def test_an_answer_that_announces_too_much_is_refused_before_it_is_read(http, site):
    there = site(partial(endless, start=b"", piece=b" " * 2**20))

    with pytest.raises(TooLargeError):
        texts(http, there.url)
