"""`make screenshots`: pictures of every page in its states, and the four of the README.

The pictures of the pages go to a folder that is not committed (default: screenshots/), those of the README to
docs/pictures/. `--only TEXT` takes the states whose names contain the text, and leaves the README alone.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.chromium import launched

from .states import STATES
from .tour import Tour, begin

ROOT = Path(__file__).resolve().parents[2]
README = {"options-collections": "collections", "job-completed": "job", "item": "item", "preview": "preview"}
WIDE, PHONE, SMALL = 1280, 390, 320
VIEWS = {  # suffix of the file: width, colours
    "wide": (WIDE, "light"),
    "dark": (WIDE, "dark"),
    "390": (PHONE, "light"),
    "320": (SMALL, "light"),
}


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "screenshots")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    arguments.folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, launched() as browser, begin(browser, Path(folder)) as tour:
        _photograph(tour, arguments.folder, arguments.only)
        if not arguments.only:
            _photograph_for_readme(tour)


def _photograph(tour: Tour, folder: Path, only: str) -> None:
    for state in STATES:
        if only in state.name:
            page = tour.at(state)
            for view, (width, scheme) in VIEWS.items():
                _look(page, width, scheme)
                page.screenshot(path=folder / f"{state.name}-{view}.png", full_page=True)


def _photograph_for_readme(tour: Tour) -> None:
    for state in STATES:
        if state.name in README:
            page = tour.at(state)
            _look(page, WIDE, "light")
            path = ROOT / "docs" / "pictures" / f"{README[state.name]}.png"
            page.screenshot(path=path, clip={"x": 0, "y": 0, "width": WIDE, "height": 800}, full_page=True)


def _look(page: Page, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")


if __name__ == "__main__":
    main()
