"""Texts for pages and spreadsheets."""

import pytest
from markupsafe import Markup

from connector.characters import storable
from connector.text import clean_html, csv_safe, human_size, natural_key


def test_a_plain_text_can_be_stored():
    assert storable("nul\x00 half\ud83d 😀\x0b") == "nul\ufffd half\ufffd 😀\x0b"
    assert (storable(""), storable(None)) == ("", None)


def test_numbers_in_texts_are_sorted_as_numbers():
    ordered = ["", "2", "10", "no. 1", "no. 2", "no. 02 b", "no. 10", "no. 10, part 9", "no. 10, part 11", "nr"]

    assert sorted(sorted(ordered), key=natural_key) == ordered
    assert natural_key("9" * 5000) > natural_key("8" * 5000)  # longer than `int` accepts


def test_the_tags_a_description_needs_stay():
    html = '<h3>News</h3><ul><li>one <b>bold</b></li></ul><p dir="rtl" lang="ar">x<br>y</p>'

    assert clean_html(html) == html
    assert isinstance(clean_html(html), Markup)


@pytest.mark.parametrize(
    ("html", "cleaned"),
    [
        ("<script>alert(1)</script>a", "a"),
        ("<style>p {}</style><p style='color:red' class=x id=y onclick=z>a</p>", "<p>a</p>"),
        ("a<img src=x onerror=alert(1)>b", "ab"),
        ("<h1>Top</h1><form action=/x><input name=y></form><iframe src=x></iframe>", "Top"),
        ("<a href='javascript:alert(1)'>a</a>", '<a rel="noopener">a</a>'),
        ("<a href='data:text/html,x'>a</a>", '<a rel="noopener">a</a>'),
        ("<a href='/admin'>a</a>", '<a rel="noopener">a</a>'),
        ("<a href='//example.org'>a</a>", '<a rel="noopener">a</a>'),
        (
            "<a href='https://example.org' target=_blank rel=opener>a</a>",
            '<a href="https://example.org" rel="noopener">a</a>',
        ),
        ("a < b & c", "a &lt; b &amp; c"),
        ("<p>open", "<p>open</p>"),
        ("<!-- x -->", ""),
        ("", ""),
    ],
)
def test_only_harmless_html_is_kept(html, cleaned):
    assert clean_html(html) == cleaned


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (12, "12 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1_449_999, "1.4 MB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (5_000_000_000, "5.0 GB"),
        (1_234_500_000_000_000, "1,234.5 TB"),
    ],
)
def test_sizes_are_shown_in_readable_units(size, text):
    assert human_size(size) == text


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\nx",
        "  =1",
        " \t =1",
        "\u00a0=1",
        "\ufeff=1",
        "\x00=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
        "\ufe62",
    ],
)
def test_a_text_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert csv_safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", " ", "a=b", "1-2", "'=1", "text\t=1", "日本"])
def test_other_texts_stay_unchanged(text):
    assert csv_safe(text) == text
