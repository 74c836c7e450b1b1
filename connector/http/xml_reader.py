"""Reads the XML of a response as a stream: element by element, within a size limit, without entities and network."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import requests
from lxml import etree

from ..errors import BadResponseError, DamagedResponseError
from ..i18n import gettext as _
from .network_errors import host_of
from .response_reader import pieces, raise_bot_challenge, unreadable

_START = 1024


def elements(
    answer: requests.Response, limit: int, root: str, tags: Collection[str], received: Callable[[int], object]
) -> Iterator[etree._Element]:
    """Yield each element with one of these tags when it is complete. It is emptied before the next one is read.

    `received` is called with the number of bytes of each piece.

    Raise TooLargeError if the body is larger than `limit` bytes, BotChallengeError for a bot challenge, and
    BadResponseError if the body is not XML with this root element. A document type is refused, because its entities
    could hide text, or fill the memory. Comments and processing instructions are left out, so elements contain only
    text and elements.
    """
    parser = etree.XMLPullParser(
        ("end",),
        tag=list(tags),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    start = b""
    try:
        for piece in pieces(answer, limit):
            if not start:
                start = piece[:_START]
                raise_bot_challenge(answer, piece)
            received(len(piece))
            parser.feed(piece)
            yield from _complete(parser, answer)
        found = parser.close()
    except etree.XMLSyntaxError as error:
        raise _not_xml(answer, start, error) from error
    if found.tag != root:
        raise _not_xml(answer, start, ValueError(str(found.tag)))


def _complete(parser: etree.XMLPullParser, answer: requests.Response) -> Iterator[etree._Element]:
    for _event, element in parser.read_events():
        if element.getroottree().docinfo.internalDTD is not None:
            raise DamagedResponseError(
                _("The answer of %(host)s has a document type, which is refused.", host=host_of(answer.url)), answer.url
            )
        yield element
        element.clear()
        while (before := element.getprevious()) is not None:
            element.getparent().remove(before)


def _not_xml(answer: requests.Response, start: bytes, error: Exception) -> BadResponseError:
    begin = start.lstrip().lower()
    is_page = b"<html" in begin or begin.startswith(b"<!doctype html")
    return unreadable(answer, start, error, is_page=is_page, is_data=begin.startswith(b"<"))
