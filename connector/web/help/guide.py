"""The guide for users: Markdown files in docs/guide, a folder for each language. The README links to the same files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from ...errors import NotFoundError
from ...i18n import gettext as _, language

FOLDER = Path(__file__).parents[3] / "docs" / "guide"
ORIGINAL = "en"
# The names of the parts, in the order of the guide.
PARTS = (
    "connect",
    "import",
    "sync",
    "crosswalk",
    "publish",
    "undo",
    "items",
    "missing",
    "programs",
    "blocked",
    "accounts",
    "words",
)
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the guide. `summary`: its first paragraph. `tokens`: the parsed text without its title."""

    name: str
    title: str
    summary: str
    language: str
    tokens: list[Token]

    def html(self, root: str) -> Markup:
        """Return the text as HTML, safe because the files are ours. Links to other parts start with `root`."""
        for link in _links(self.tokens):
            name = str(link.attrs["href"]).removesuffix(".md")
            if name in PARTS:
                link.attrs["href"] = f"{root}{name}/"
        return Markup(_MARKDOWN.renderer.render(self.tokens, _MARKDOWN.options, {}))


def part(name: str) -> Part:
    """Return a part in the language of the instance, or in English if it is not translated.

    Raise NotFoundError if there is no such part.
    """
    if name not in PARTS:
        raise NotFoundError(_("The guide has no such part."))
    for tag in (language(), language().partition("-")[0], ORIGINAL):
        path = FOLDER / tag / f"{name}.md"
        if path.is_file():
            tokens = _MARKDOWN.parse(path.read_text(encoding="utf-8"))
            # A title has three tokens, and so has the paragraph after it.
            return Part(name, tokens[1].content, tokens[4].content.replace("\n", " "), tag, tokens[3:])
    raise NotFoundError(_("The guide has no such part."))


def parts() -> list[Part]:
    """Return all parts, in order."""
    return [part(name) for name in PARTS]


def _links(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "link_open":
            yield token
        yield from _links(token.children or [])
