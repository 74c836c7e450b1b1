"""Files made in code, pictures as PNG and a PDF, so that the project contains no binary files."""

from __future__ import annotations

import random
import struct
import zlib
from functools import lru_cache

Colour = tuple[int, int, int]
SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((32, 58, 104), (244, 178, 120)),
    ((88, 140, 196), (226, 236, 240)),
    ((60, 52, 84), (222, 120, 104)),
    ((196, 180, 150), (240, 230, 208)),
    ((24, 34, 58), (70, 108, 140)),
)


class Canvas:
    """Rows of RGB pixels, drawn by spans, which is quick without a library."""

    def __init__(self, width: int, height: int):
        self.width, self.height = width, height
        self._rows = [bytearray(3 * width) for _ in range(height)]

    def span(self, y: int, left: float, right: float, colour: Colour) -> None:
        first, last = max(0, int(left)), min(self.width, int(right))
        if 0 <= y < self.height and first < last:
            self._rows[y][3 * first : 3 * last] = bytes(colour) * (last - first)

    def gradient(self, top: int, bottom: int, above: Colour, below: Colour) -> None:
        for y in range(top, bottom):
            part = (y - top) / max(1, bottom - top - 1)
            colour = tuple(round(a + (b - a) * part) for a, b in zip(above, below, strict=True))
            self.span(y, 0, self.width, colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        for row in range(int(y - radius), int(y + radius) + 1):
            half = max(0.0, radius**2 - (row - y) ** 2) ** 0.5
            self.span(row, x - half, x + half, colour)

    def triangle(self, x: float, top: float, bottom: float, half: float, colour: Colour) -> None:
        """An upright one with its tip at (x, top) and a base of twice `half`."""
        for row in range(int(top), int(bottom)):
            reach = half * (row - top) / (bottom - top)
            self.span(row, x - reach, x + reach, colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        for row in range(int(top), int(bottom)):
            self.span(row, left, right, colour)

    def png(self) -> bytes:
        """The picture as a PNG file."""
        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        pixels = zlib.compress(b"".join(b"\0" + row for row in self._rows), 6)
        chunks = _chunk(b"IHDR", head) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@lru_cache
def harbour(seed: int, width: int = 480, height: int = 320) -> bytes:
    """Hills, a low sun, water and boats; another one for each seed."""
    chance, canvas = random.Random(seed), Canvas(width, height)
    above, below = SKIES[seed % len(SKIES)]
    shore = int(height * 0.6)
    canvas.gradient(0, shore, above, below)
    sun = chance.uniform(0.15, 0.85) * width, shore - chance.uniform(0.1, 0.35) * height
    canvas.disc(*sun, height * 0.07, (255, 240, 206))
    for distance in (1, 2):
        shade = tuple(part // (2 + distance) for part in below)
        for _ in range(4):
            x, tall = chance.uniform(0, width), chance.uniform(0.1, 0.3) * height / distance
            canvas.triangle(x, shore - tall, shore, tall * 1.8, shade)
    canvas.gradient(shore, height, tuple(part * 2 // 3 for part in below), tuple(part // 2 for part in above))
    for number in range(3):
        _boat(
            canvas,
            chance.uniform(0.1, 0.9) * width,
            shore + (0.08 + 0.11 * number) * height,
            height * (0.07 + 0.04 * number),
        )
    return canvas.png()


def _boat(canvas: Canvas, x: float, y: float, size: float) -> None:
    canvas.triangle(x, y - 1.6 * size, y - 0.1 * size, 0.55 * size, (246, 242, 230))
    canvas.box(x - 1, y - 1.7 * size, x + 1, y, (70, 48, 36))
    for row in range(int(0.3 * size)):
        canvas.span(int(y) + row, x - size + 1.2 * row, x + size - 1.2 * row, (92, 52, 40))


@lru_cache
def plan(seed: int, width: int = 480, height: int = 360) -> bytes:
    """A town plan on old paper: blocks, a river, a ring road; another one for each seed."""
    chance, canvas = random.Random(seed), Canvas(width, height)
    canvas.gradient(0, height, (240, 228, 198), (226, 208, 172))
    canvas.disc(width / 2, height / 2, height * 0.42, (206, 186, 148))
    canvas.disc(width / 2, height / 2, height * 0.40, (238, 226, 196))
    for column in range(9):
        for row in range(7):
            left, top = width * (0.16 + 0.076 * column), height * (0.14 + 0.104 * row)
            wide, tall = chance.uniform(0.035, 0.06) * width, chance.uniform(0.05, 0.08) * height
            shade = chance.choice([(178, 110, 88), (150, 132, 112), (120, 146, 104)])
            canvas.box(left, top, left + wide, top + tall, shade)
    slope = chance.uniform(-0.5, 0.5)
    for row in range(height):
        middle = width * 0.5 + slope * (row - height / 2)
        canvas.span(row, middle - 9, middle + 9, (120, 158, 176))
    return canvas.png()


@lru_cache
def pdf(title: str, *lines: str) -> bytes:
    """A PDF of one page with a heading and some lines, in letters of Latin-1."""
    drawing = [f"BT /F1 20 Tf 72 760 Td ({_escaped(title)}) Tj ET"]
    drawing += [f"BT /F1 11 Tf 72 {724 - 16 * row} Td ({_escaped(line)}) Tj ET" for row, line in enumerate(lines)]
    stream = "\n".join(drawing).encode("latin-1", "replace")
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R>>"
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, font]
    objects.append(b"<</Length %d>>\nstream\n%s\nendstream" % (len(stream), stream))
    return _assembled(objects)


def _assembled(objects: list[bytes]) -> bytes:
    """The objects with their table of offsets, as the format wants it."""
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(objects) + 1
    trailer = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (count, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % count + table + trailer


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" width="120" height="80" viewBox="0 0 120 80">
<rect width="120" height="80" fill="#20406a"/><circle cx="60" cy="40" r="26" fill="#f4c27a"/>
<script>alert("this must never run")</script>
</svg>
"""
HTML = b"""<!doctype html><meta charset="utf-8"><title>Programme</title>
<h1>Programme of the evening</h1><script>alert("this must never run")</script><img src=x onerror="alert(1)">
"""
