"""Facts are read from the start of any web page, at a cost in proportion to its length."""

import pytest

from connector.dspace.html_page import dspace_version, parse
from tests.growth import cost_grows_faster_than_input


@pytest.mark.parametrize(
    ("page", "version"),
    [
        (b'<head><meta name="Generator" content="DSpace 3.2" /></head>', "3.2"),
        (b"<!DOCTYPE html><html><head><META CONTENT='DSpace 6.3' NAME=Generator>", "6.3"),
        (b'<meta content="a > b"><meta name="Generator" content="DSpace 5.10">', "5.10"),
        (b'<!-- <meta name="Generator" content="DSpace 5.10"> --><p>', None),
        (b'<meta name="Generator" content="DSpace">', None),
        (b'<meta name="Generator" content="DSpace 6', None),
        (b"", None),
        (b" \n", None),
        (b"\xff\xfe<", None),
        (b'{"a": 1}', None),
    ],
)
def test_the_version_in_a_page_of_dspace_is_found(page, version):
    assert dspace_version(page) == version


@pytest.mark.parametrize(
    "repeated",
    [b"<meta ", b"<!--", b"<a b='", b'<a href="', b"<a b b ", b"<a<", b"</", b"<?", b"<![CDATA[", b"<div>", b"<b><i>"],
)
def test_no_page_takes_more_time_than_its_length_explains(repeated):
    assert not cost_grows_faster_than_input(lambda size: parse(repeated * (size // len(repeated))), 2**16)
