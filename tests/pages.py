"""Reads pages as a person does: their words, links and buttons."""

from __future__ import annotations

import html
import re

from werkzeug.test import TestResponse

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}


def words(response: TestResponse) -> str:
    """Return the text of the page, without tags and with single spaces."""
    text = re.sub(r"(?s)<head>.*?</head>|<[^>]*>", " ", response.get_data(as_text=True))
    return " ".join(html.unescape(text).split())


def links(response: TestResponse) -> list[str]:
    """Return the addresses of its links, in order."""
    return [html.unescape(href) for href in re.findall(r'<a [^>]*?href="([^"]*)"', response.get_data(as_text=True))]


def lasting_links(response: TestResponse) -> list[str]:
    """Return its links without those of facets, which combine to countless lists."""
    facets = re.findall(r'<a href="([^"]*)" rel="nofollow"', response.get_data(as_text=True))
    return [link for link in links(response) if link not in map(html.unescape, facets)]


def neighbours(response: TestResponse) -> dict[str, str]:
    """Return the addresses of the neighbouring pages of its list, by the labels of their links or buttons."""
    found = re.findall(
        r'<(?:a|button)[^>]* (?:href|formaction)="([^"]*)"[^>]*>(First|Previous|Next|Last)<',
        response.get_data(as_text=True),
    )
    return {label: html.unescape(address) for address, label in found}


def buttons(response: TestResponse, name: str) -> list[str]:
    """Return the values of its buttons with this name, in order."""
    found = re.findall(rf'<button [^>]*?name="?{name}"? value="([^"]*)"', response.get_data(as_text=True))
    return [html.unescape(value) for value in found]


def hidden_fields(response: TestResponse) -> dict[str, str]:
    """Return the hidden fields of its forms, without the token."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', response.get_data(as_text=True))
    return {name: html.unescape(value) for name, value in found if name != "csrf_token"}


def ways(response: TestResponse) -> list[str]:
    """Return the form addresses that its buttons name, in order."""
    found = re.findall(r'<button [^>]*?formaction="([^"]*)"', response.get_data(as_text=True))
    return [html.unescape(address) for address in found]
