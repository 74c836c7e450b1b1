"""An instance with data for every page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask

from connector.accounts import access_tokens, user_management
from connector.catalogue import counts, crosswalk_rules, missing, takedown, thumbnails
from connector.dspace.records import ScopeKind
from connector.exports import export_jobs
from connector.exports.export_kind import ExportOptions
from connector.extensions import db, transaction, utcnow
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import counters, creation, lifecycle
from connector.models.accounts import Role
from connector.models.catalogue import CatalogueFile, CatalogueItem
from connector.models.job_kinds import JobKind
from connector.models.jobs import Job, Kind, State
from connector.models.publishing import FileMode
from connector.models.repositories import Repository, Source
from connector.publishing import destinations, publish_jobs, withdrawal_jobs
from connector.publishing.destinations import DestinationSettings
from connector.publishing.job_kind import MAKE_PRIVATE, PUBLISH, PUBLISH_PREVIEW
from connector.remapping import remap_jobs
from connector.repositories import discovery, service
from connector.tasks import carry_out
from tests.omeka_server import Omeka
from tests.publishing.steps import create, link, literal
from tests.sample import SampleRepository
from tests.sample.model import Item
from tests.signed_in import NAME, admit, turn_two_step_on

PHOTOGRAPHS, PLANS, MANUSCRIPTS = "Harbour photographs", "Town maps and plans", "مخطوطات عربية"
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
VIEWER, VIEWER_TOKEN = "مريم الأمين", "the session of that viewer"
EDITOR = "王小明"
TWO_STEP_USER, TWO_STEP_TOKEN = "سارة الكاتب", "the session of the user with two-step sign-in"
# State and columns of jobs that stand still, with their counts. Each is of a repository of its own.
STILL: dict[str, tuple[str, State, dict[str, Any], dict[str, int]]] = {
    "queued": ("مستودع الجامعة", State.QUEUED, {}, {}),
    "running": (
        "東アジア研究所リポジトリ",
        State.RUNNING,
        {"expected": 20_000, "status_text": "Reading items"},
        {"seen": 6_200, "added": 5_900, "unchanged": 300, "requests": 130},
    ),
    "waiting": (
        "Bibliothèque de la Côte",
        State.RUNNING,
        {"expected": 25, "wait_reason": "repository", "wait_detail": "The repository does not answer."},
        {"seen": 12, "added": 12, "requests": 3},
    ),
    "stopped": (LONG_WORD, State.STOPPED, {"expected": 25, "message": "Stopped."}, {"seen": 3, "added": 3}),
    "failed": (
        "Archive of the Board of Works",
        State.FAILED,
        {"message": "The repository refused the request. Ask its administrator whether a firewall blocks this app."},
        {},
    ),
}


def furnish(app: Flask, sample: SampleRepository, omeka: Omeka) -> dict[str, int | str]:
    """Import from the sample repository, publish, and do everything else.

    Return the ids of the jobs by their state, of a picture and of an item with related items, and the token of an
    invitation.
    """
    _add_items(sample)
    admit(app, VIEWER, Role.VIEWER, VIEWER_TOKEN)
    admit(app, TWO_STEP_USER, Role.EDITOR, TWO_STEP_TOKEN)
    turn_two_step_on(app, TWO_STEP_USER, TWO_STEP_TOKEN)
    with app.app_context():
        invitation = _add_users()
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        jobs = {"completed": _import(repository_id, sample, PHOTOGRAPHS), **_with_losses(repository_id, sample)}
        jobs["undone"] = _import(repository_id, sample, MANUSCRIPTS)
        jobs["undo"] = _carried_out(creation.create_undo(jobs["undone"]))
        jobs["manuscripts"] = _import(repository_id, sample, MANUSCRIPTS)
        jobs |= _with_previews(repository_id, sample, jobs["completed"])
        _take_down(repository_id, _items_of(sample, "Special files")[0])
        destination_id = _add_destination(omeka)
        jobs["publishing"] = _publish(jobs["completed"], destination_id, PUBLISH_PREVIEW)
        jobs["published"] = _publish(jobs["completed"], destination_id)
        odd = _publish(_import(repository_id, sample, "Odd metadata"), destination_id)
        jobs["made_private"] = _make_private(omeka, jobs["missing"], destination_id)
        _edit_on_both_sides(repository_id, sample, omeka, jobs["manuscripts"], destination_id)
        _take_down(repository_id, _items_of(sample, MANUSCRIPTS)[-1])  # it stays in Omeka S
        jobs["publishing-undo"] = _carried_out(creation.create_undo(odd))
        jobs["export"] = _export(jobs["problems"])
        _add_lookalikes(sample, omeka)
        jobs["adoption"] = _publish(jobs["problems"], destination_id)
        jobs["remap"] = _remap(repository_id)
        jobs |= _with_related_items(repository_id, sample)
        counts.count_if_changed()
        thumbnails.make_due()
        picture = db.select(CatalogueFile.id).where(CatalogueFile.is_stored, CatalogueFile.media_type == "image/png")
        jobs["picture"] = db.session.scalars(picture.order_by(CatalogueFile.id)).first()
        jobs |= {name: _still(number, *state) for number, (name, state) in enumerate(STILL.items())}
    return {**jobs, "invitation": invitation}


def _add_items(sample: SampleRepository) -> None:
    """Add what the library lacks: long words, and items that name each other."""
    data = sample.data
    home = data.add_collection("Long words", data.named("Maps & Pictures"), abstract=LONG_WORD)
    fields = [("dc.title", [LONG_WORD]), ("dc.contributor.author", [LONG_WORD]), ("dc.subject", [LONG_WORD])]
    data.add_file(data.add_item(home, fields), f"{LONG_WORD}.txt", b"long")
    manuscripts = _items_of(sample, MANUSCRIPTS)
    for item in manuscripts:
        others = [other.uuid for other in manuscripts if other is not item]
        data.edit(item, "relation.isPublicationOfAuthor", others)
        data.edit(item, "relation.isJournalIssueOfManuscript", others[:1])


def _add_users() -> str:
    """Add users of each state. Return the token of an invitation."""
    user_management.add(EDITOR, Role.EDITOR)
    user_management.add(LONG_WORD[:80], Role.VIEWER)
    user_management.add("Lena Left", Role.EDITOR)
    user_management.disable(user_management.find_account("Lena Left").id)
    for name in ("Library website", LONG_WORD[:80]):
        access_tokens.create(user_management.find_account(NAME).id, name)
    return user_management.add("中村 花子", Role.EDITOR)


def _import(repository_id: int, sample: SampleRepository, name: str, *, related_items: bool = False) -> int:
    scope = discovery.find(repository_id, ScopeKind.COLLECTION, sample.data.named(name).handle).scope
    options = ImportOptions(files=True, item_set_from_collection=True, related_items=related_items)
    return _carried_out(queueing.create(service.source_for(repository_id, scope), options, comment=name))


def _carried_out(job_id: int) -> int:
    assert carry_out(job_id)
    return job_id


def _with_losses(repository_id: int, sample: SampleRepository) -> dict[str, int]:
    """Import collections of which items then go missing: a few, and so many that a person is asked."""
    long_words, plans = (_import(repository_id, sample, name) for name in ("Long words", PLANS))
    files = [file for item in _items_of(sample, "Special files") for file in item.bitstreams if file.readable]
    sample.faults.add(f"/bitstreams/{files[0].uuid}/content", times=None, body="other bytes")
    sample.faults.add(f"/bitstreams/{files[1].uuid}/content", times=None, status=404)
    with_problems = _import(repository_id, sample, "Special files")
    sample.faults.clear()
    for item in _items_of(sample, PLANS) + _items_of(sample, "Long words"):
        sample.data.delete(item)
    asking, missing = _carried_out(queueing.rerun(plans)), _carried_out(queueing.rerun(long_words))
    return {"problems": with_problems, "asking": asking, "missing": missing}


def _with_previews(repository_id: int, sample: SampleRepository, imported: int) -> dict[str, int]:
    """Change the source of an import, then preview it and read sample items."""
    photographs = _items_of(sample, PHOTOGRAPHS)
    sample.data.edit(photographs[0], "dc.title", [("Herring boats leaving at dusk", "en")])
    sample.data.edit(photographs[1], "dc.description.abstract", [(f"{LONG_WORD} " * 9, "de")])
    sample.data.delete(photographs[2])
    sample.data.add_item(sample.data.named(PHOTOGRAPHS), [("dc.title", ["منارة الميناء"])])
    source_id = lifecycle.get(imported).source_id
    return {
        "preview": _carried_out(queueing.create(source_id, ImportOptions(rehearse=3), kind=Kind.PREVIEW)),
    }


def _add_destination(omeka: Omeka) -> int:
    """Add a destination with its own sites, owner and classes. Return its id."""
    sites = [omeka.add_site(title) for title in ("Virtual exhibition", LONG_WORD)]
    settings = DestinationSettings(
        "University library",
        files=FileMode.LINKS,
        template_id=1,
        owner_id=omeka.add_user("editor").id,
        site_ids=sites[:1],
        classes={"image": "http://purl.org/dc/dcmitype/Image", "thesis": "http://purl.org/ontology/bibo/Thesis"},
    )
    return destinations.add(omeka.url, omeka.admin.identity, omeka.admin.credential, settings)


def _publish(imported: int, destination_id: int, kind: JobKind = PUBLISH) -> int:
    """Publish the source of an import, or preview that. Return the id of the job."""
    return _carried_out(publish_jobs.create(lifecycle.get(imported).source_id, destination_id, kind=kind))


def _edit_on_both_sides(
    repository_id: int, sample: SampleRepository, omeka: Omeka, manuscripts: int, destination_id: int
) -> None:
    """Publish the manuscripts, change titles at the source and of all items in Omeka S, and publish again."""
    _publish(manuscripts, destination_id)
    for item in _items_of(sample, MANUSCRIPTS):
        sample.data.edit(item, "dc.title", [(f"عنوان جديد {item.handle}", "ar")])
    for raw in omeka.all_of("items"):
        titles = [{**value, "@value": f"{LONG_WORD} 中文標題"} for value in raw.get("dcterms:title", ())]
        omeka.edit(raw["o:id"], dcterms__title=titles)
    _publish(_import(repository_id, sample, MANUSCRIPTS), destination_id)


def _add_lookalikes(sample: SampleRepository, omeka: Omeka) -> None:
    """Add items to Omeka S with the addresses of special files, as if another module had imported them."""
    for item in _items_of(sample, "Special files"):
        address = link(f"http://hdl.handle.net/{item.handle}")
        create(omeka, o__title=LONG_WORD, dcterms__title=[literal(LONG_WORD)], bibo__uri=[address])


def _items_of(sample: SampleRepository, collection: str) -> list[Item]:
    return [item for item in sample.data.items.values() if item.collection.name == collection]


def _export(imported: int) -> int:
    """Export a source that has files with problems."""
    items = export_jobs.of_source(lifecycle.get(imported).source_id, with_restricted=True)
    return _carried_out(export_jobs.create(items, ExportOptions("saf", "||", True, "https://example.org/fields#")))


def _remap(repository_id: int) -> int:
    """Apply a crosswalk, then change it once more. Return the id of the job."""
    terms = {"dc.publisher": "dcterms:contributor"}
    _use(repository_id, terms, ())
    job_id = _carried_out(remap_jobs.create(repository_id))
    _use(repository_id, terms | {"local.nowhere": "bibo:doi"}, ("dc.subject.*",))
    return job_id


def _with_related_items(repository_id: int, sample: SampleRepository) -> dict[str, int]:
    """Import an album and, as related items, the pages that it names, more than its page shows."""
    data = sample.data
    home = data.add_collection("كتاب الميناء", data.named("Maps & Pictures"))
    album = data.add_item(home, [("dc.title", [LONG_WORD])])
    data.relate(album, "relation.isIssueOfAlbum", _items_of(sample, "Aldermouth Gazette"), "dc.relation")
    job_id = _import(repository_id, sample, home.name, related_items=True)
    held = db.session.scalars(db.select(CatalogueItem.id).where(CatalogueItem.source_key == album.handle))
    return {"related": job_id, "album": held.one()}


def _use(repository_id: int, terms: dict[str, str], ignored: tuple[str, ...]) -> None:
    with transaction():
        crosswalk_rules.replace(service.get(repository_id), terms, ignored)


def _make_private(omeka: Omeka, imported: int, destination_id: int) -> int:
    """Publish the missing item of an import, edit it in Omeka S, and make it private. Return the id of the job."""
    _publish(imported, destination_id)
    edited = next(item for item in omeka.all_of("items") if item["o:title"] == LONG_WORD)
    subject = {"type": "literal", "property_id": 3, "@value": "Edited there", "is_public": True}
    omeka.edit(edited["o:id"], o__is_public=True, dcterms__subject=[subject | {"property_label": "Subject"}])
    [job_id] = withdrawal_jobs.create(missing.MissingSelection().ids(), destination_id, MAKE_PRIVATE)
    return _carried_out(job_id)


def _take_down(repository_id: int, item: Item) -> None:
    takedown.take_down(repository_id, takedown.find_items(repository_id, [item.handle]), "بطلب من العائلة")


def _still(number: int, name: str, state: State, columns: dict[str, Any], counted: dict[str, int]) -> int:
    """Add a repository of this name, and a job of it in this state. Return the id of the job.

    The repository of the failed job is read over OAI-PMH.
    """
    url, speaks_oai = f"http://127.0.0.1:1/{number}", state is State.FAILED
    endpoint = "oai/request" if speaks_oai else "server/api"
    with transaction():
        repository = Repository(
            address_key=url,
            site_url=url,
            api_url=f"{url}/{endpoint}",
            endpoint=endpoint,
            generation=6 if speaks_oai else 9,
            version="" if speaks_oai else "9.3",
            speaks_oai=speaks_oai,
        )
        repository.name = name
        source = Source(kind="collection", scope_key=f"1/{number}", scope_id=str(number), name=f"{name} · 1", link=url)
        repository.sources.append(source)
        db.session.add(repository)
        db.session.flush()
        job = db.session.get_one(Job, creation.add(source, Kind.IMPORT, ImportOptions(files=True)))
        began = utcnow() - timedelta(minutes=7)
        job.state = state
        if state != State.QUEUED:
            job.started_at, job.claimed_at, job.heartbeat_at = began, began, utcnow()
        job.wait_since = began if "wait_reason" in columns else None
        for column, value in columns.items():
            setattr(job, column, value)
        counters.add(db.session.connection(), job.id, counted)
        return job.id
