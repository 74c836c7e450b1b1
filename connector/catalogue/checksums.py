"""Checksums that sources give for files, and whether they can be compared with the content."""

from __future__ import annotations

import re
from dataclasses import dataclass

LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}  # hexadecimal digits
SHOWN = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512"}
_SYNONYMS = {"sha": "sha1"}
_HEXADECIMAL = re.compile(r"[0-9a-f]+")
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Checksum:
    """A checksum of content: the algorithm's name in `hashlib`, and lower-case hexadecimal digits."""

    algorithm: str
    digits: str

    def __str__(self) -> str:
        return f"{SHOWN[self.algorithm]} {self.digits}"


def comparable(text: str | None, algorithm: str | None) -> Checksum | None:
    """Return the checksum that a source gives, or None if it is not a checksum of the content.

    DSpace stores the ETag of an object store as “MD5”, although it consists of hexadecimal digits, a dash and a number.
    So the number of digits must match the algorithm. It determines the algorithm if the name is missing or unknown.
    """
    digits = (text or "").strip().lower()
    if not _HEXADECIMAL.fullmatch(digits):
        return None
    name = _NOT_IN_A_NAME.sub("", (algorithm or "").lower())
    name = _SYNONYMS.get(name, name)
    if name in LENGTHS:
        return Checksum(name, digits) if len(digits) == LENGTHS[name] else None
    by_length = (known for known, length in LENGTHS.items() if length == len(digits))
    return next((Checksum(known, digits) for known in by_length), None)
