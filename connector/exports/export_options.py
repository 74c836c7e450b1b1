"""The options of an export, as a person chose them."""

from __future__ import annotations

from dataclasses import dataclass

from ..models.job_options import JobOptions


@dataclass(frozen=True)
class ExportOptions(JobOptions):
    """The options of an export. `format`: one of `formats.FORMATS`. `separator`: between several values of a CSV cell.

    `restricted`: also export what only a login shows at the source. `fields_url`: the start of the IRIs of fields
    without a term.
    """

    format: str
    separator: str = ""
    restricted: bool = False
    fields_url: str = ""

    @property
    def names_restricted(self) -> bool:
        """Return whether the report may name restricted items."""
        return self.restricted
