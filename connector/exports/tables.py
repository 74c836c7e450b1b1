"""Exports as CSV: for spreadsheets, and for the module CSV Import of Omeka S."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..catalogue.export_formats import FIXED_COLUMNS, column_texts, csv_rows
from ..i18n import gettext as _
from ..text import csv_lines
from .contents import Contents, ExportedItem

# The module maps a header to a property if it is a term, and to the addresses of files if it is this name.
# (CSVImport 2.x for Omeka S, `csvimport_automap_user_list`)
MEDIA = "media url"


def spreadsheet(contents: Contents) -> Iterator[bytes]:
    """Yield a CSV file for spreadsheets: a row for each item, with all columns of its terms."""
    columns = [*FIXED_COLUMNS, *contents.terms()]
    records = (item.record for item in _checked(contents, columns))
    return (line.encode() for line in csv_rows(columns, records, contents.separator))


def omeka(contents: Contents) -> Iterator[bytes]:
    """Yield a CSV file for CSV Import of Omeka S: terms as headers, and the addresses of the files at their source.

    Values stay as they are, since nobody should open this file in a spreadsheet.
    """
    columns = contents.terms()
    rows = (_omeka_row(contents, item, columns) for item in _checked(contents, columns))
    yield from (line.encode() for line in csv_lines([[*columns, MEDIA]]))
    yield from (line.encode() for line in csv_lines(rows))


def _omeka_row(contents: Contents, item: ExportedItem, columns: Sequence[str]) -> list[str]:
    """Return the texts of a row. Only files that everybody can download at the source have an address there.

    Omeka S would import thumbnails and licenses as media of the item. The module skips items whose files it cannot get.
    """
    addresses = [item.addresses[file.id] for file in contents.linked(item)]
    cells = [column_texts(item.record, column) for column in columns]
    return [contents.separator.join(texts) for texts in (*cells, addresses)]


def _checked(contents: Contents, columns: Sequence[str]) -> Iterator[ExportedItem]:
    """Yield the items. Note each value that contains the separator, since a reader will split it."""
    for item in contents.items():
        for column in columns:
            if any(contents.separator in text for text in column_texts(item.record, column)):
                names = {"separator": contents.separator, "column": column}
                contents.note(item, _("A value of %(column)s contains the separator %(separator)s.", **names))
        yield item
