"""Makes thumbnails of untrusted files, in a process of its own with limits (see `thumbnail_process`).

Each line of the input is a JSON object {source, target, kind}: the paths of a file and of the thumbnail to write, and
"picture" or "pdf". Each line of the output is {width, height}, in pixels, of the picture or of the first page as
rendered, or {problem}. This script imports nothing of the app, and its environment is empty.
"""

import json
import os
import resource
import sys

import pypdfium2
from PIL import Image, ImageOps

EDGE = 480  # pixels of the longer edge of a thumbnail
MOST_PIXELS = 100_000_000  # to decode
MOST_MEMORY = 2**31  # bytes
MOST_CPU_SECONDS = 20  # for one file
MOST_WRITTEN = 2**20  # bytes of one thumbnail
ORIENTATION = 0x0112  # a tag of EXIF
FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP")

Image.MAX_IMAGE_PIXELS = None  # `make` has a limit of its own


def make(source: str, target: str, kind: str) -> dict[str, int]:
    """Write the thumbnail of a file. Return the size of the picture or of the rendered page, as people see it."""
    picture = _first_page(source) if kind == "pdf" else Image.open(source, formats=FORMATS)
    width, height = picture.size
    picture.draft("RGB", (EDGE, EDGE))  # decodes a JPEG at a smaller size
    if picture.width * picture.height > MOST_PIXELS:
        raise ValueError(f"{width} × {height} pixels are too many")
    if picture.getexif().get(ORIENTATION, 1) > 4:  # on its side; this decodes a PNG
        width, height = height, width
    small = _converted(picture)
    small.thumbnail((EDGE, EDGE))
    ImageOps.exif_transpose(small, in_place=True)
    small.save(target, "WEBP", quality=75)
    return {"width": width, "height": height}


def _first_page(source: str) -> Image.Image:
    page = pypdfium2.PdfDocument(source)[0]
    picture: Image.Image = page.render(scale=EDGE / max(*page.get_size(), 1)).to_pil()
    return picture


def _converted(picture: Image.Image) -> Image.Image:
    """Return a picture with 8 bits a channel, because only such ones can be reduced well and written."""
    if picture.mode.startswith("I;16"):
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


def _limit() -> None:
    os.nice(19)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_cpu() -> None:
    """Let the kernel end this process if the next file takes too long."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + MOST_CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def main() -> None:
    """Answer each line of the input."""
    _limit()
    for line in sys.stdin:
        _limit_cpu()
        try:
            answer: dict[str, object] = dict(make(**json.loads(line)))
        except Exception as error:  # whatever a broken file makes the libraries raise
            answer = {"problem": f"{type(error).__name__}: {error}"[:500]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
