"""The pages of the catalogue: items, an item, item sets."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from connector.catalogue import facet_values, search
from connector.catalogue.search import Selection
from connector.extensions import db
from connector.jobs import creation
from connector.models.catalogue import CatalogueItem, ItemSet
from connector.tasks import carry_out
from tests.pages import links, neighbours, words

PHOTOGRAPH = "Herring boats leaving at dawn"


@pytest.fixture
def address(stocked_app):
    """Gives the address of the item with this title (None for the one without)."""

    def find(title):
        with stocked_app.app_context():
            return f"/items/{db.session.scalar(db.select(CatalogueItem.id).where(CatalogueItem.title == title))}/"

    return find


@pytest.mark.parametrize(
    ("term", "text", "query"),
    [
        ("dcterms:creator", "Strand,  Amalie", {"creator": "Strand, Amalie"}),
        ("dcterms:issued", "1884-05-02", {"year": "1884"}),
        ("dcterms:type", "Image", {"type": "Image"}),
        ("dcterms:language", "en", {"language": "en"}),
    ],
)
def test_a_value_that_is_a_filter_leads_to_all_items_with_it(stocked_app, stocked_client, term, text, query):
    with stocked_app.app_context():
        item = db.session.scalars(db.select(CatalogueItem).where(CatalogueItem.title == PHOTOGRAPH)).one()
        item.mapped_values = {term: [{"value": text, "language": None}]}
        facet_values.store({item.id: facet_values.values_of(item.mapped_values, [])})
        number = item.id
        db.session.commit()
    page = stocked_client.get(f"/items/{number}/")
    [address] = [link for link in links(page) if link.startswith("/items/?") and next(iter(query)) in link]

    assert dict(parse_qsl(urlsplit(address).query)) == query
    assert f"/items/{number}/" in links(stocked_client.get(address))


def test_items_are_shown_25_a_page(stocked_client):
    first = stocked_client.get("/items/")
    second = stocked_client.get(neighbours(first)["Next"])

    assert "1–25 of 36" in words(first)
    assert "26–36 of 36" in words(second)
    assert len([link for link in links(first) if re.fullmatch(r"/items/\d+/", link)]) == 25


def titles(page):
    """Return the titles of the items of a list, in order."""
    return [html.unescape(title) for title in re.findall(r'<a class="name"[^>]*>(.*?)</a>', page.text)]


def test_lists_are_sorted_by_title_and_date_and_keep_the_order_on_each_page(stocked_client):
    first = stocked_client.get("/items/?sort=title")
    second = stocked_client.get(neighbours(first)["Next"])
    by_title = [title.casefold() for title in titles(first) + titles(second) if title != "Untitled"]
    oldest, newest = (
        titles(stocked_client.get(f"/items/?sort={sort}&size=50")) for sort in ("oldest-date", "newest-date")
    )

    assert by_title == sorted(by_title)
    assert len(by_title) == 35
    assert oldest == newest[::-1]
    assert '<option value="title" selected>' in second.text


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("size=50", 36),
        ("size=7", 25),
        ("size=x&sort=x&view=x", 25),
        ("view=table&size=100", 36),
        ("view=grid&size=50", 36),
    ],
)
def test_a_list_has_the_chosen_number_of_items_and_ignores_unknown_options(stocked_client, query, number):
    assert len(titles(stocked_client.get(f"/items/?{query}"))) == number


def test_pages_of_a_list_have_numbers(stocked_client):
    page = stocked_client.get("/items/?sort=title&page=2")
    numbers = [link for link in links(page) if re.search(r"[?&]page=\d", link)]

    assert "Previous 1 2 26–36 of 36" in words(page)
    assert numbers == ["/items/?sort=title&page=1", "/items/?sort=title&page=2"]
    assert f'<a href="{html.escape(numbers[1])}" aria-current="page">2</a>' in page.text
    assert titles(stocked_client.get(neighbours(page)["Previous"])) == titles(stocked_client.get(numbers[0]))


@pytest.mark.parametrize("view", ["list", "grid"])
def test_a_date_in_a_list_stays_on_one_line_but_a_long_text_may_break(stocked_app, stocked_client, view):
    with stocked_app.app_context():
        item = db.session.scalars(db.select(CatalogueItem).where(CatalogueItem.title == "Three sails")).one()
        item.mapped_values = item.mapped_values | {"dcterms:issued": [{"value": "x" * 200, "language": None}]}
        db.session.commit()
    page = stocked_client.get(f"/items/?size=50&view={view}")

    assert '<span class="date">1884-05-02</span>' in page.text
    assert f"<span>{'x' * 200}</span>" in page.text


def test_the_table_shows_creators_dates_and_types(stocked_client):
    table = stocked_client.get("/items/?view=table&q=herring")

    assert "Tick Title Creator Date Type" in words(table)
    assert "Strand, Amalie ; Strand, Jens" in words(table)
    assert "view=table" in facet(table, "Strand, Amalie")[0]


@pytest.mark.parametrize("key", ["", "x", "1,2", "null", "[1]", "1e999", "NaN", "9" * 30, "9" * 5000, "[" * 900])
@pytest.mark.parametrize("name", ["after", "before"])
def test_an_invalid_position_shows_the_start_of_the_list(stocked_client, name, key):
    assert "1–25 of 36" in words(stocked_client.get("/items/", query_string={name: key}))


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("q=herring", 1),
        ("q=strand+1884", 2),
        ("q=nothing-like-it", 0),
        ("q=strand+-1884+-herring", 10),
        ("q=herr*", 1),
        ("q=erring*", 0),
        ("job=1", 12),
        ("job=1&q=herring", 1),
        ("repository=1", 36),
        ("repository=2", 0),
        ("item_set=1", 12),
        ("item_set=&repository=&job=&q=", 36),
    ],
)
def test_items_are_found_by_words_set_repository_and_import(stocked_client, query, number):
    page = stocked_client.get(f"/items/?{query}")

    sentence = f"{number} item{'' if number == 1 else 's'} " if number else "No items match"
    assert sentence in words(page)


def test_found_words_are_marked_in_titles_and_excerpts(stocked_client):
    page = stocked_client.get("/items/?q=herring+plate")

    assert "<mark>Herring</mark> boats leaving at dawn" in page.text
    assert ': <span dir="auto">' in page.text
    assert "<mark>plate</mark>" in page.text


def facet(page, value):
    """Return the address and the number of items of this value of a facet."""
    found = re.search(rf'<a href="([^"]*)"[^>]*>{value}</a> <small>([^<]*)</small>', page.text)
    return html.unescape(found[1]), found[2]


def test_facets_narrow_a_list_and_combine(stocked_client):
    address, number = facet(stocked_client.get("/items/"), "Strand, Amalie")
    by_creator = stocked_client.get(address)
    year, year_number = facet(by_creator, "1884")
    both = stocked_client.get(year)

    assert f"{number} items " in words(by_creator)
    assert f"{year_number} item" in words(both)
    assert "Year: 1884 Remove Creator: Strand, Amalie Remove" in words(both)
    assert {"/items/?year=1884", "/items/?creator=Strand,%20Amalie"} <= {
        link.replace("+", "%20") for link in links(both)
    }


def test_a_list_of_many_items_loads_its_filters_after_the_items(stocked_client, monkeypatch):
    few = stocked_client.get("/items/?year=1884")
    monkeypatch.setattr(search, "SHORT", 1)
    many = stocked_client.get("/items/?year=1884&sort=title")
    [address] = re.findall(r'hx-get="([^"]*)" hx-trigger="load"', many.text)
    filters = stocked_client.get(html.unescape(address))

    assert ("hx-trigger" in few.text, "Creator" in words(few)) == (False, True)
    assert "Year: 1884 Remove" in words(many)
    assert "Creator" not in words(many)
    assert facet(filters, "Strand, Amalie") == ("/items/?year=1884&sort=title&creator=Strand,+Amalie", "2")


def test_a_link_shows_the_filters_without_script_and_they_stay(stocked_client, monkeypatch):
    monkeypatch.setattr(search, "SHORT", 1)
    many = stocked_client.get("/items/?repository=1&after=20")
    [address] = re.findall(r'<a href="([^"]*)">Show filters', many.text)
    page = stocked_client.get(html.unescape(address))
    narrowed = facet(page, "Strand, Amalie")[0]

    assert page.text.count("<article") == many.text.count("<article")
    assert "hx-trigger" not in page.text
    assert "filters=show" in narrowed
    assert "Show filters" not in stocked_client.get(narrowed).text
    assert '<input type="hidden" name="filters" value="show">' in page.text


def test_the_list_of_all_items_has_its_filters_at_once(stocked_client, monkeypatch):
    monkeypatch.setattr(search, "SHORT", 1)

    assert "hx-trigger" not in stocked_client.get("/items/").text


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("state=present", 36),
        ("state=nonsense", 36),
        ("state=withdrawn", 0),
        ("year=1884&item_set=1", 2),
        ("type=nothing", 0),
        ("creator=Strand,+Amalie&creator=Strand,+Jens&q=herring&repository=1", 1),
    ],
)
def test_items_are_found_by_facets(stocked_client, query, number):
    sentence = f"{number} item{'' if number == 1 else 's'} " if number else "No items match"

    assert sentence in words(stocked_client.get(f"/items/?{query}"))


def test_every_facet_number_is_that_of_its_list(stocked_client):
    page = stocked_client.get("/items/")
    shown = re.findall(r'<li><a href="(/items/[^"]*)" rel="nofollow"[^>]*>[^<]*</a> <small>([^<]*)</small>', page.text)

    assert len(shown) > 15
    for address, number in shown:
        assert f" {number} item" in words(stocked_client.get(html.unescape(address))), address


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("term=dcterms:title&op=contains&value=HERRING&join=and", 1),
        ("term=dcterms:creator&op=contains&value=herring&join=and", 0),
        ("term=&op=contains&value=herring&join=and", 1),
        ("term=dcterms:title&op=is&value=herring&join=and", 0),
        ("term=dcterms:title&op=is&value=Herring+boats+leaving+at+dawn&join=and", 1),
        ("term=dcterms:title&op=starts&value=herring+boats&join=and", 1),
        ("term=dcterms:title&op=starts&value=boats&join=and", 0),
        ("term=dcterms:title&op=contains&value=herring&join=not", 35),
        ("term=local.shelfmark&op=contains&value=plate+1&join=and&term=dcterms:title&op=starts&value=h&join=and", 1),
        ("term=dcterms:title&op=contains&value=herring&join=or&term=dcterms:title&op=is&value=x&join=or", 1),
        ("term=dcterms:title&op=contains&value=herring&join=and&term=bibo:doi&op=any&value=&join=and", 0),
        ("term=dcterms:title&op=contains&value=&join=and", 36),
        ("term=dcterms:title&op=nonsense&value=x&join=and", 36),
        ("from=1884&to=1884", 2),
        ("from=1884-05&to=1900", 9),
        ("files=yes&kind=text", 6),
    ],
)
def test_the_advanced_search_finds_items(stocked_client, query, number):
    sentence = f"{number} item{'' if number == 1 else 's'} " if number else "No items match"

    assert sentence in words(stocked_client.get(f"/items/?{query}"))


def test_a_search_that_checks_only_the_newest_items_says_so_and_goes_on_with_older_ones(stocked_client, monkeypatch):
    query = "join=not&term=dcterms:title&op=contains&value=herring"
    every = titles(stocked_client.get(f"/items/?{query}&size=50"))
    monkeypatch.setattr(search, "CHECKED", 10)
    page = first = stocked_client.get(f"/items/?{query}")
    found = titles(first)
    while address := re.search(r'<a href="([^"]*)">Search older items<', page.text):
        page = stocked_client.get(html.unescape(address[1]))
        found += titles(page)

    sentence = "Only the newest 10 of the items that may match were checked. Older items may match, too."
    assert sentence in words(first)
    assert "At least 10 items" in words(first)
    assert "All items of this list (at least 10)" in words(first)
    assert found == every
    assert sentence not in words(page)
    assert "Imported before the item with the number:" in words(page)
    assert "Export at least 10 items" in words(stocked_client.get(f"/exports/new?{query}"))


def test_a_search_for_words_that_too_many_items_may_have_says_so(stocked_client, monkeypatch):
    monkeypatch.setattr(search, "TEXTS", 10)
    monkeypatch.setattr(search, "MEDIUM", 0)

    page, export = (words(stocked_client.get(f"{path}?q=har")) for path in ("/items/", "/exports/new"))

    assert "Only the newest 10 of the items that may match were checked. Older items may match, too." in page
    assert "At least 10 items" in page
    assert "Export at least 10 items" in export


def test_a_search_without_a_match_among_the_newest_items_does_not_say_that_there_is_none(stocked_client, monkeypatch):
    monkeypatch.setattr(search, "CHECKED", 1)

    page = words(stocked_client.get("/items/?join=and&term=dcterms:type&op=contains&value=harbour"))

    assert "No match was found yet." in page
    assert "No items match." not in page


def test_items_with_any_value_of_a_property_are_found(stocked_app, stocked_client):
    with stocked_app.app_context():
        values = db.session.scalars(db.select(CatalogueItem.mapped_values)).all()
    number = sum("dcterms:type" in found for found in values)
    query = "/items/?term=dcterms:type&op=any&value=&size=50&join="

    assert [len(titles(stocked_client.get(query + join))) for join in ("and", "not")] == [number, 36 - number]
    assert 0 < number < 36


def test_items_with_and_without_files_are_all_items(stocked_client):
    numbers = [len(titles(stocked_client.get(f"/items/?files={files}&size=100"))) for files in ("yes", "no")]

    assert sum(numbers) == 36
    assert all(numbers)


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "from=1911-13",
        "to=1911-05-32",
        "from=1911-06&to=1911-05-31",
        "&".join(["join=and&term=&op=contains&value=x"] * 11),
        "join=and&term=a%22b&op=any&value=",
        f"join=and&term=&op=is&value={'x' * 1001}",
    ],
)
def test_an_invalid_advanced_search_is_refused_with_a_reason(stocked_client, query):
    page = stocked_client.get(f"/items/?{query}")

    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert stocked_client.get(f"/items/advanced?{query}").status_code == 200


@pytest.mark.parametrize(
    "query", ["endpoint=x", "_external=1&_scheme=javascript", "_anchor=x", "_method=POST", "self=1"]
)
def test_other_arguments_of_an_address_are_ignored(stocked_client, query):
    page = stocked_client.get(f"/items/?{query}&q=herring")

    assert page.status_code == 200
    assert "/items/advanced?q=herring" in links(page)


def test_rows_are_added_and_removed_without_script(stocked_client):
    query = "join=and&term=dcterms:title&op=is&value=A&join=not&term=bibo:doi&op=any&value=&from=1884&type=Image"
    first, second, third = (
        stocked_client.get(f"/items/advanced?{query}{button}") for button in ("", "&add=1", "&remove=0")
    )

    assert [page.text.count('name="value"') for page in (first, second, third)] == [2, 3, 1]
    assert '<option value="bibo:doi" selected' in third.text
    assert 'dcterms:title" selected' not in third.text
    assert 'name="from" value="1884"' in third.text
    assert "<option selected dir=auto>Image</option>" in third.text.replace('"auto"', "auto")


def test_the_advanced_form_offers_the_types_and_keeps_each_chosen_one(stocked_client):
    types = re.compile(r'<select name="type">(.*?)</select>', re.DOTALL)
    [offered] = types.findall(stocked_client.get("/items/advanced").text)
    chosen = types.findall(stocked_client.get("/items/advanced?type=Image&type=Odd").text)

    assert re.findall(r">([^<\n]+)</option>", offered) == ["Any", "Image"]
    assert [re.findall(r"selected[^>]*>([^<]+)<", each) for each in chosen] == [["Image"], ["Odd"]]


def test_each_criterion_is_named_and_can_be_removed(stocked_client):
    query = "join=and&term=dcterms:title&op=contains&value=herring&join=not&term=bibo:doi&op=any&value="
    page = stocked_client.get(f"/items/?{query}&from=1884")

    assert "Date from: 1884 Remove And: Title contains “herring” Remove Not: DOI has any value Remove" in words(page)
    assert any("term=bibo:doi" in link and "herring" not in link and "from=1884" in link for link in links(page))


def test_a_search_that_finds_nothing_says_that_short_words_must_be_whole(stocked_client):
    assert "found only as whole words" in words(stocked_client.get("/items/?q=he"))


@pytest.mark.parametrize("query", ["word " * 31, "x" * 1001])
def test_a_search_that_is_too_long_is_shown_again_with_the_reason(stocked_client, query):
    page = stocked_client.get("/items/", query_string={"q": query})

    assert page.status_code == 422
    assert "Use at most" in words(page)
    assert f'value="{query}"' in page.text
    assert "Original" not in words(page)
    assert stocked_client.get("/items/filters", query_string={"q": query}).status_code == 422


def test_a_change_of_an_import_is_looked_up_in_an_index_for_each_item(stocked_app):
    with stocked_app.app_context():
        query = Selection(job_id=1).query(CatalogueItem.id).compile(db.engine, compile_kwargs={"literal_binds": True})
        plan = db.session.execute(db.text(f"EXPLAIN QUERY PLAN {query}")).all()

        assert "ix_change_job_item (job_id=? AND item_id=?" in " ".join(step.detail for step in plan)


def test_an_item_shows_every_value_with_its_language_and_links_to_its_source(stocked_client, stocked_sample, address):
    page = stocked_client.get(address(PHOTOGRAPH))

    assert "Subject en Boats en Fishing de Boote fr Bateaux" in words(page)
    assert "Creator Strand, Amalie Strand, Jens" in words(page)
    assert b'lang="de"' in page.data
    assert "Other DSpace fields local.shelfmark Cab. 1, plate 1" in words(page)
    assert f"{stocked_sample.url}/handle/{stocked_sample.data.named(PHOTOGRAPH).handle}" in links(page)
    assert "Last modified 3 Mar 2025" in words(page)
    assert "Imported by Job 1" in words(page)
    assert "Item sets Harbour photographs" in words(page)


def test_the_fields_of_dspace_are_shown_unchanged(stocked_client, stocked_sample, address):
    item = stocked_sample.data.named(PHOTOGRAPH)

    page = words(stocked_client.get(address(PHOTOGRAPH)))
    table = page.partition("Original DSpace fields")[2]

    assert "dc.subject Boats en" in table
    assert f"({len(item.metadata)})" in table


def test_files_are_shown_with_size_type_and_status(stocked_client, address):
    photograph = words(stocked_client.get(address(PHOTOGRAPH)))
    embargoed = words(stocked_client.get(address("Embargoed file beside an open one")))

    assert "harbour-01.png Master scan ORIGINAL image/png 4.8 kB stored" in photograph
    assert "license.txt at the source LICENSE text/plain 90 bytes not downloaded" in photograph
    assert "embargoed.txt at the source ORIGINAL text/plain 21 bytes no access" in embargoed


def test_scripts_in_values_are_text(stocked_client, address):
    page = stocked_client.get(address("<script>alert(1)</script>"))

    assert b"<script>alert" not in page.data
    assert b"<img src=x" not in page.data
    assert "<script>alert(1)</script>" in page.get_data(as_text=True).replace("&lt;", "<").replace("&gt;", ">")


def test_an_item_without_title_is_untitled_everywhere(stocked_client, address):
    page = stocked_client.get(address(None))

    assert "Untitled Untitled, Una" in words(page)
    assert "Untitled" in words(stocked_client.get("/items/?q=This+item+has+no+title"))


def test_right_to_left_text_finds_its_direction(stocked_client, address):
    page = stocked_client.get(address("عنوان من اليمين إلى اليسار (RTL) with English"))

    assert '<h1 dir="auto">عنوان' in page.get_data(as_text=True)
    assert b'lang="ar" dir="auto"' in page.data


def test_an_item_that_is_missing_at_the_source_stays_and_says_so(stocked_app, stocked_client, address):
    with stocked_app.app_context():
        db.session.execute(
            db.update(CatalogueItem)
            .where(CatalogueItem.title == PHOTOGRAPH)
            .values(source_state="vanished", state_since=db.func.datetime("2026-03-04 10:20:00.000000"))
        )
        db.session.commit()

    page = stocked_client.get(address(PHOTOGRAPH))

    assert "No longer at the source, noticed 4 Mar 2026" in words(page)
    assert "missing at source" in words(stocked_client.get("/items/?q=herring"))


def test_the_page_of_an_unknown_item_says_that_it_does_not_exist(stocked_client):
    page = stocked_client.get("/items/999/")

    assert page.status_code == 404
    assert "There is no item 999." in words(page)


def test_item_sets_are_listed_with_their_number_of_items(stocked_client):
    page = stocked_client.get("/item-sets/")

    assert "Harbour photographs 12 items" in words(page)


def test_an_item_set_shows_its_description_with_harmless_html_only(stocked_app, stocked_client):
    with stocked_app.app_context():
        set_id = db.session.scalar(db.select(ItemSet.id).where(ItemSet.name == "Harbour photographs"))

    page = stocked_client.get(f"/item-sets/{set_id}/")

    assert b"<b>Strand family</b>" in page.data
    assert b"must never run" not in page.data
    assert PHOTOGRAPH in words(page)
    assert stocked_client.get("/item-sets/99/").status_code == 404


def test_an_undo_removes_the_items_and_the_item_set_from_the_pages(stocked_app, stocked_client, address):
    before = address(PHOTOGRAPH)
    with stocked_app.app_context():
        assert carry_out(creation.create_undo(1))

    assert stocked_client.get(before).status_code == 404
    assert "Harbour photographs" not in words(stocked_client.get("/item-sets/"))


def test_an_empty_catalogue_links_to_the_first_import(client):
    assert "The catalogue is empty. Import from DSpace" in words(client.get("/items/"))
    assert "There are no item sets." in words(client.get("/item-sets/"))
