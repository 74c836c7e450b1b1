"""The sample library: a town library, a faculty and a collection of odd items."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

from . import odd, pictures
from .model import Repository
from .records import Collection, Community, Given, Item
from .texts import ARABIC, EAST_ASIAN, HEADLINES, PHOTOGRAPHS, PLANS, WEATHER

Fields = list[tuple[str, list[Given]]]
CC_BY = "https://creativecommons.org/licenses/by/4.0/"
PUBLIC_DOMAIN = "http://creativecommons.org/publicdomain/mark/1.0/"
LICENSE = b"The depositor grants the library the right to keep this work and to show it to everybody.\n"
OPENED = datetime(2025, 3, 3, 9, 30, 0, 125_000, tzinfo=UTC)


def library(site: str = "http://127.0.0.1:8765") -> Repository:
    """Return a new copy of the library. It is always the same, except for the handle URLs, which depend on `site`."""
    data = Repository("Aldermouth Sample Repository", site=site)
    ticks = _ticks()
    data.clock, now = lambda: next(ticks), data.clock
    _town(data)
    _humanities(data)
    odd.fill(data, data.add_community("Laboratory for Unusual Records"))
    data.clock = now
    return data


def laboratory(site: str) -> Repository:
    """Return only the collections of odd items: a third of the items and a sixth of the files, for fast imports."""
    data = Repository("Aldermouth Sample Repository", site=site)
    ticks = _ticks()
    data.clock, now = lambda: next(ticks), data.clock
    odd.fill(data, data.add_community("Laboratory for Unusual Records"), with_many_files=False)
    data.clock = now
    return data


def _ticks() -> Iterator[datetime]:
    return (OPENED + timedelta(minutes=37 * step, milliseconds=11 * step) for step in count())


def _town(data: Repository) -> None:
    town = data.add_community(
        "City Library of Aldermouth",
        introduction="<p>Pictures, plans and papers of a <em>harbour town</em>, 1841 to 1932.</p>",
        abstract="The digital collections of the town",
        copyright="© City Library of Aldermouth",
    )
    data.add_logo(town, pictures.harbour(1, 96, 64))
    images = data.add_community("Maps & Pictures", town)
    _photographs(data, images)
    _plans(data, images)
    _newspaper(data, data.add_community("Newspapers", data.add_community("Local history", town)))


def _photographs(data: Repository, above: Community) -> None:
    home = data.add_collection(
        "Harbour photographs",
        above,
        introduction=(
            '<p>Glass plates of the <b>Strand family</b>, found in the <a href="http://127.0.0.1/loft">loft</a> '
            "of the customs house.</p><ul><li>All are in the public domain</li><li>Scans of 2019</li></ul>"
            "<script>alert('this must never run')</script>"
        ),
        abstract="Photographs of the harbour, 1884–1911",
        copyright="Public domain",
        license="Whoever deposits here gives the pictures to everybody.",
    )
    data.add_logo(home, pictures.harbour(3, 96, 64))
    for number, (title, german, french, authors, when, subjects) in enumerate(PHOTOGRAPHS):
        fields: Fields = [
            ("dc.contributor.author", list(authors)),
            ("dc.title", [(title, "en")]),
            ("dc.title.alternative", [(german, "de"), (french, "fr")]),
            ("dc.date.issued", [when]),
            ("dc.description", [("Glass plate, scanned at 1200 dpi.", "en")]),
            ("dc.description.abstract", [(f"{title}. From the album of the Strand family.", "en")]),
            ("dc.subject", [(subject, language) for language, words in subjects.items() for subject in words]),
            ("dc.coverage.spatial", ["Aldermouth, Harbour"]),
            ("dc.format.extent", ["1 glass plate ; 13 × 18 cm"]),
            ("dc.relation.ispartof", [f"Harbour Album, vol. {1 + number // 5}"]),
            ("dc.identifier.other", [f"HA-{number + 1:04d}"]),
            ("dc.publisher", ["City Library of Aldermouth"]),
            ("dc.type", ["Image"]),
            ("dc.rights", [("Public domain", "en")]),
            ("dc.rights.uri", [PUBLIC_DOMAIN]),
            ("dc.language.iso", ["en"]),
            ("local.shelfmark", [f"Cab. {number % 4 + 1}, plate {number + 1}"]),
        ]
        item = data.add_item(home, fields)
        name = f"harbour-{number + 1:02d}.png"
        data.add_file(item, name, pictures.harbour(number), "image/png", description="Master scan")
        data.add_file(item, f"thumbnail-{name}", pictures.harbour(number, 120, 80), "image/png", "THUMBNAIL")
        data.add_file(item, "license.txt", LICENSE, bundle="LICENSE")


def _plans(data: Repository, above: Community) -> None:
    home = data.add_collection("Town maps and plans", above, abstract="Surveys of the town and its harbour")
    for number, (title, surveyor, year, scale) in enumerate(PLANS):
        fields: Fields = [
            ("dc.creator", [surveyor, "Aldermouth Board of Works"]),
            ("dc.title", [(title, "en")]),
            ("dc.date.issued", [year]),
            ("dc.date.created", [f"{int(year) - 1}"]),
            ("dc.description", [f"Scale {scale}. Coloured by hand."]),
            ("dc.subject", [("Maps", "en"), ("Town planning", "en"), ("Cartes", "fr"), ("Karten", "de")]),
            ("dc.subject.lcsh", ["Cities and towns -- Maps"]),
            ("dc.coverage.spatial", ["Aldermouth"]),
            ("dc.coverage.temporal", [f"{year}/{int(year) + 10}"]),
            ("dc.identifier.citation", [f"{surveyor} ({year}). {title}. Aldermouth: Board of Works."]),
            ("dc.type", ["Map"]),
            ("dc.rights.uri", [CC_BY]),
        ]
        item = data.add_item(home, fields)
        data.add_file(item, f"plan-{year}.png", pictures.plan(number), "image/png")
        note = pictures.pdf(title, f"Surveyed by {surveyor}", f"Scale {scale}", f"Published in {year}")
        data.add_file(item, f"plan-{year}.pdf", note, "application/pdf", description="Explanatory note")
        data.add_file(item, f"plan-{year}.pdf.txt", f"{title}\nScale {scale}\n".encode(), bundle="TEXT")


def _newspaper(data: Repository, above: Community) -> None:
    """Add 45 weekly issues, more than one page of any API by default."""
    home = data.add_collection("Aldermouth Gazette", above, abstract="A weekly, 1887 to 1888, complete")
    for number in range(45):
        day = datetime(1887, 3, 5) + timedelta(weeks=number)
        news = [HEADLINES[(number * 5 + step * 7) % len(HEADLINES)] for step in range(3)]
        fields: Fields = [
            ("dc.contributor.editor", ["Pemberton, Augusta", "Oyelaran, James"][: 1 + number % 2]),
            ("dc.title", [(f"The Aldermouth Gazette, No. {number + 1} ({day.day} {day:%B %Y})", "en")]),
            ("dc.date.issued", [f"{day:%Y-%m-%d}"]),
            ("dc.description.abstract", [("; ".join(news) + ".", "en")]),
            ("dc.description.tableofcontents", ["Town news\nShipping\nPrices\nWeather"]),
            ("dc.subject", [("Newspapers", "en"), ("Zeitungen", "de"), ("Journaux", "fr")]),
            ("dc.identifier.issn", ["2049-3630"]),
            ("dc.relation.ispartofseries", [f"The Aldermouth Gazette;{number + 1}"]),
            ("dc.publisher", ["Pemberton & Daughter"]),
            ("dc.language.iso", ["en"]),
            ("dc.type", ["Text"]),
            ("dc.rights.uri", [PUBLIC_DOMAIN]),
        ]
        item = data.add_item(home, fields)
        lines = [f"THE ALDERMOUTH GAZETTE, No. {number + 1}", *news, WEATHER[number % len(WEATHER)]]
        data.add_file(
            item, f"gazette-{number + 1:03d}.txt", ("\n".join(lines) + "\n").encode(), description="Transcript"
        )
        if number % 9 == 0:
            page = pictures.pdf(f"The Aldermouth Gazette, No. {number + 1}", *lines[1:])
            data.add_file(item, f"gazette-{number + 1:03d}.pdf", page, "application/pdf", description="Facsimile")


def _humanities(data: Repository) -> None:
    faculty = data.add_community("Faculté des lettres — كلية الآداب", abstract="Manuscripts and maps of many places")
    arabic = data.add_community("قسم المخطوطات", faculty)
    eastern = data.add_community("東アジア研究室", faculty)
    manuscripts = data.add_collection("مخطوطات عربية", arabic, introduction="<p dir='rtl'>مخطوطات من القرون الوسطى</p>")
    for number, (title, author, year, summary, subjects) in enumerate(ARABIC):
        fields: Fields = [
            ("dc.contributor.author", [(author, "ar")]),
            ("dc.title", [(title, "ar")]),
            ("dc.date.issued", [year]),
            ("dc.description.abstract", [(summary, "ar"), (f"Manuscrit arabe, {year}.", "fr")]),
            ("dc.subject", [*((subject, "ar") for subject in subjects), ("Manuscrits", "fr")]),
            ("dc.language.iso", ["ar"]),
            ("dc.type", ["Manuscript"]),
            ("dc.rights.uri", [CC_BY]),
        ]
        item = data.add_item(manuscripts, fields)
        data.add_file(item, f"نص {number + 1}.txt", f"{title}\n{summary}\n".encode(), description="النص الكامل")
    _east_asian(data, data.add_collection("日本と中国の地図", eastern, abstract="古地図 / 古地图"))


def _east_asian(data: Repository, home: Collection) -> None:
    for number, (title, author, year, summary, language) in enumerate(EAST_ASIAN):
        fields: Fields = [
            ("dc.contributor.author", [(author, language)]),
            ("dc.title", [(title, language)]),
            ("dc.date.issued", [year]),
            ("dc.description.abstract", [(summary, language), (f"A map of {year}.", "en")]),
            ("dc.subject", [("古地図" if language == "ja" else "古地图", language), ("Maps", "en")]),
            ("dc.language.iso", [language]),
            ("dc.type", ["Map"]),
            ("dc.rights.uri", [PUBLIC_DOMAIN]),
        ]
        item: Item = data.add_item(home, fields)
        data.add_file(item, f"{title}.png", pictures.plan(100 + number), "image/png")
