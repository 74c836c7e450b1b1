"""The importer of the import tests, for changes of the catalogue between two imports."""

from tests.imports.conftest import desk, dspace

__all__ = ["desk", "dspace"]
