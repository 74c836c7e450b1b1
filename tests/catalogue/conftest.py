"""The desk of the import tests, for what is done to the catalogue between two imports."""

from tests.imports.conftest import desk, dspace

__all__ = ["desk", "dspace"]
