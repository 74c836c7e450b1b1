"""Random edits at the source and in Omeka S, in any order with publishing, choices, undo and crashes.

No edit of a person is ever lost, no item exists twice, and undo of everything leaves Omeka S as it was.
"""

from __future__ import annotations

import copy
import itertools
import logging
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from connector.dspace.records import SourceState
from connector.extensions import db, utcnow
from connector.jobs import creation, lifecycle
from connector.models.catalogue import CatalogueFile, CatalogueItem, Holding
from connector.models.jobs import ACTIVE, Job, State
from connector.models.publishing import Choice, FileMode, PublishedItem, PublishingConflict
from connector.publishing import adoptions, conflicts, destinations, publish_jobs
from connector.publishing.adoptions import Answer
from connector.publishing.destinations import DestinationSettings
from connector.tasks import carry_out
from tests.command_line import CommandLine
from tests.conftest import app_at, let_go
from tests.omeka_server import Omeka
from tests.thoroughness import IS_THOROUGH, SEED, share

from .steps import begin_long_ago, link, literal, run_and_kill, source, state

SECRET_KEY = "a key for the processes of this test only"
NAME = "Harbour photographs"
PROPERTIES = {"dcterms:title": 1, "dcterms:subject": 3, "dcterms:creator": 2}
CLASS, VISIBILITY, SETS = "o:resource_class", "o:is_public", "o:item_set"
ITEMS = 3  # that the source holds at first
places = st.integers(0, ITEMS)
properties = st.sampled_from(sorted(PROPERTIES))


class World(logging.Handler):
    """An instance and an Omeka S site, which each example begins with as they were at first. It hears of errors."""

    def __init__(self, folder: Path, omeka: Omeka):
        super().__init__(logging.ERROR)
        self.folder, self.omeka = folder, omeka
        self.errors: list[str] = []
        self.app = app_at(folder, CONNECTOR_SECRET_KEY=SECRET_KEY)
        self.app.config["SECRET_KEY"] = SECRET_KEY
        with self.app.app_context():
            key, wanted = omeka.admin, DestinationSettings("Library", files=FileMode.UPLOAD)
            self.destination = destinations.add(omeka.url, key.identity, key.credential, wanted)
            self.source = source(NAME)
            held = db.select(Holding.item_id).where(Holding.source_id == self.source).order_by(Holding.item_id)
            self.items = list(db.session.scalars(held))
            self.contents = list(db.session.scalars(db.select(CatalogueFile.sha256).distinct().order_by("sha256")))
            self.contents = [sha256 for sha256 in self.contents if sha256][:12]
            others = (Holding.source_id == self.source, Holding.item_id.in_(self.items[ITEMS:]))
            db.session.execute(db.update(Holding).where(*others).values(left_at=utcnow()))
            db.session.commit()
        let_go(self.app)
        self._first = (folder / "connector.db").read_bytes()

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(logging.Formatter().format(record))

    def begin(self) -> None:
        """Put the database and the site back as they were at first."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
        for path in self.folder.glob("connector.db*"):
            path.unlink()
        (self.folder / "connector.db").write_bytes(self._first)
        self.omeka.resources.clear()
        self.omeka.files.clear()


class BothSides(RuleBasedStateMachine):
    """`edits`: what a person left in a part of a resource, by its id and the part. `touched`: what a person edited.

    `foreign`: items of another publisher, as they were at first. `kept_sets`: item sets that an undo may have kept for
    an edited item which a person deleted afterwards. `newest_sets`: the last item set that a person made for an item.

    No rule has a precondition: after a kill, the state differs from run to run, and Hypothesis could not draw the same
    steps again.
    """

    world: World

    @initialize()
    def begin(self) -> None:
        self.world.begin()
        self.omeka = self.world.omeka
        self.context = self.world.app.app_context()
        self.context.push()
        self.texts = (f"text {number}" for number in itertools.count(1))
        self.edits: dict[tuple[int, str], Any] = {}
        self.touched, self.own, self.foreign = set[int](), dict[int, Any](), dict[int, Any]()
        self.kept_sets, self.newest_sets = set[int](), dict[int, int]()
        self.crashes, self.said = 0, ""
        self.world.errors.clear()

    def teardown(self) -> None:
        if not hasattr(self, "context"):
            return
        try:
            self._undo_everything()
        finally:
            db.session.remove()
            self.context.pop()

    # The source

    @rule(place=places, name=properties, how=st.sampled_from(["add", "change", "remove"]), language=st.booleans())
    def change_value_at_source(self, place: int, name: str, how: str, language: bool) -> None:
        item = self._item(place)
        old = item.mapped_values.get(name, [])
        new = [{"value": next(self.texts), "language": "en" if language else None}]
        values = {"add": [*old, *new], "change": [*new, *old[1:]], "remove": old[1:]}[how]
        rest = {term: group for term, group in item.mapped_values.items() if term != name}
        item.mapped_values = rest | ({name: values} if values else {})
        db.session.commit()

    @rule(place=places, number=st.integers(0, 11), how=st.sampled_from(["add", "change", "remove"]))
    def change_file_at_source(self, place: int, number: int, how: str) -> None:
        item_id, sha256 = self._item(place).id, self.world.contents[number]
        mine = db.select(CatalogueFile).where(CatalogueFile.item_id == item_id, CatalogueFile.sha256.is_not(None))
        file = db.session.scalars(mine.order_by(CatalogueFile.position.desc())).first()
        if how == "remove" and file is not None:
            db.session.delete(file)
        elif how == "change" and file is not None:
            file.sha256 = sha256
        else:
            values = {"item_id": item_id, "position": 9, "bundle": "ORIGINAL", "name": "new.png", "sha256": sha256}
            db.session.add(CatalogueFile(**values, bitstream_id=next(self.texts), status="stored"))
        db.session.commit()

    @rule(place=places, state=st.sampled_from([SourceState.PRESENT, SourceState.WITHDRAWN]))
    def withdraw_at_source(self, place: int, state: SourceState) -> None:
        self._item(place).source_state = state.value
        db.session.commit()

    @rule(place=places)
    def add_or_move_at_source(self, place: int) -> None:
        mine = (Holding.source_id == self.world.source, Holding.item_id == self._item(place).id)
        holding = db.session.scalars(db.select(Holding).where(*mine)).one()
        holding.left_at = None if holding.left_at else utcnow()
        db.session.commit()

    @rule(place=places, is_hidden=st.booleans())
    def hide_in_catalogue(self, place: int, is_hidden: bool) -> None:
        self._item(place).is_hidden = is_hidden
        db.session.commit()

    # A person in Omeka S

    @rule(place=places, name=properties, how=st.sampled_from(["add", "change", "remove", "clear", "hide"]))
    def edit_value(self, place: int, name: str, how: str) -> None:
        if (raw := self._there(place)) is None:
            return
        old = copy.deepcopy(raw.get(name, []))
        new = {"type": "literal", "property_id": PROPERTIES[name], "@value": next(self.texts), "is_public": True}
        new |= {"property_label": "A"}
        values = {
            "add": [*old, new],
            "change": [new, *old[1:]],
            "remove": old[1:],
            "clear": [],
            "hide": [value | {"is_public": False} for value in old],
        }[how]
        if _texts(values) != _texts(old):
            self.omeka.edit(raw["o:id"], **{name.replace(":", "__"): values or None})
            self._note(raw["o:id"], name)

    @rule(place=places)
    def edit_visibility(self, place: int) -> None:
        if (raw := self._there(place)) is None:
            return
        self.omeka.edit(raw["o:id"], o__is_public=not raw["o:is_public"])
        if self.edits.pop((raw["o:id"], VISIBILITY), None) is None:
            self._note(raw["o:id"], VISIBILITY)

    @rule(place=places, number=st.integers(0, 3))
    def edit_class(self, place: int, number: int) -> None:
        if (raw := self._there(place)) is not None:
            chosen = self.omeka.classes[number]["o:id"]
            self.omeka.edit(raw["o:id"], o__resource_class={"o:id": chosen})
            self._note(raw["o:id"], CLASS)

    @rule(place=places, leaves=st.booleans())
    def edit_item_sets(self, place: int, leaves: bool) -> None:
        if (raw := self._there(place)) is None:
            return
        number = self._create("item_sets", {"o:title": "Exhibition", "o:is_open": False})
        sets = [] if leaves else list(raw["o:item_set"])
        self.omeka.edit(raw["o:id"], o__item_set=[*sets, {"@id": "", "o:id": number}])
        self.newest_sets[raw["o:id"]] = number
        self._note(raw["o:id"], SETS)

    @rule(place=places)
    def add_medium(self, place: int) -> None:
        if (raw := self._there(place)) is not None:
            values = {"o:ingester": "html", "o:item": {"o:id": raw["o:id"]}, "o:source": None, "o:size": None}
            self._create("media", values | {"o:sha256": None, "o:media_type": None, "@owner_position": 9})
            self.touched.add(raw["o:id"])

    @rule(place=places)
    def edit_medium(self, place: int) -> None:
        if (raw := self._there(place)) is not None and (media := self.omeka._media_of(raw["o:id"])):
            number = media[0]["o:id"]
            self.omeka.edit(number, o__alt_text=next(self.texts))
            self.edits[number, "o:alt_text"] = media[0]["o:alt_text"]
            self._keep_own()
            self.touched |= {raw["o:id"], number}

    @rule(place=places)
    def delete_medium(self, place: int) -> None:
        if (raw := self._there(place)) is not None and (media := self.omeka._media_of(raw["o:id"])):
            self._delete(media[0]["o:id"])

    @rule(place=places)
    def reorder_media(self, place: int) -> None:
        raw = self._there(place)
        if raw is None or (raw["o:id"], "order") in self.edits:
            return
        if len(media := self.omeka._media_of(raw["o:id"])) > 1:
            for position, medium in enumerate(reversed(media), 1):
                medium["@owner_position"] = position
            self.edits[raw["o:id"], "order"] = [medium["o:id"] for medium in reversed(media)]
            self.touched.add(raw["o:id"])
            self._keep_own()

    @rule(place=places, has_title=st.booleans())
    def add_foreign_item(self, place: int, has_title: bool) -> None:
        """Add what another publisher has made of an item of the source, which has not been published yet."""
        item = self._item(place)
        known = db.session.scalar(db.select(PublishedItem.id).where(PublishedItem.item_id == item.id))
        if known is None and not any(address == item.handle_link for address, _ in self.foreign.values()):
            title = {"dcterms:title": [literal(next(self.texts))]} if has_title else {}
            values = {"bibo:uri": [link(item.handle_link)], "o:item_set": [], "o:site": [], **title}
            number = self._create("items", values)
            del self.own[number]
            self.foreign[number] = (item.handle_link, state(self.omeka)[number])
            if has_title:
                self.edits[number, "dcterms:title"] = self._part(number, "dcterms:title")
        db.session.rollback()

    @rule(place=places)
    def delete_item(self, place: int) -> None:
        if (raw := self._there(place)) is not None:
            if raw["o:id"] in self.touched:
                self.kept_sets |= {one["o:id"] for one in raw["o:item_set"]}
            for medium in self.omeka._media_of(raw["o:id"]):
                self._delete(medium["o:id"])
            self._delete(raw["o:id"])

    # Jobs

    @rule()
    def publish(self) -> None:
        self._forget_agreed()
        begin_long_ago()
        assert carry_out(publish_jobs.create(self.world.source, self.world.destination))

    @rule(number=st.integers(0, 9))
    def undo(self, number: int) -> None:
        begin_long_ago()
        if jobs := self._may_undo():
            assert carry_out(creation.create_undo(jobs[number % len(jobs)]))

    @rule(number=st.integers(0, 9), choice=st.sampled_from(Choice))
    def choose(self, number: int, choice: Choice) -> None:
        if not (rows := self._open_conflicts()):
            return
        row = rows[number % len(rows)]
        omeka_id, part = row.published_item.omeka_id, _part_of(row.name)
        if choice is Choice.OURS:
            self.edits.pop((omeka_id, part), None)
        conflicts.choose(self.world.destination, choice, row.id)

    @rule(answer=st.sampled_from([Answer.ALL, Answer.NONE]))
    def answer(self, answer: Answer) -> None:
        if not (jobs := self._asking()):
            return
        self._forget_agreed()
        begin_long_ago()
        adoptions.answer(jobs[-1], answer)
        assert carry_out(jobs[-1])

    @rule(goes_on=st.booleans())
    def end_waiting_jobs(self, goes_on: bool) -> None:
        begin_long_ago()
        self._forget_agreed()
        for job_id in self._active():
            carry_out(job_id) if goes_on else lifecycle.stop(job_id)

    @rule(number=st.integers(0, 9))
    def resume_stopped_undo(self, number: int) -> None:
        begin_long_ago()
        if jobs := self._stopped_undos():
            self._resume(jobs[number % len(jobs)])

    @rule(number=st.integers(1, 8), is_undo=st.booleans())
    def crash(self, number: int, is_undo: bool) -> None:
        """Kill a process after it has written so often. Its job waits in the queue."""
        if self.crashes == (3 if IS_THOROUGH else 1) or self._active():
            return
        self._forget_agreed()
        begin_long_ago()
        self.crashes += 1
        jobs = self._may_undo()
        command = ("undo", str(jobs[-1])) if is_undo and jobs else ("publish", "--source", NAME, "--to", "Library")
        db.session.remove()
        flask = CommandLine(self.world.folder)
        flask.environment["CONNECTOR_SECRET_KEY"] = SECRET_KEY
        self.said = run_and_kill(flask, self.omeka, _is_change, *command, number=number).stderr
        lifecycle.recover()

    @rule()
    def lose_an_answer(self) -> None:
        def lose(request: Any) -> None:
            if _is_change(request):
                self.omeka.faults.instead, self.omeka.faults.lost = (lambda request: None), 1

        self.omeka.faults.instead = lose

    # What is always true

    @invariant()
    def no_edit_is_lost(self) -> None:
        for (number, part), expected in getattr(self, "edits", {}).items():
            if part == "order":  # an undo deletes what its job uploaded, and the item if nothing is left in order
                expected = [one for one in expected if one in self.omeka.resources]
                if len(expected) < 2:
                    continue
            assert number in self.omeka.resources, (number, part)
            assert self._part(number, part) == expected, (number, part)
        for number, raw in getattr(self, "own", {}).items():
            assert self.omeka.resources[number] == raw

    @invariant()
    def nothing_exists_twice(self) -> None:
        items = self.world.omeka.all_of("items")
        values = [value["@value"] for raw in items for value in raw.get("dcterms:identifier", ())]
        ours = Counter(value for value in values if value.startswith("dspace:"))
        assert not [name for name, times in ours.items() if times > 1]
        files = [raw for raw in self.world.omeka.all_of("media") if raw["o:sha256"]]
        stored = Counter((raw["o:item"]["o:id"], raw["o:sha256"]) for raw in files)
        assert not [key for key, times in stored.items() if times > 1]

    @invariant()
    def jobs_end_without_an_error_of_this_app(self) -> None:
        if hasattr(self, "context"):
            db.session.expire_all()
            failed = db.session.scalars(db.select(Job.message).where(Job.state == State.FAILED)).all()
            assert not failed, (self.world.errors, self.said)

    # Helpers

    def _undo_everything(self) -> None:
        self.omeka.faults.instead, self.omeka.faults.lost = (lambda request: None), 0
        begin_long_ago()
        self._forget_agreed()
        for job_id in self._active():
            carry_out(job_id)
        while jobs := self._stopped_undos():
            self._resume(jobs[-1])
            self.no_edit_is_lost()
        while jobs := self._may_undo():
            assert carry_out(creation.create_undo(jobs[-1]))
            self.no_edit_is_lost()
        self.jobs_end_without_an_error_of_this_app()
        left = set(self.omeka.resources) - set(self.own)
        items = {raw["o:id"] for raw in self.omeka.all_of("items")}
        assert items <= {*self.touched, *self.foreign}, "an item that nobody edited is left"
        there = state(self.omeka)
        for number in self.foreign.keys() & items - self.touched:
            assert there[number] == self.foreign[number][1]
        media = {raw["o:id"] for raw in self.omeka.all_of("media")} - set(self.own)
        assert {self.omeka.resources[number]["o:item"]["o:id"] for number in media} <= items
        sets = left - items - media - self.kept_sets
        assert not sets or items & self.touched, "an item set that nobody edited is left"

    def _item(self, place: int) -> CatalogueItem:
        return db.session.get_one(CatalogueItem, self.world.items[place])

    def _there(self, place: int) -> dict[str, Any] | None:
        """Return the item at the site that was published from an item of the catalogue."""
        ids = {raw["o:id"] for raw in self.omeka.all_of("items")}
        known = db.select(PublishedItem).where(PublishedItem.item_id == self.world.items[place])
        row = db.session.scalar(known)
        number = row and (row.omeka_id or self._with_identifier(row.identifier))
        db.session.rollback()
        return self.omeka.resources[number] if number in ids else None

    def _with_identifier(self, identifier: str) -> int | None:
        """Return the id of an item whose creation was not answered."""
        for raw in self.omeka.all_of("items"):
            if identifier in (value["@value"] for value in raw.get("dcterms:identifier", ())):
                return raw["o:id"]
        return None

    def _note(self, number: int, part: str) -> None:
        self.edits[number, part] = copy.deepcopy(self._part(number, part))
        self.touched.add(number)

    def _part(self, number: int, part: str) -> Any:
        raw = self.omeka.resources[number]
        if part in PROPERTIES:
            return _texts(raw.get(part, []))
        if part == SETS:  # if an undo deletes our set, the next job makes a new one and puts the item there
            known = [one for one in self.omeka.resources if one <= self.newest_sets[number]]
            return [one["o:id"] for one in raw[part] if one["o:id"] in known]
        if part == "order":
            media = sorted(self.omeka._media_of(number), key=lambda one: (one.get("@owner_position") or 0, one["o:id"]))
            return [one["o:id"] for one in media if one["o:id"] in self.edits[number, part]]
        if part == CLASS:
            return raw[part]["o:id"]
        return raw[part]

    def _create(self, kind: str, values: dict[str, Any]) -> int:
        """Create a resource as a person does."""
        number, self.omeka._next_id = self.omeka._next_id, self.omeka._next_id + 1
        names = {"item_sets": "o:ItemSet", "items": "o:Item", "media": "o:Media"}
        now = self.omeka._now()
        raw = {"@id": f"{self.omeka.url}/api/{kind}/{number}", "@type": names[kind], "o:id": number, "@owner": 1}
        raw |= {"o:owner": {"o:id": 1}, "o:created": now, "o:modified": now, "o:is_public": True, "o:title": None}
        raw |= {"o:resource_class": None, "o:resource_template": None, **values}
        self.omeka.resources[number] = raw
        self.own[number] = copy.deepcopy(raw)
        return number

    def _keep_own(self) -> None:
        self.own = {number: copy.deepcopy(self.omeka.resources[number]) for number in self.own}

    def _delete(self, number: int) -> None:
        del self.omeka.resources[number]
        self.own.pop(number, None)
        self.foreign.pop(number, None)
        self.edits = {key: value for key, value in self.edits.items() if key[0] != number}
        for key, order in self.edits.items():
            if key[1] == "order":
                self.edits[key] = [one for one in order if one != number]

    def _forget_agreed(self) -> None:
        """Forget edits that the source has made, too: from now on they count as values of the source."""
        for number, part in list(self.edits):
            item = self._source_of(number)
            if item is None:
                continue
            if part in PROPERTIES and not self.edits[number, part] and not item.mapped_values.get(part):
                del self.edits[number, part]
            is_open = item.source_state == SourceState.PRESENT and not item.is_hidden
            if part == VISIBILITY and self.edits[number, part] == is_open:
                del self.edits[number, part]
        db.session.rollback()

    def _source_of(self, number: int) -> CatalogueItem | None:
        """Return the item that was published as this one, also if its creation was not answered."""
        identifiers = [value["@value"] for value in self.omeka.resources[number].get("dcterms:identifier", ())]
        query = db.select(CatalogueItem).join(PublishedItem, PublishedItem.item_id == CatalogueItem.id)
        unanswered = PublishedItem.omeka_id.is_(None) & PublishedItem.identifier.in_(identifiers)
        return db.session.scalar(query.where((PublishedItem.omeka_id == number) | unanswered))

    def _asking(self) -> list[int]:
        db.session.expire_all()
        return [job.id for job in db.session.scalars(db.select(Job).order_by(Job.id)) if job.asks]

    def _active(self) -> list[int]:
        return list(db.session.scalars(db.select(Job.id).where(Job.state.in_(ACTIVE)).order_by(Job.id)))

    def _may_undo(self) -> list[int]:
        if self._active():
            return []
        db.session.expire_all()
        rows = db.session.scalars(db.select(Job).where(Job.kind == "publish").order_by(Job.id))
        return [job.id for job in rows if job.can_undo]

    def _stopped_undos(self) -> list[int]:
        """Return the undos that a person can resume."""
        if self._active():
            return []
        db.session.expire_all()
        rows = db.session.scalars(db.select(Job).where(Job.kind == "publish_undo").order_by(Job.id))
        return [job.id for job in rows if job.can_resume]

    def _resume(self, job_id: int) -> None:
        lifecycle.resume(job_id)
        assert carry_out(job_id)

    def _open_conflicts(self) -> list[PublishingConflict]:
        db.session.expire_all()
        return list(db.session.scalars(conflicts.query(self.world.destination).order_by(PublishingConflict.id)))


def _is_change(request: Any) -> bool:
    """Return whether a request changes the site. The checks of a key only seem to create a medium and a site."""
    is_check = request.path in ("/api/media", "/api/sites") and request.mimetype != "multipart/form-data"
    return request.method != "GET" and not is_check


def _texts(values: list[dict[str, Any]]) -> list[tuple[str, str | None, bool]]:
    return [(value["@value"], value.get("@language"), value["is_public"]) for value in values]


def _part_of(name: str) -> str:
    names = {"resource_class": CLASS, "is_public": VISIBILITY}
    return names.get(name) or f"dcterms:{name.rpartition('/')[2]}"


@pytest.fixture
def world(stock: Path, tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "stocked"
    shutil.copytree(stock, folder)
    with Omeka() as omeka:
        world = World(folder, omeka)
        logging.getLogger("connector").addHandler(world)
        yield world
        logging.getLogger("connector").removeHandler(world)


@pytest.mark.timeout(10_000 if IS_THOROUGH else 300)
def test_no_edit_is_lost_no_item_exists_twice_and_undo_of_everything_leaves_only_edited_items(world):
    class Machine(BothSides):
        pass

    Machine.world = world
    if IS_THOROUGH:
        seed(SEED)(Machine)
        print(f"CONNECTOR_TEST_SEED={SEED}")
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=share(400, 20),
            stateful_step_count=40 if IS_THOROUGH else 15,
            derandomize=not IS_THOROUGH,
            phases=list(Phase) if IS_THOROUGH else [Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    let_go(world.app)
