"""Checks whether a DSpace answers over OAI-PMH at one address."""

from __future__ import annotations

from dataclasses import replace

from ..characters import storable
from ..errors import BotChallengeError, TooLargeError, TransientError
from ..http import HttpClient
from .endpoint_candidates import Candidate
from .oai_api import OaiApi
from .oai_xml import Record
from .records import Scope, ScopeKind, Server
from .urls import is_usable_ui, is_uuid

_TRIES = 2
_OLDER, _NEWER = 6, 7
_NEWER_ENDPOINT = "server/oai/request"


def oai_server(http: HttpClient, candidate: Candidate) -> Server:
    """Return the DSpace that answers over OAI-PMH at this address, from its name and its first records.

    Raise MissingFormatError if it has neither `xoai` nor `dim` records: other repositories speak OAI-PMH, too.
    """
    generation = _NEWER if candidate.endpoint == _NEWER_ENDPOINT else _OLDER
    server = Server(candidate.site, candidate.base, generation, "", speaks_oai=True)
    api = OaiApi(http, server)
    name = api.identify(tries=_TRIES, repeats_pages=False)
    api.choose_format(tries=_TRIES, repeats_pages=False)
    try:
        records = api.records(Scope(ScopeKind.REPOSITORY), tries=_TRIES).rows
    except BotChallengeError:
        raise
    except (TransientError, TooLargeError):  # one of these records may be at fault
        records = ()
    ui_url = next((record.site_url for record in records if record.site_url), "").rstrip("/")
    return replace(
        server,
        name=storable(name) or None,
        generation=_NEWER if any(map(_is_newer, records)) else generation,
        ui_url=ui_url if is_usable_ui(ui_url, server.site_url) else None,
    )


def _is_newer(record: Record) -> bool:
    """Return whether a record is one of DSpace 7 or later, which name files by uuid."""
    return any(is_uuid(file.id) for file in record.bitstreams or ())
