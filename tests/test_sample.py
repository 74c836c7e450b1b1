"""The sample repository, compared with recorded answers of real DSpace servers: members, envelopes and refusals."""

from __future__ import annotations

import http.client
import json
import re
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tests.sample import Costs, Repository, SampleRepository, grow, library
from tests.sample.answers import Request

PAYLOADS = Path(__file__).parent / "payloads" / "sample"
NOBODY = "00000000-0000-0000-0000-000000000001"


class Reply:
    """An answer read to its end."""

    def __init__(self, answer: http.client.HTTPResponse):
        self.status, self.headers, self.content = answer.status, answer.headers, answer.read()

    @property
    def body(self) -> Any:
        return json.loads(self.content)


@contextmanager
def connected(url: str) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)) as connection:
        yield connection


def ask(
    sample: SampleRepository, path: str, accept: str = "application/json", method: str = "GET", **headers: str
) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with connected(sample.url) as connection:
        connection.request(method, quote(path, safe="/?&=:,*%+"), headers={"Accept": accept} | named)
        return Reply(connection.getresponse())


def names(value: Any) -> Any:
    """The names of all members, in order, of the first entry of each list; a metadata map by one of its values."""
    if isinstance(value, list):
        return [names(value[0])] if value else []
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("metadata"), dict):
        value = value | {"metadata": next(iter(value["metadata"].values()), [])}
    return [(name, names(member)) for name, member in value.items()]


def filled(sample: SampleRepository, path: str) -> str:
    """`<Name>` stands for the id of the thing of that name; with `/bundle` or `/file` for that of its first one."""

    def ident(found: re.Match[str]) -> str:
        name, _, part = found.group(1).partition("/")
        thing = sample.data.named(name)
        if part:
            thing = thing.bundles[0] if part == "bundle" else thing.bitstreams[0]
        return str(thing.number if sample.generation < 6 else thing.uuid)

    return re.sub(r"<([^>]+)>", ident, path)


def recorded(generation: int, name: str) -> dict[str, Any]:
    return json.loads((PAYLOADS / f"dspace{generation}.json").read_text())[name]


def assert_as_recorded(sample: SampleRepository, name: str, path: str) -> None:
    real = recorded(sample.generation, name)
    reply = ask(sample, filled(sample, path))
    assert (reply.status, reply.headers["Content-Type"]) == (real["status"], real["type"])
    assert names(reply.body) == names(real["body"])


@pytest.fixture(scope="module")
def dspace9() -> Iterator[SampleRepository]:
    with SampleRepository(9) as sample:
        yield sample


@pytest.fixture(scope="module")
def dspace6() -> Iterator[SampleRepository]:
    with SampleRepository(6) as sample:
        yield sample


@pytest.fixture(scope="module")
def dspace4() -> Iterator[SampleRepository]:
    with SampleRepository(4) as sample:
        yield sample


SEARCH = "/server/api/discover/search/objects?dsoType="
CORE = "/server/api/core"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("discover-special-p0", SEARCH + "item&scope=<Odd metadata>&sort=dc.date.accessioned,asc"),
        ("discover-empty-p0", SEARCH + "item&scope=<Empty shelf>&sort=dc.date.accessioned,asc"),
        (
            "discover-special-embedsize",
            SEARCH + "item&query=search.resourceid:<Thirty-five files>&embed=bundles/bitstreams/format"
            "&embed.size=bundles=50&embed.size=bundles/bitstreams=100",
        ),
        ("discover-collections", SEARCH + "collection&scope=<Newspapers>&embed=parentCommunity,logo"),
        ("collection-theses", CORE + "/collections/<Harbour photographs>?embed=logo,parentCommunity,license"),
        ("collection-special", CORE + "/collections/<Empty shelf>?embed=logo,parentCommunity,license"),
        ("community-A", CORE + "/communities/<Local history>"),
        ("communities-top-size2-p0", CORE + "/communities/search/top?page=0&size=2"),
        ("collections-p1", CORE + "/collections?page=1&size=5"),
        ("community-A1-subcommunities-p0", CORE + "/communities/<Local history>/subcommunities?page=0"),
        ("item-big", CORE + "/items/<Thirty-five files>"),
        ("item-withdrawn", CORE + "/items/<Withdrawn item>"),
        ("item-many-embed", CORE + "/items/<Thirty-five files>?embed=bundles/bitstreams/format"),
        ("item-bundles-embed-p0", CORE + "/items/<Many bundles>/bundles?embed=bitstreams/format&page=0"),
        ("item-closedbundle-bundles", CORE + "/items/<Closed bundle>/bundles"),
        ("item-nofile-bundles", CORE + "/items/<No file>/bundles"),
        ("item-owningCollection", CORE + "/items/<No file>/owningCollection"),
        ("item-mappedCollections", CORE + "/items/<Mapped into Odd metadata>/mappedCollections"),
        ("bundle-many-bitstreams-p1", CORE + "/bundles/<Thirty-five files/bundle>/bitstreams?page=1"),
        ("bitstream-zero_bits", CORE + "/bitstreams/<Empty file/file>"),
        ("bitstream-format", CORE + "/bitstreams/<Empty file/file>/format"),
        ("err-items-unknown", CORE + f"/items/{NOBODY}"),
        ("err-items-malformed", CORE + "/items/not-a-uuid"),
        ("err-bitstreams-unknown", CORE + f"/bitstreams/{NOBODY}"),
        ("err-bitstreams-malformed", CORE + "/bitstreams/not-a-uuid"),
        ("err-content-unknown", CORE + f"/bitstreams/{NOBODY}/content"),
        ("err-endpoint-unknown", CORE + "/nonsense"),
        ("err-projection", CORE + "/items/<No file>?projection=allLanguages"),
        ("discover-badsort", SEARCH + "item&sort=lastModified,asc"),
        ("discover-baddso", SEARCH + "nonsense"),
        ("discover-badquery", SEARCH + "item&query=a AND ("),
        ("content-embargo_bits", CORE + "/bitstreams/<Restricted item/file>/content"),
        ("item-restricted", CORE + "/items/<Restricted item>"),
        ("item-restricted", CORE + "/collections/<Closed stacks>"),
        ("items-list-anonymous", CORE + "/items"),
    ],
)
def test_dspace_9_answers_as_a_real_one(dspace9: SampleRepository, name: str, path: str) -> None:
    assert_as_recorded(dspace9, name, path)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("status", "/rest/status"),
        ("top-communities", "/rest/communities/top-communities"),
        ("community-nested", "/rest/communities/<Local history>"),
        ("community-nested-sub-collections", "/rest/communities/<Local history>?expand=subCommunities,collections"),
        ("collection-odd", "/rest/collections/<Odd metadata>"),
        ("collection-odd-all", "/rest/collections/<Odd metadata>?expand=all"),
        (
            "collection-special-items-meta-bits-l100-o0",
            "/rest/collections/<Special files>/items?expand=metadata,bitstreams&limit=100&offset=1",
        ),
        ("item-x02-many35", "/rest/items/<Thirty-five files>"),
        ("item-x02-many35-meta-bits", "/rest/items/<Thirty-five files>?expand=metadata,bitstreams"),
        ("item-x11-mapped-all", "/rest/items/<Empty file>?expand=all"),
        ("item-o01-authors-metadata", "/rest/items/<No file>/metadata"),
        ("bitstream-00-x03-zero", "/rest/bitstreams/<Empty file/file>?expand=all"),
        ("bitstream-00-x03-zero-policy", "/rest/bitstreams/<Empty file/file>/policy"),
        ("hierarchy", "/rest/hierarchy"),
        ("error-items-unknown", f"/rest/items/{NOBODY}"),
        ("error-items-malformed", "/rest/items/nonsense"),
        ("error-limit-text", "/rest/items?limit=abc"),
        ("error-path", "/rest/nonexistent"),
        ("root-json", "/rest/"),
        ("handle-unknown", "/rest/handle/1/2"),
        ("item-x09-withdrawn", "/rest/items/<Withdrawn item>"),
        ("bitstream-embargoed.txt", "/rest/bitstreams/<Restricted item/file>"),
        ("collection-s23", "/rest/collections/<Closed stacks>"),
    ],
)
def test_dspace_6_answers_as_a_real_one(dspace6: SampleRepository, name: str, path: str) -> None:
    assert_as_recorded(dspace6, name, path)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("communities", "/rest/communities"),
        ("community-nested-sub-collections", "/rest/communities/<Local history>?expand=subCommunities,collections"),
        ("collection-odd", "/rest/collections/<Odd metadata>"),
        ("collection-odd-all", "/rest/collections/<Odd metadata>?expand=all"),
        (
            "collection-special-expand-items-l100-o0",
            "/rest/collections/<Special files>?expand=items&limit=100&offset=0",
        ),
        ("item-x02-many35", "/rest/items/<Thirty-five files>"),
        ("item-x02-many35-meta-bits", "/rest/items/<Thirty-five files>?expand=metadata,bitstreams"),
        ("bitstream-00-x03-zero", "/rest/bitstreams/<Empty file/file>?expand=all"),
        ("error-items-unknown", "/rest/items/99999999"),
        ("error-items-malformed", "/rest/items/nonsense"),
        ("items", "/rest/items"),
        ("status", "/rest/status"),
        ("handle-unknown", "/rest/handle/1/2"),
        ("item-x09-withdrawn", "/rest/items/<Withdrawn item>"),
    ],
)
def test_dspace_4_answers_as_a_real_one(dspace4: SampleRepository, name: str, path: str) -> None:
    assert_as_recorded(dspace4, name, path)


# -- what is not to be read from one recorded answer


def search(sample: SampleRepository, rest: str, **headers: str) -> dict[str, Any]:
    """The `searchResult` of a search for items."""
    reply = ask(sample, filled(sample, f"{SEARCH}item&{rest}"), **headers)
    assert reply.status == 200
    return reply.body["_embedded"]["searchResult"]


def found(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["_embedded"]["indexableObject"] for one in result["_embedded"]["objects"]]


def titles(result: dict[str, Any]) -> list[str | None]:
    return [one["name"] for one in found(result)]


@pytest.fixture
def changeable() -> Iterator[SampleRepository]:
    """A DSpace 9 that a test may change."""
    with SampleRepository(9) as sample:
        yield sample


def test_the_pages_of_a_search_hold_each_item_once(dspace9: SampleRepository) -> None:
    pages = [search(dspace9, f"sort=dc.date.accessioned,asc&size=20&page={number}") for number in range(6)]
    assert [len(found(page)) for page in pages] == [20, 20, 20, 20, 20, 4]
    assert {page["page"]["totalElements"] for page in pages} == {104}
    assert len({one["uuid"] for page in pages for one in found(page)}) == 104


def test_a_search_for_more_than_100_says_that_there_are_100(dspace9: SampleRepository) -> None:
    page = search(dspace9, "size=1000")
    assert len(found(page)) == 100
    assert page["page"] == {"number": 0, "size": 1000, "totalPages": 1, "totalElements": 100}


def test_pages_begin_behind_as_many_rows_as_were_asked_for(dspace9: SampleRepository) -> None:
    assert found(search(dspace9, "size=200&page=1")) == []


@pytest.mark.parametrize("scope", ["abc", NOBODY, "<No file>"])
def test_an_unknown_scope_searches_the_whole_sample(dspace9: SampleRepository, scope: str) -> None:
    assert search(dspace9, f"scope={scope}")["page"]["totalElements"] == 104


def test_a_community_contains_the_items_below_it(dspace9: SampleRepository) -> None:
    assert search(dspace9, "scope=<City Library of Aldermouth>")["page"]["totalElements"] == 12 + 6 + 45


def test_parts_by_the_first_letter_of_the_uuid_sum_to_the_whole(dspace9: SampleRepository) -> None:
    parts = [search(dspace9, f"query=search.resourceid:{letter}*") for letter in "0123456789abcdef"]
    assert sum(part["page"]["totalElements"] for part in parts) == 104


def test_a_page_after_the_end_of_a_list_has_no_entries(dspace9: SampleRepository) -> None:
    assert "_embedded" not in ask(dspace9, f"{CORE}/collections?page=9").body


def test_an_embedded_list_holds_20_unless_a_size_is_given(dspace9: SampleRepository) -> None:
    assert embedded_files(dspace9, "") == 20
    assert embedded_files(dspace9, "&embed.size=bundles/bitstreams=500") == 35


def test_embed_size_has_no_effect_beside_a_projection() -> None:
    with SampleRepository(10) as sample:
        assert embedded_files(sample, "&embed.size=bundles/bitstreams=500&projection=allLanguages") == 20


def embedded_files(sample: SampleRepository, rest: str) -> int:
    path = f"{CORE}/items/<Thirty-five files>?embed=bundles/bitstreams{rest}"
    bundle = ask(sample, filled(sample, path)).body["_embedded"]["bundles"]["_embedded"]["bundles"][0]
    return len(bundle["_embedded"]["bitstreams"]["_embedded"]["bitstreams"])


def test_dspace_10_hides_values_in_other_languages_unless_all_are_asked_for() -> None:
    with SampleRepository(10) as sample:
        path = filled(sample, f"{CORE}/items/<Titles in many languages>")
        assert values(sample, path, "dc.title") == ["Titles in many languages"]
        assert values(sample, path, "dc.subject", accept_language="fr") == ["mer"]
        assert len(values(sample, f"{path}?projection=allLanguages", "dc.title")) == 7


def values(sample: SampleRepository, path: str, field: str, **headers: str) -> list[str]:
    return [value["value"] for value in ask(sample, path, **headers).body["metadata"][field]]


def test_dspace_7_writes_dates_with_an_offset_and_refuses_unknown_projections_otherwise() -> None:
    with SampleRepository(7) as sample:
        path = filled(sample, f"{CORE}/items/<No file>")
        assert re.fullmatch(r"2025-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", ask(sample, path).body["lastModified"])
        assert ask(sample, f"{path}?projection=allLanguages").status == 400


@pytest.mark.parametrize(("generation", "version"), [(7, "DSpace 7.6"), (9, "DSpace 9.3"), (10, "DSpace 10.0")])
def test_the_root_tells_the_version_and_the_address_for_people(generation: int, version: str) -> None:
    with SampleRepository(generation) as sample:
        root = ask(sample, "/server/api").body
        assert (root["dspaceVersion"], root["dspaceUI"]) == (version, sample.url)
        assert "internal.invalid" in root["dspaceServer"]
        assert ask(sample, "/server/api/").status == 404
        assert ask(sample, "/rest/status").headers["Content-Type"].startswith("text/html")


def test_a_file_comes_with_length_name_and_checksum(dspace9: SampleRepository) -> None:
    file = dspace9.data.named("Strange file names").bitstreams[3]
    reply = ask(dspace9, f"{CORE}/bitstreams/{file.uuid}/content")
    assert reply.content == file.content
    assert reply.headers["ETag"] == f'"{file.checksum}"'
    assert reply.headers["Content-Length"] == str(len(file.content))
    assert reply.headers["Content-Disposition"] == (
        'attachment; filename="unicode  .txt"; '
        "filename*=UTF-8''%C3%BCn%C3%AFcode%20%E6%97%A5%E6%9C%AC%E8%AA%9E%20%D8%B9%D8%B1%D8%A8%D9%8A.txt"
    )


def test_the_sample_sends_parts_of_files_and_not_modified(dspace9: SampleRepository) -> None:
    file = dspace9.data.named("Thirty-five files").bitstreams[0]
    path = f"{CORE}/bitstreams/{file.uuid}/content"
    part = ask(dspace9, path, range="bytes=2-")
    assert (part.status, part.content, part.headers["Content-Range"]) == (206, file.content[2:], "bytes 2-6/7")
    assert ask(dspace9, path, if_none_match=f'"{file.checksum}"').status == 304
    beyond = ask(dspace9, path, range="bytes=99-")
    assert (beyond.status, beyond.content) == (416, file.content)


def test_an_embargoed_file_is_described_and_not_given_on_9_and_unseen_on_6(
    dspace9: SampleRepository, dspace6: SampleRepository
) -> None:
    closed = dspace9.data.named("Embargoed file beside an open one").bitstreams[1]
    assert ask(dspace9, f"{CORE}/bitstreams/{closed.uuid}").body["checkSum"]["value"] == closed.checksum
    assert ask(dspace9, f"{CORE}/bitstreams/{closed.uuid}/content").status == 401
    item = ask(dspace6, filled(dspace6, "/rest/items/<Embargoed file beside an open one>?expand=bitstreams")).body
    assert [file["name"] for file in item["bitstreams"]] == ["open.txt"]


def test_the_sample_redirects_handles_to_an_unreachable_address(dspace9: SampleRepository) -> None:
    handle = dspace9.data.named("No file").handle
    reply = ask(dspace9, f"/server/api/pid/find?id={handle}")
    assert (reply.status, urlsplit(reply.headers["Location"]).hostname) == (302, "internal.invalid")
    assert ask(dspace9, f"/server/api/pid/find?id={dspace9.data.named('Restricted item').handle}").status == 500
    assert ask(dspace9, "/server/api/pid/find?id=1/2").status == 404


def test_the_handle_page_shows_script_as_text(dspace9: SampleRepository) -> None:
    page = ask(dspace9, f"/handle/{dspace9.data.named('<script>alert(1)</script>').handle}", accept="text/html")
    assert page.status == 200
    assert b"&lt;script&gt;" in page.content
    assert b"<script>" not in page.content


# -- 4 to 6


def test_the_sample_counts_items_that_are_not_visible(dspace6: SampleRepository, dspace4: SampleRepository) -> None:
    for sample, visible in ((dspace6, 11), (dspace4, 12)):  # 4 shows the private one
        collection = ask(sample, filled(sample, "/rest/collections/<Special files>?expand=items")).body
        assert (collection["numberItems"], len(collection["items"])) == (13, visible)


def test_the_sample_shortens_pages_by_items_that_are_not_visible(dspace6: SampleRepository) -> None:
    base = filled(dspace6, "/rest/collections/<Special files>/items?limit=3&offset=")
    assert [len(ask(dspace6, f"{base}{offset}").body) for offset in range(0, 15, 3)] == [3, 3, 3, 1, 1]


def test_the_sample_lists_items_of_a_restricted_collection_only_among_all_items(dspace6: SampleRepository) -> None:
    listed = {one["name"] for one in ask(dspace6, "/rest/items?limit=1000").body}
    assert "Readable, in a collection that is not" in listed
    assert "Closed stacks" not in {one["name"] for one in ask(dspace6, "/rest/collections").body}


@pytest.mark.parametrize("generation", [5, 6])
def test_unordered_paging_loses_rows_and_the_count_does_not_show_it(generation: int) -> None:
    with SampleRepository(generation, unordered=True) as sample:
        base = filled(sample, "/rest/collections/<Aldermouth Gazette>/items?limit=")
        rows = [one["name"] for offset in range(0, 45, 5) for one in ask(sample, f"{base}5&offset={offset}").body]
        assert len(rows) == 45 > len(set(rows))
        assert len({one["name"] for one in ask(sample, f"{base}1000").body}) == 45


def test_dspace_5_has_languages_and_integers_but_no_tree() -> None:
    with SampleRepository(5) as sample:
        item = ask(sample, filled(sample, "/rest/items/<Titles in many languages>?expand=metadata")).body
        assert item["id"] == sample.data.named("Titles in many languages").number
        languages = [value["language"] for value in item["metadata"] if value["key"] == "dc.title"]
        assert languages == ["en", "de", "ja", None, "", "*", "en_US"]
        assert ask(sample, "/rest/hierarchy").status == 404
        assert "sourceVersion" not in ask(sample, "/rest/status").body


def test_the_status_is_xml_unless_json_is_requested(dspace6: SampleRepository) -> None:
    assert ask(dspace6, "/rest/status", accept="*/*").headers["Content-Type"] == "application/xml"


def test_long_files_come_without_a_length_and_head_says_none(dspace6: SampleRepository) -> None:
    file = dspace6.data.named("Large file").bitstreams[0]
    reply = ask(dspace6, f"/rest/bitstreams/{file.uuid}/retrieve", accept="*/*")
    assert reply.content == file.content
    assert (reply.headers["Transfer-Encoding"], reply.headers["Content-Length"]) == ("chunked", None)
    head = ask(dspace6, f"/rest/bitstreams/{file.uuid}/retrieve", accept="*/*", method="HEAD")
    assert head.headers["Content-Length"] == "0"


def test_a_file_without_a_name_is_called_null(dspace6: SampleRepository) -> None:
    file = dspace6.data.named("No file name, no checksum").bitstreams[0]
    assert ask(dspace6, f"/rest/bitstreams/{file.uuid}").body["name"] is None
    assert ask(dspace6, f"/rest/bitstreams/{file.uuid}/retrieve").headers["Content-Disposition"].endswith('"null"')


def test_the_paging_of_bitstreams_is_broken_as_in_real_servers(dspace6: SampleRepository) -> None:
    base = filled(dspace6, "/rest/items/<Thirty-five files>/bitstreams?limit=10&offset=")
    assert [len(ask(dspace6, f"{base}{offset}").body) for offset in (0, 10, 20)] == [10, 10, 15]
    assert ask(dspace6, f"{base}50").status == 500


# -- changes


@pytest.mark.parametrize(
    ("change", "moves"),
    [
        (lambda data, item: data.edit(item, "dc.title", ["New"]), True),
        (lambda data, item: data.add_file(item, "more.txt", b"more"), True),
        (lambda data, item: data.remove_file(item, item.bitstreams[0]), False),
        (lambda data, item: data.embargo(item.bitstreams[0]), False),
        (lambda data, item: data.map_to(item, data.named("Empty shelf")), False),
        (lambda data, item: data.move(item, data.named("Empty shelf")), True),
        (lambda data, item: data.withdraw(item), True),
        (lambda data, item: data.make_private(item), True),
        (lambda data, item: data.restrict(item), True),
    ],
    ids=["edit", "add_file", "remove_file", "embargo", "map_to", "move", "withdraw", "make_private", "restrict"],
)
def test_last_modified_moves_as_in_a_real_server(change: Any, moves: bool) -> None:
    data = library()
    item = data.named("Empty file")
    before, indexed = item.last_modified, item.indexed_at
    change(data, item)
    assert (item.last_modified > before) is moves
    assert item.indexed_at > indexed


def test_the_sample_gives_the_end_of_an_embargo_from_9_on(changeable: SampleRepository) -> None:
    open_file, closed, embargoed = changeable.data.named("Thirty-five files").bitstreams[:3]
    changeable.data.embargo(closed)
    changeable.data.embargo(embargoed, until=date(2031, 5, 1))

    told = [ask(changeable, f"{CORE}/bitstreams/{one.uuid}/accessStatus") for one in (open_file, closed, embargoed)]

    assert [(reply.body["status"], reply.body["embargoDate"]) for reply in told] == [
        ("open.access", None),
        ("restricted", None),
        ("embargo", "2031-05-01"),
    ]
    with SampleRepository(7, data=changeable.data) as seven:
        assert ask(seven, f"{CORE}/bitstreams/{embargoed.uuid}/accessStatus").status == 404


def test_queries_joined_by_or_find_what_any_of_them_finds(dspace9: SampleRepository) -> None:
    halves = [" OR ".join(f"search.resourceid:{digit}*" for digit in half) for half in ("01234567", "89abcdef")]
    ids = [[one["uuid"] for one in found(search(dspace9, f"scope=<Special files>&query=({half})"))] for half in halves]

    assert all(ids)
    assert sorted(ids[0] + ids[1]) == sorted(one["uuid"] for one in found(search(dspace9, "scope=<Special files>")))
    assert ask(dspace9, f"{SEARCH}item&query=(search.resourceid:0* OR nonsense)").status == 422


def test_a_query_for_some_handles_counts_those_that_the_reader_finds_in_the_scope(changeable: SampleRepository) -> None:
    empty, no_file = changeable.data.named("Empty file"), changeable.data.named("No file")
    elsewhere = next(one for one in changeable.data.items.values() if one.collection is not empty.collection)
    either = " OR ".join(f'"{handle}"' for handle in (empty.handle, no_file.handle, elsewhere.handle, "1/unknown"))
    path = f"scope=<Special files>&size=1&query=handle:({either})"

    assert search(changeable, path)["page"]["totalElements"] == 2
    changeable.data.restrict(empty)
    assert titles(search(changeable, path)) == ["No file"]
    when = f"{no_file.last_modified.isoformat()[:23]}Z"
    for start, end, expected in (("[", "]", 1), ("{", "]", 0), ("[", "}", 0)):
        query = quote(f" AND lastModified:{start}{when} TO {when}{end}", safe="")
        assert search(changeable, path + query)["page"]["totalElements"] == expected
    assert ask(changeable, f'{SEARCH}item&query=handle:("1/2" "3/4")').status == 422
    pairs = [f'(handle:"{one.handle}" AND lastModified:[{when} TO {when}])' for one in (no_file, elsewhere)]
    assert titles(search(changeable, f"scope=<Special files>&query=({' OR '.join(pairs)})")) == ["No file"]


def test_a_change_is_seen_at_once(changeable: SampleRepository) -> None:
    item = changeable.data.named("No file")
    path = f"{CORE}/items/{item.uuid}"
    before = ask(changeable, path).body
    changeable.data.edit(item, "dc.title", [("Neu", "de"), "New"])
    after = ask(changeable, path).body
    assert (before["name"], after["name"]) == ("No file", "Neu")
    assert after["lastModified"] > before["lastModified"]
    since = before["lastModified"][:19]
    assert titles(search(changeable, f'query=lastModified:[{since}Z TO *] AND handle:"{item.handle}"')) == ["Neu"]


def test_the_sample_moves_changed_items_behind_equal_ones(changeable: SampleRepository) -> None:
    changeable.data.edit(changeable.data.named("No file"), "dc.type", ["Text"])
    assert titles(search(changeable, "scope=<Special files>"))[-1] == "No file"


def test_a_mapping_shows_in_the_time_of_indexing_alone(changeable: SampleRepository) -> None:
    item = changeable.data.named("No file")
    changeable.data.map_to(item, changeable.data.named("Empty shelf"))
    since = item.indexed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert titles(search(changeable, f"query=SolrIndexer.lastIndexed:[{since} TO *]")) == ["No file"]
    assert titles(search(changeable, f"query=lastModified:[{since} TO *]")) == []
    assert titles(search(changeable, "scope=<Empty shelf>")) == ["No file"]


@pytest.mark.parametrize("state", ["withdraw", "make_private", "restrict"])
def test_a_restricted_item_leaves_the_search_of_the_sample(changeable: SampleRepository, state: str) -> None:
    getattr(changeable.data, state)(changeable.data.named("Empty file"))
    assert "Empty file" not in titles(search(changeable, "scope=<Special files>&size=100"))


def test_a_withdrawn_item_can_come_back(changeable: SampleRepository) -> None:
    item = changeable.data.named("Withdrawn item")
    changeable.data.reinstate(item)
    assert ask(changeable, f"{CORE}/items/{item.uuid}").body["metadata"]["dc.title"][0]["value"] == "Withdrawn item"
    assert "Withdrawn item" in titles(search(changeable, "scope=<Special files>&size=100"))


@pytest.mark.parametrize(("generation", "status"), [(9, 404), (6, 404), (5, 404), (4, 401)])
def test_the_sample_answers_404_for_a_deleted_item(generation: int, status: int) -> None:
    with SampleRepository(generation) as sample:
        path = filled(sample, f"{CORE if generation == 9 else '/rest'}/items/<Empty file>")
        assert ask(sample, path).status == 200
        sample.data.delete(sample.data.named("Empty file"))
        assert ask(sample, path).status == status


def test_the_sample_answers_differently_for_removed_and_unknown_files(changeable: SampleRepository) -> None:
    item = changeable.data.named("Empty file")
    file = item.bitstreams[0]
    changeable.data.remove_file(item, file)
    assert ask(changeable, f"{CORE}/bitstreams/{file.uuid}").status == 404
    assert ask(changeable, f"{CORE}/bitstreams/{NOBODY}").status == 401


def test_a_new_version_replaces_the_old_one(changeable: SampleRepository) -> None:
    old = changeable.data.named("Empty file")
    new = changeable.data.supersede(old)
    assert new.handle == f"{old.handle}.2"
    assert new.first("dc.identifier.uri") == f"{changeable.url}/handle/{new.handle}"
    ids = [one["uuid"] for one in found(search(changeable, "scope=<Special files>&size=100"))]
    assert (new.uuid in ids, old.uuid in ids) == (True, False)
    assert ask(changeable, f"{CORE}/items/{old.uuid}").body["inArchive"] is False


def test_the_same_data_can_be_served_after_an_upgrade(dspace9: SampleRepository) -> None:
    with SampleRepository(5, data=dspace9.data) as older:
        before = ask(older, filled(older, "/rest/items/<No file>")).body
        after = ask(dspace9, filled(dspace9, f"{CORE}/items/<No file>")).body
    assert (before["name"], before["handle"]) == (after["name"], after["handle"])


# -- the web server


def test_a_fault_of_the_sample_occurs_as_often_as_requested(changeable: SampleRepository) -> None:
    changeable.faults.add("/core/collections", times=2, status=503, headers={"Retry-After": "7"})
    replies = [ask(changeable, f"{CORE}/collections") for _ in range(3)]
    assert [reply.status for reply in replies] == [503, 503, 200]
    assert (replies[0].headers["Retry-After"], replies[0].headers["Content-Type"]) == ("7", "text/html")


def test_a_fault_of_the_sample_can_choose_requests_and_last(changeable: SampleRepository) -> None:
    changeable.faults.add(
        lambda target: target.endswith("page=1"), times=None, body="<p>no", headers={"Content-Type": "text/html"}
    )
    for _ in range(2):
        assert ask(changeable, f"{CORE}/collections?page=1").content == b"<p>no"
    assert ask(changeable, f"{CORE}/collections?page=0").body["page"]["number"] == 0
    changeable.faults.clear()
    assert ask(changeable, f"{CORE}/collections?page=1").body["page"]["number"] == 1


@pytest.mark.parametrize("path", [f"{CORE}/collections", f"{CORE}/bitstreams/<Large file/file>/content"])
def test_the_sample_can_cut_answers_short(changeable: SampleRepository, path: str) -> None:
    changeable.faults.add(filled(changeable, path), cut=100)
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(changeable, filled(changeable, path))
    assert len(caught.value.partial) == 100


def test_the_sample_can_delay_answers(changeable: SampleRepository) -> None:
    changeable.faults.add("/core/collections", delay=0.05)
    began = time.monotonic()
    assert ask(changeable, f"{CORE}/collections").status == 200
    assert time.monotonic() - began >= 0.05


def test_a_hanging_request_ends_with_the_server() -> None:
    arrived, sample = threading.Event(), SampleRepository(9)
    sample.faults.add(lambda target: arrived.set() or True, hang=True)
    sample.start()
    with connected(sample.url) as connection:
        connection.request("GET", "/server/api")
        assert arrived.wait(60)
        sample.stop()
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            connection.getresponse()


def test_a_connection_is_kept_until_the_server_stops() -> None:
    sample = SampleRepository(9)
    sample.start()
    with connected(sample.url) as connection:
        sockets = []
        for _ in range(2):
            connection.request("GET", "/server/api")
            assert connection.getresponse().read()
            sockets.append(connection.sock)
        assert sockets[0] is sockets[1] is not None
        sample.stop()
        with pytest.raises(OSError):
            connection.request("GET", "/server/api")
            connection.getresponse()


def test_the_sample_records_requests_in_order(changeable: SampleRepository) -> None:
    ask(changeable, f"{CORE}/collections?page=0&size=5")
    assert changeable.requests == [("GET", f"{CORE}/collections?page=0&size=5")]
    changeable.reset()
    assert changeable.requests == []


def test_responses_of_the_sample_take_as_long_as_on_a_real_server() -> None:
    costs = Costs()
    assert costs.search_page(20, 0) == pytest.approx(0.24)
    assert costs.search_page(10, 40) == pytest.approx(0.12 + 0.228 + 0.24)
    assert costs.bundles(5) == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("path", "price"),
    [
        (SEARCH + "item&size=100", 1.2),
        (SEARCH + "item&query=search.resourceid:<Thirty-five files>&embed=bundles/bitstreams", 0.39525),
        (CORE + "/items/<Thirty-five files>", 0.012),
        (CORE + "/items/<Thirty-five files>/bundles", 0.02),
        (CORE + "/items/<Thirty-five files>/bundles?embed=bitstreams/format", 0.16),
        (CORE + "/bundles/<Thirty-five files/bundle>/bitstreams?page=1", 0.08),
        (CORE + "/collections", 0.0),
        (SEARCH + "item&size=1", 0.012),
        (SEARCH + "item&query=search.resourceid:00000000-0000&size=1", 0.012),
        ("/server/oai/request?verb=ListRecords&metadataPrefix=xoai", 0.04),
        ("/server/oai/request?verb=Identify", 0.0),
    ],
)
def test_each_response_of_the_sample_has_a_duration(path: str, price: float) -> None:
    with SampleRepository(9, costs=Costs()) as sample:
        assert sample.answer(Request("GET", filled(sample, path))).price == pytest.approx(price)


def test_the_sample_takes_the_time_of_each_response() -> None:
    costs = Costs(per_item=0.02, per_bitstream=0.0, square=0.0, distance=0.01)
    with SampleRepository(9, costs=costs) as sample:
        began = time.monotonic()
        search(sample, "size=4")
        assert time.monotonic() - began >= 4 * 0.02 + 0.01


# -- the data


def test_the_library_is_the_same_each_time() -> None:
    assert told(library()) == told(library())


def told(data: Repository) -> list[Any]:
    return [
        (one.uuid, one.handle, one.metadata, one.last_modified, [file.checksum for file in one.bitstreams])
        for one in data.items.values()
    ]


def test_generated_items_are_the_same_each_time_with_the_requested_number_of_values() -> None:
    first, second = Repository(), Repository()
    for data in (first, second):
        grow(data, items=20, values=15, files=2)
    assert {(len(item.metadata), len(item.bitstreams)) for item in first.items.values()} == {(15, 2)}
    assert told(first) == told(second)


def test_prepared_responses_are_the_responses_of_the_sample(changeable: SampleRepository) -> None:
    path = filled(changeable, f"{CORE}/items/<No file>")
    cold = ask(changeable, path).content
    changeable.warm()
    assert ask(changeable, path).content == cold


def test_the_pictures_are_whole_png_files() -> None:
    picture = library().named("Three sails").bitstreams[0].content
    width, height = struct.unpack(">II", picture[16:24])
    start, pixels = 8, b""
    while start < len(picture):
        length, kind = struct.unpack(">I4s", picture[start : start + 8])
        body = picture[start + 8 : start + 8 + length]
        assert struct.unpack(">I", picture[start + 8 + length :][:4])[0] == zlib.crc32(kind + body)
        pixels += body if kind == b"IDAT" else b""
        start += 12 + length
    assert len(zlib.decompress(pixels)) == height * (1 + 3 * width)


def test_the_offsets_in_the_pdf_are_where_they_say() -> None:
    document = library().named("Many bundles").bitstreams[0].content
    table = int(document.rsplit(b"startxref\n", 1)[1].split()[0])
    assert document[table:].startswith(b"xref")
    offsets = [int(line[:10]) for line in document[table:].splitlines() if line.endswith(b" n ")]
    assert [document[offset:].split(b" ", 1)[0] for offset in offsets] == [b"1", b"2", b"3", b"4", b"5"]


def test_the_sample_serves_from_the_command_line_until_a_signal() -> None:
    command = [sys.executable, "-m", "tests.sample", "--port", "0", "--generation", "6", "--grow", "3"]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().split()[-1]
        with connected(url) as connection:
            connection.request("GET", "/rest/status", headers={"Accept": "application/json"})
            assert json.loads(connection.getresponse().read())["sourceVersion"] == "6.3"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
