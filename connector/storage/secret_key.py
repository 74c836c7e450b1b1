"""The secret key of an instance, which signs its cookies and encrypts its stored passwords."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from config import SettingError
from setting_parsers import LEAST_KEY


def secret_key(instance: Path) -> str:
    """Return the secret key of this instance. Create it on first use, in a file with mode 600.

    Safe if two processes start at the same time. Raise SettingError if the file is damaged.
    """
    path = instance / "secret_key"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=instance) as file:  # created with mode 600
            file.write(secrets.token_hex(32))
            file.flush()
            with suppress(FileExistsError):  # a link appears complete, so no process reads half a key
                os.link(file.name, path)
    with suppress(UnicodeDecodeError, IsADirectoryError, FileNotFoundError):
        key = path.read_text().strip()
        if len(key) >= LEAST_KEY:
            return key
    raise SettingError(f"The secret key in {path} is damaged: remove it, and everybody signs in again.")
