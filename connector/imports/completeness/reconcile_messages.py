"""Messages about the result of an import, each for one kind of problem or fact, or "" where there is none."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from ...dspace.endpoint_candidates import ALL_ITEMS
from ...dspace.records import ScopeKind
from ...extensions import db
from ...i18n import gettext as _, lazy_gettext as _l, ngettext, ngettext_or_empty
from ...models.catalogue import HOLDING, ITEM
from ..context.import_context import ImportContext
from ..results import import_report

MAX_NAMES = 5
_GONE = {
    ScopeKind.COLLECTION: _l("The collection is no longer at the source."),
    ScopeKind.COMMUNITY: _l("The community is no longer at the source."),
    ScopeKind.ITEM: _l("The item is no longer at the source."),
}
_GONE_OR_CLOSED = {
    ScopeKind.COLLECTION: _l("The collection is no longer at the source, or it is no longer open to the public."),
    ScopeKind.COMMUNITY: _l("The community is no longer at the source, or it is no longer open to the public."),
    ScopeKind.ITEM: _l("The item is no longer at the source, or it is no longer open to the public."),
}


def gone_scope(context: ImportContext) -> str:
    """Return a message that the imported scope is gone, or "" if it is there."""
    if not context.progress.scope_is_gone:
        return ""
    sentences = _GONE if context.client.tells_unknown else _GONE_OR_CLOSED
    return str(sentences[context.scope.kind])


def read_over_oai(context: ImportContext) -> str:
    """Return a message about what an import over OAI-PMH cannot know, or "" for an import over REST."""
    if not context.repository.server.speaks_oai:
        return ""
    query = select(func.max(ITEM.c.last_modified)).join(HOLDING, HOLDING.c.item_id == ITEM.c.id)
    newest = db.session.scalar(query.where(HOLDING.c.source_id == context.source_id, HOLDING.c.left_at.is_(None)))
    return _(
        "Read over OAI-PMH: items that are not public are not listed, and changes appear only after the repository has "
        "updated its index. The newest record is of %(day)s.",
        day=(newest or "–")[:10],
    )


def read_from_other_context(context: ImportContext) -> str:
    """Return a message that another context of OAI-PMH was read than that with all items, or ""."""
    server = context.repository.server
    if not server.speaks_oai or server.api_url.endswith(f"/{ALL_ITEMS}"):
        return ""
    return _(
        "Only the OAI-PMH context “%(name)s” of DSpace gives all items and unchanged values. %(url)s may leave out "
        "items and change values.",
        name=ALL_ITEMS,
        url=server.api_url,
    )


def read_beside_rest(context: ImportContext) -> str:
    """Return a message about the items that were read over OAI-PMH beside the REST API, or ""."""
    oai = context.client.oai_beside_rest
    return ngettext_or_empty(
        "%(num)s item was read over OAI-PMH, and confirmed over the REST API.",
        "%(num)s items were read over OAI-PMH, and each of them was confirmed over the REST API.",
        oai.items_read if oai else 0,
    )


def failures_without_item(context: ImportContext) -> str:
    """Return a message about failures that a retry could not retry because they name no item, or ""."""
    retried = context.options.retry
    if not retried or not (number := import_report.nameless_failures(retried)):
        return ""
    return ngettext(
        "%(num)s failure names no item that could be retried separately. A re-run reads all items.",
        "%(num)s failures name no item that could be retried separately. A re-run reads all items.",
        number,
    )


def unread_items(number: int) -> str:
    """Return a message about items that could not be read, or ""."""
    return ngettext_or_empty("%(num)s item could not be read.", "%(num)s items could not be read.", number)


def files_not_downloaded(number: int) -> str:
    """Return a message about files that could not be downloaded, or ""."""
    return ngettext_or_empty("%(num)s file could not be downloaded.", "%(num)s files could not be downloaded.", number)


def missing_files(number: int) -> str:
    """Return a message about files that a job is the first to find missing, or ""."""
    return ngettext_or_empty(
        "%(num)s file is listed at the source, but is missing there.",
        "%(num)s files are listed at the source, but are missing there.",
        number,
    )


def files_with_another_checksum(number: int) -> str:
    """Return a message about files with another checksum, or ""."""
    return ngettext_or_empty(
        "%(num)s file is stored with another checksum than at the source.",
        "%(num)s files are stored with another checksum than at the source.",
        number,
    )


def unlisted_items(names: Sequence[str]) -> str:
    """Return a message about items that can be read but are not listed, or ""."""
    return ngettext_or_empty(
        "%(num)s item can be read but is no longer listed: %(names)s. The search index of the repository may have to "
        "be rebuilt.",
        "%(num)s items can be read but are no longer listed: %(names)s. The search index of the repository may have to "
        "be rebuilt.",
        len(names),
        names=_first_names(names),
    )


def named_items(number: int) -> str:
    """Return a message about the items that were read because others name them, or ""."""
    return ngettext_or_empty(
        "Also read: %(num)s related item that these items name.",
        "Also read: %(num)s related items that these items name.",
        number,
    )


def unread_named_items(ids: Sequence[str]) -> str:
    """Return a message about named items that could not be read, or ""."""
    return ngettext_or_empty(
        "No item could be read for %(num)s id that these items name: %(names)s. It may be deleted or restricted.",
        "No items could be read for %(num)s ids that these items name: %(names)s. They may be deleted or restricted.",
        len(ids),
        names=_first_names(ids),
    )


def no_named_items(context: ImportContext) -> str:
    """Return a message that named items cannot be searched, although the options ask for them, or ""."""
    if context.client.can_select or not context.options.related_items:
        return ""
    return _("This repository cannot be searched for related items.")


def named_items_left_out(number: int) -> str:
    """Return a message about named items that are held and that an import without the option did not read, or ""."""
    return ngettext_or_empty(
        "%(num)s related item was not read, because “Import related items” is off.",
        "%(num)s related items were not read, because “Import related items” is off.",
        number,
    )


def items_without_set(number: int) -> str:
    """Return a message about items that are in no item set, or ""."""
    return ngettext_or_empty(
        "%(num)s item is in no item set, because the collection cannot be read.",
        "%(num)s items are in no item set, because the collection cannot be read.",
        number,
    )


def unchecked_files(number: int) -> str:
    """Return a message about files whose access was not checked, or ""."""
    return ngettext_or_empty(
        "Later imports check whether %(num)s file is still open or closed at the source.",
        "Later imports check whether %(num)s files are still open or closed at the source.",
        number,
    )


def items_of_unknown_state(names: Sequence[str]) -> str:
    """Return a message about items whose state the repository did not return, or ""."""
    return ngettext_or_empty(
        "The repository did not say whether %(num)s item still exists: %(names)s.",
        "The repository did not say whether %(num)s items still exist: %(names)s.",
        len(names),
        names=_first_names(names),
    )


def unlisted_files(context: ImportContext, number: int) -> str:
    """Return a message about items whose files could not be listed, or "". OAI-PMH lists files only as `xoai`."""
    if context.repository.server.speaks_oai:
        return ngettext_or_empty(
            "The files of %(num)s item are unknown: OAI-PMH of this repository gives no records as “xoai”. Read as "
            "“dim”, authorities are missing, and on DSpace 4 to 6 all fields whose names do not begin with “dc.”.",
            "The files of %(num)s items are unknown: OAI-PMH of this repository gives no records as “xoai”. Read as "
            "“dim”, authorities are missing, and on DSpace 4 to 6 all fields whose names do not begin with “dc.”.",
            number,
        )
    return ngettext_or_empty(
        "The files of %(num)s item could not be listed. Run the import again later.",
        "The files of %(num)s items could not be listed. Run the import again later.",
        number,
    )


def shared_handles(handles: Sequence[str]) -> str:
    """Return a message about handles that several items have, or ""."""
    return ngettext_or_empty(
        "One handle belongs to more than one item: %(names)s. All these items are here. Tell the repository.",
        "%(num)s handles belong to more than one item: %(names)s. All these items are here. Tell the repository.",
        len(handles),
        names=_first_names(handles),
    )


def _first_names(names: Sequence[str]) -> str:
    """Return the first MAX_NAMES names and the number of the others."""
    first, more = ", ".join(names[:MAX_NAMES]), len(names) - MAX_NAMES
    return (
        ngettext("%(names)s and %(num)s more", "%(names)s and %(num)s more", more, names=first) if more > 0 else first
    )
