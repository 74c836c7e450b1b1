"""Names of the files of an item in a folder of an archive."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from os.path import splitext

from ..catalogue.item_presentation import file_name
from ..i18n import gettext as _
from ..models.catalogue import CatalogueFile
from .contents import Contents, ExportedItem


def named_files(
    contents: Contents, item: ExportedItem, *, reserved: Collection[str] = (), unwanted: str = ""
) -> Mapping[str, CatalogueFile]:
    """Return the files of an item that the export contains, by their names in its folder. Note each changed name.

    `reserved`: names that no file may have, in lower case. `unwanted`: characters that are replaced, too.
    """
    files = contents.stored(item)
    plain = str.maketrans(dict.fromkeys(unwanted, "_"))
    names = unique_names([file_name(file).translate(plain) for file in files], reserved)
    for name, file in zip(names, files, strict=True):
        if name != file.label:
            contents.note(item, _("In the export, %(file)s is named %(name)s.", file=file.label, name=name))
    return dict(zip(names, files, strict=True))


def unique_names(wanted: Iterable[str], reserved: Collection[str] = ()) -> list[str]:
    """Return the names, with a number where an earlier name is the same. Upper and lower case count as the same."""
    taken, names = set(reserved), list[str]()
    for name in wanted:
        (stem, extension), number = splitext(name), 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}{extension}"
        taken.add(name.casefold())
        names.append(name)
    return names
