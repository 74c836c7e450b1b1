"""An item with pictures as a manifest of the IIIF Presentation API 3.0 (https://iiif.io/api/presentation/3.0/)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..formatting import bcp47
from .crosswalk import term_label
from .restricted_values import Mapped

MEDIA_TYPE = 'application/ld+json;profile="http://iiif.io/api/presentation/3/context.json"'
NO_LANGUAGE = "none"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of an item. `url`, `thumbnail_url`: its addresses. `width`, `height`: in pixels."""

    label: str
    url: str
    thumbnail_url: str
    media_type: str
    width: int
    height: int


def manifest(url: str, title: str, link: str, values: Mapped, pictures: Iterable[Picture]) -> dict[str, Any]:
    """Return the manifest at `url` of an item. `link`: the page of the item. `values`: its mapped values."""
    return {
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": url,
        "type": "Manifest",
        "label": {NO_LANGUAGE: [title]},
        "metadata": [
            {"label": {"en": [term_label(term)]}, "value": _by_language(texts)} for term, texts in values.items()
        ],
        "homepage": [{"id": link, "type": "Text", "label": {NO_LANGUAGE: [title]}, "format": "text/html"}],
        "items": [_canvas(url, number, picture) for number, picture in enumerate(pictures, 1)],
    }


def _by_language(values: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for value in values:
        found.setdefault(bcp47(value.get("language")) or NO_LANGUAGE, []).append(value.get("uri") or value["value"])
    return found


def _canvas(url: str, number: int, picture: Picture) -> dict[str, Any]:
    canvas = f"{url}/canvas/{number}"
    size = {"width": picture.width, "height": picture.height}
    body = {"id": picture.url, "type": "Image", "format": picture.media_type, **size}
    painting = {
        "id": f"{canvas}/picture",
        "type": "Annotation",
        "motivation": "painting",
        "body": body,
        "target": canvas,
    }
    return {
        "id": canvas,
        "type": "Canvas",
        "label": {NO_LANGUAGE: [picture.label]},
        **size,
        "thumbnail": [{"id": picture.thumbnail_url, "type": "Image", "format": "image/webp"}],
        "items": [{"id": f"{canvas}/page", "type": "AnnotationPage", "items": [painting]}],
    }
