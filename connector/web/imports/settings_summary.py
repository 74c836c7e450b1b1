"""Import settings in words, for the pages of jobs, of buttons that start an import, and of schedules."""

from __future__ import annotations

from ...catalogue import item_set_queries
from ...catalogue.item_set_queries import labels
from ...errors import NotFoundError
from ...i18n import gettext as _, ngettext
from ...imports.import_options import ImportOptions
from ...publishing import destinations
from ...text import human_size

Setting = tuple[str, str]


def settings_of(options: ImportOptions) -> list[Setting]:
    """Return labels and values: files and item set always, the others only if they are set."""
    found = [(_("Files"), _files(options)), (_("Item set"), _item_set(options))]
    if options.files and options.bundles:
        found.append((_("Bundles"), ", ".join(options.bundles)))
    if options.related_items:
        found.append((_("Related items"), _("yes")))
    if options.test is not None:
        found.append((_("Test import"), ngettext("%(num)s item", "%(num)s items", options.test)))
    if options.hours is not None:
        found.append((_("Only between"), "–".join(options.hours.to_json())))
    if options.publish_to is not None:
        found.append((_("Also publish to"), destinations.name_of(options.publish_to)))
    if options.full:
        found.append((_("Full check"), _("yes")))
    return found


def _files(options: ImportOptions) -> str:
    if not options.files:
        return _("no")
    each, total = options.file_limit, options.files_limit
    if each and total:
        sizes = {"each": human_size(each), "total": human_size(total)}
        return _("yes, each up to %(each)s, together up to %(total)s", **sizes)
    if each:
        return _("yes, each up to %(each)s", each=human_size(each))
    return _("yes, together up to %(total)s", total=human_size(total)) if total else _("yes")


def _item_set(options: ImportOptions) -> str:
    if options.item_set_from_collection:
        return _("from the DSpace collection")
    if options.item_set_id is not None:
        try:
            item_set = item_set_queries.get(options.item_set_id)
        except NotFoundError:
            return options.item_set or _("none")
        return labels([item_set])[item_set.id]
    return options.item_set or _("none")
