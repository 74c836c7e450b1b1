"""Responses made to harm: each raises an error, and the process stays small."""

import gzip
import json
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings, strategies as st

from connector.errors import BadResponseError
from connector.http.json_limits import decode, parse, weight
from connector.http.response_reader import parse_json
from tests import processes

from .sites import hang_up, reply

MOST_MEMORY = 220  # MB
SIZE = 30 * 2**20  # below the limit in bytes, so that the weight decides


def endless(handler):
    """Chunks without end, until nobody listens."""
    hang_up(handler)
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"100000\r\n" + b" " * 2**20 + b"\r\n"
    try:
        while True:
            handler.wfile.write(chunk)
    except OSError:
        return


def drip(handler):
    """A byte now and then, never so late that a read would time out, for ever."""
    hang_up(handler)
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    try:
        while True:
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.01)
    except OSError:
        return


def says(body: bytes, **headers: str):
    return lambda handler: reply(handler, body, **headers)


HOSTILE = {
    "endless chunks": (endless, "TooLargeError"),
    "a slow drip": (drip, "RequestTimeoutError"),
    "a packed bomb": (lambda: says(gzip.compress(bytes(2**30), 1), Content_Encoding="gzip"), "TooLargeError"),
    "a million keys": (lambda: says(json.dumps({f"key {n}": n for n in range(10**6)}).encode()), "TooLargeError"),
    "lists in a list": (lambda: says(b"[" + b"[]," * (SIZE // 3) + b"[]]"), "TooLargeError"),
    "one text with a wide sign": (lambda: says(b'"' + "😀".encode() + b"a" * SIZE + b'"'), "TooLargeError"),
    "the same, escaped": (lambda: says(b'"\\ud83d\\ude00' + b"a" * SIZE + b'"'), "TooLargeError"),
    "one plain text": (lambda: says(b'"' + b"a" * SIZE + b'"'), "read"),
    "10,000 levels": (lambda: says(b'{"a":' * 10_000 + b"1" + b"}" * 10_000), "DamagedResponseError"),
    "a number of a million digits": (lambda: says(b"9" * 10**6), "BadResponseError"),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.timing] * (answer in (endless, drip)))
        for name, (answer, _) in HOSTILE.items()
    ],
)
def test_no_hostile_answer_ends_the_process(name, site, tmp_path):
    answer, told = HOSTILE[name]
    there = site(answer if answer in (endless, drip) else answer())

    deadline = "2" if answer is drip else "120"
    reader = processes.start("tests.http.measured_reader", there.url, str(tmp_path), deadline)
    out, err = reader.communicate()

    assert reader.returncode == 0, err
    found, megabytes = json.loads(out)
    assert found == told
    assert megabytes < MOST_MEMORY - 20, "the whole app takes a little more than its client"


def test_the_weight_of_a_response_counts_its_text_twice_and_each_value():
    assert weight(b'"abcd"') == 2 * 6
    assert weight('"é"'.encode()) == 2 * 4
    assert weight('"ā"'.encode()) == 2 * 2 * 4
    assert weight('"😀"'.encode()) == 2 * 4 * 6
    assert weight(b'"\\ud83d"') == 2 * 4 * 8
    assert weight(b'"\\u0101"') == 2 * 2 * 8
    assert weight(b'"\\u00e9"') == 2 * 8
    assert weight(b'[1,{"a":2}]') == 2 * 11 + 3 * 200


class Answer:
    """A response with this body."""

    status_code, url, headers = 200, "https://repository.example/", {}

    def __init__(self, body: bytes):
        self.body = body

    def iter_content(self, most: int) -> Iterator[bytes]:
        yield self.body


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=()), max_size=8)
documents = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(documents, st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_json_is_read_as_the_standard_library_reads_it(value, is_ascii):
    text = json.dumps(value, ensure_ascii=is_ascii)
    body = text.encode("utf-8", "surrogatepass")

    found, size = parse_json(Answer(body), 10**6)

    assert (repr(found), size) == (repr(json.loads(text)), len(body))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"\xef\xbb\xbf[1]", [1]),
        (b'{"a": 1, "b": 2, "a": 3}', {"a": 3, "b": 2}),
        (b"[18446744073709551616, -9223372036854775809]", [2**64, -(2**63) - 1]),
        (b"[-0, -0.0, 5.0, 1E5, 0e999, 1e-400]", [0, -0.0, 5.0, 1e5, 0.0, 0.0]),
        (b"[1e999, -1e999]", ["1e999", "-1e999"]),
        (b'["\\ud800", "\xed\xa0\x80", "\\ud83d\\ude00", "\\u0000"]', ["\ud800", "\ud800", "\U0001f600", "\0"]),
    ],
)
def test_unusual_json_is_read_unchanged(body, value):
    assert repr(parse_json(Answer(body), 10**6)[0]) == repr(value)


@pytest.mark.parametrize(
    "body",
    [
        b"[NaN]",
        b"-Infinity",
        b'"a\tb"',
        b'"\xff"',
        b'"\xc0\x80"',
        b"[1,]",
        b"[1] 2",
        b"01",
        b"1.",
        b"{1: 2}",
        b"[1]\0",
        b"9" * 5000,
    ],
)
def test_a_body_that_is_no_json_is_refused(body):
    with pytest.raises(BadResponseError):
        parse_json(Answer(body), 10**6)


def test_only_strict_json_is_parsed():
    assert parse('{"a": [1, null, "x", 1.5e3]}') == {"a": [1, None, "x", 1500.0]}
    assert parse("[1e999, -1e999]") == ["1e999", "-1e999"]
    with pytest.raises(ValueError, match="NaN"):
        parse("[NaN]")
    with pytest.raises(ValueError, match="deeply"):
        parse("[" * 100_000)


def test_a_mark_at_the_start_is_no_part_of_the_text():
    assert decode("\ufeff[]".encode()) == "[]"
