"""A collection of items with metadata and files that importers fail on. Each item is named for its oddity."""

from __future__ import annotations

from . import pictures
from .model import Repository
from .records import Collection, Community, Given, Item

AUTHORS = ["Zeta, Zoë", "Alpha, Anna", "Müller, Jürgen", "Alpha, Anna", "أحمد، محمد", "李, 小龍"]
LONG = "A very long abstract. " * 4545 + "The end.!"  # 100,000 characters
STRANGE_NAMES = [
    "quotes \"double\" and 'single'.txt",
    "slash/inside\\back.txt",
    "100% #1 a+b & c?.txt",
    "ünïcode 日本語 عربي.txt",
    "semi;colon,comma.txt",
    "emoji 😀.txt",
    "<b>html</b>.txt",
    "noextension",
    ".hidden",
    "same.txt",
    "same.txt",
]


def fill(data: Repository, above: Community, *, with_many_files: bool = True) -> None:
    """Add four collections below the community. One is empty, one is closed."""
    metadata = data.add_collection("Odd metadata", above)
    files = data.add_collection("Special files", above, sidebar="<p>Handle with care</p>")
    data.add_collection("Empty shelf", above, abstract="Nothing here yet")
    closed = data.add_collection("Closed stacks", above, readable=False)
    _metadata(data, metadata)
    _files(data, files, with_many_files)
    _states(data, files)
    _item(data, closed, "Readable, in a collection that is not")
    data.map_to(_item(data, closed, "Readable and mapped, in a collection that is not"), metadata)


def _item(data: Repository, home: Collection, title: Given, *more: tuple[str, list[Given]]) -> Item:
    about: list[tuple[str, list[Given]]] = [("dc.title", [title]), ("dc.date.issued", ["2022-03-04"])]
    return data.add_item(home, [("dc.contributor.author", ["Special, Sam"]), *about, *more])


def _metadata(data: Repository, home: Collection) -> None:
    data.add_item(home, [("dc.title", ["Six authors in order, one twice"]), ("dc.contributor.author", AUTHORS)])
    titles: list[Given] = [("Titles in many languages", "en"), ("Titel", "de"), ("日本語の題名", "ja"), ("Bare", None)]
    titles += [("Empty", ""), ("Star", "*"), ("American", "en_US")]
    data.add_item(home, [("dc.title", titles), ("dc.subject", [("sea", "en"), ("mer", "fr"), ("sea", "en")])])
    _item(data, home, "A value of 100,000 characters", ("dc.description.abstract", [LONG]))
    _item(
        data,
        home,
        "Local fields",
        ("local.department", ["Chemistry"]),
        ("thesis.degree.level", ["PhD"]),
        ("local.x", ["1"]),
    )
    data.add_item(home, [("dc.contributor.author", ["Untitled, Una"]), ("dc.description", ["This item has no title."])])
    _item(data, home, "Control characters", ("dc.description", [("a\x0bb\x1bc\x01d\x7fe\u2028f", "en")]))
    _item(data, home, "Space around", ("dc.description", ["  two before, one after \n", "", "line one\nline two\ttab"]))
    _item(data, home, "Emoji 😀🚀 and astral 𝔘𝔫𝔦𝔠𝔬𝔡𝔢", ("dc.subject", ["🎓"]))
    _item(data, home, "Null value", ("dc.description", [None]))
    _item(
        data, home, "<script>alert(1)</script>", ("dc.description", ["<img src=x onerror=alert(1)> & \"quotes\" 'too'"])
    )
    _item(data, home, ("عنوان من اليمين إلى اليسار (RTL) with English", "ar"))
    _item(data, home, "Spreadsheet formula", ("dc.description", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)"]))


def _many_files(data: Repository, home: Collection) -> None:
    many = _item(data, home, "Thirty-five files")
    for number in range(35):
        text = f"part {number + 1}\n".encode()
        data.add_file(many, f"part-{number + 1:02d}.txt", text, description=f"Part {number + 1}")


def _files(data: Repository, home: Collection, with_many_files: bool) -> None:
    _item(data, home, "No file")
    if with_many_files:
        _many_files(data, home)
    data.add_file(_item(data, home, "Empty file"), "empty.txt", b"")
    names = _item(data, home, "Strange file names")
    for number, name in enumerate(STRANGE_NAMES):
        mimetype = "text/plain" if name.endswith(".txt") else "application/octet-stream"
        data.add_file(names, name, f"file {number}: {name}\n".encode(), mimetype)
    nameless = _item(data, home, "No file name, no checksum")
    data.add_file(nameless, None, b"nameless\n")
    data.add_file(nameless, "nochecksum.txt", b"no checksum\n", checksum=None)
    web = _item(data, home, "Web files with script")
    data.add_file(web, "page.html", pictures.HTML, "text/html")
    data.add_file(web, "drawing.svg", pictures.SVG, "image/svg+xml")
    bundles = _item(data, home, "Many bundles")
    data.add_file(
        bundles, "article.pdf", pictures.pdf("Article", "One page."), "application/pdf", description="The document"
    )
    for bundle in ("LICENSE", "TEXT", "THUMBNAIL", "CC-LICENSE", "METADATA", "My own bündle"):
        data.add_file(bundles, f"{bundle.lower()}.txt", f"{bundle}\n".encode(), bundle=bundle)
    large = _item(data, home, "Large file")
    data.add_file(large, "bytes.bin", bytes(range(256)) * 1200, "application/octet-stream", description="307,200 bytes")


def _states(data: Repository, home: Collection) -> None:
    embargo = _item(data, home, "Embargoed file beside an open one")
    data.add_file(embargo, "open.txt", b"open\n")
    data.add_file(embargo, "embargoed.txt", b"embargoed until 2099\n", readable=False)
    closed = _item(data, home, "Closed bundle")
    data.add_file(closed, "inside.txt", b"inside\n").bundle.readable = False
    for title, change in (
        ("Withdrawn item", data.withdraw),
        ("Private item", data.make_private),
        ("Restricted item", data.restrict),
    ):
        item = _item(data, home, title)
        data.add_file(item, "file.txt", f"{title}\n".encode())
        change(item)
    data.map_to(_item(data, home, "Mapped into Odd metadata"), data.named("Odd metadata"))
