"""Responses made to harm: each raises an error, and the process stays small."""

import gzip
import json
import time

import pytest

from connector.http.json_limits import decode, parse, weight
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


def test_only_strict_json_is_parsed():
    assert parse('{"a": [1, null, "x", 1.5e3]}') == {"a": [1, None, "x", 1500.0]}
    assert parse("[1e999, -1e999]") == ["1e999", "-1e999"]
    with pytest.raises(ValueError, match="NaN"):
        parse("[NaN]")
    with pytest.raises(ValueError, match="deeply"):
        parse("[" * 100_000)


def test_a_mark_at_the_start_is_no_part_of_the_text():
    assert decode("\ufeff[]".encode()) == "[]"
