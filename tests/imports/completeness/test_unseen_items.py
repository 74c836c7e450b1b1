"""An import that would mark unusually many items asks a person first, and marks nothing before the answer."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import event

from connector.errors import ConflictError
from connector.extensions import db
from connector.imports.results.missing_questions import Answer
from connector.jobs import creation, lifecycle

from ..catalogue import records


@pytest.fixture
def imported(importer, dspace):
    """Ten items, imported."""
    importer.app.config["MAX_MISSING_PERCENT"] = 20
    for number in range(10):
        dspace.add(f"i{number}")
    assert importer.run().clean
    return importer


def drop(dspace, number: int) -> None:
    for index in range(number):
        del dspace.items[f"i{index}"]


def states(importer) -> list[str]:
    return sorted(record["source_state"] for record in records(importer.app))


def test_missing_items_within_the_setting_are_marked_without_a_question(imported, dspace):
    drop(dspace, 2)

    job = imported.run()

    assert (job.state, job.clean, job.counts["vanished"]) == ("completed", True, 2)


def test_missing_items_beyond_the_setting_ask_a_question_and_mark_nothing(imported, dspace):
    drop(dspace, 3)

    job = imported.run()

    assert (job.state, job.asks, job.counts["vanished"]) == ("stopped", True, 0)
    assert "only 7 of the 10 items" in job.message
    assert states(imported) == ["present"] * 10
    assert not job.can_resume


def test_an_empty_list_always_asks_a_question(imported, dspace):
    imported.app.config["MAX_MISSING_PERCENT"] = 100
    drop(dspace, 10)

    job = imported.run()

    assert job.asks
    assert "lists none of the 10 items" in job.message
    assert states(imported) == ["present"] * 10


def test_the_answer_yes_marks_the_missing_items(imported, dspace):
    drop(dspace, 10)

    job = imported.resume(imported.run().id, Answer.MARK)

    assert (job.state, job.clean, job.counts["vanished"]) == ("completed", True, 10)
    assert states(imported) == ["vanished"] * 10


def test_the_answer_no_completes_the_import_and_reports_the_number(imported, dspace):
    drop(dspace, 4)

    job = imported.resume(imported.run().id, Answer.LEAVE)

    assert (job.state, job.clean, job.counts["vanished"]) == ("completed", False, 0)
    assert "The source no longer lists 4 items. A person chose" in job.message
    assert states(imported) == ["present"] * 10


def test_resuming_needs_an_answer_to_the_question_and_an_answer_needs_a_question(imported, dspace):
    drop(dspace, 4)
    asking = imported.run().id

    with imported.app.app_context():
        with pytest.raises(ConflictError, match="Are they really gone"):
            lifecycle.resume(asking)
        with pytest.raises(ConflictError, match="no question"):
            lifecycle.resume(1, Answer.MARK)


def test_the_next_import_asks_again_unless_it_finds_all_items(imported, dspace):
    kept = dict(dspace.items)
    drop(dspace, 10)
    assert imported.run().asks
    assert imported.run().asks

    dspace.items.update(kept)
    job = imported.run()

    assert (job.state, job.clean, job.counts["unchanged"]) == ("completed", True, 10)


def test_a_few_missing_items_are_looked_up_and_not_asked_about(importer, dspace):
    importer.app.config["MAX_MISSING_PERCENT"] = 20
    for number in range(4):
        dspace.add(f"i{number}")
    importer.run()
    drop(dspace, 1)

    job = importer.run()

    assert (job.state, job.clean, job.counts["vanished"]) == ("completed", True, 1)


def test_a_later_run_closes_the_question_that_it_has_settled(imported, dspace):
    kept = dict(dspace.items)
    drop(dspace, 10)
    asking = imported.run().id
    dspace.items.update(kept)

    later = imported.run()

    job = imported.job(asking)
    assert (job.state, job.asks, job.can_resume) == ("stopped", False, False)
    assert f"Job {later.id} " in job.message
    with imported.app.app_context():
        for given in (None, Answer.MARK):
            with pytest.raises(ConflictError, match="Run the job again"):
                lifecycle.resume(asking, given)


def test_the_undo_of_a_job_closes_its_question(imported, dspace):
    drop(dspace, 10)
    asking = imported.run().id

    with imported.app.app_context():
        undo_id = creation.create_undo(asking)

    job = imported.job(asking)
    assert (job.asks, job.is_question_closed, job.question["settled_by"]) == (False, True, undo_id)
    assert job.message == f"Job {undo_id} undoes this job, so its question is settled."


def test_a_later_question_replaces_an_earlier_one(imported, dspace):
    drop(dspace, 10)
    first, second = imported.run().id, imported.run().id

    assert (imported.job(first).asks, imported.job(second).asks) == (False, True)


def test_a_preview_closes_no_question(imported, dspace):
    drop(dspace, 10)
    asking = imported.run().id

    imported.preview()

    assert imported.job(asking).asks


def test_an_import_of_a_deleted_collection_asks_about_its_items(imported, dspace):
    dspace.gone.add("c1")

    job = imported.run()

    assert (job.asks, job.counts["vanished"]) == (True, 0)
    assert job.message == (
        "The collection is no longer at the source. Nothing was changed. Mark its 10 items as missing?"
    )
    assert states(imported) == ["present"] * 10


def test_the_answer_yes_marks_the_items_of_a_deleted_collection_and_later_imports_report_it(imported, dspace):
    dspace.add("kept", collections=("c2", "c1"))
    imported.run()
    imported.run("c2")
    dspace.gone.add("c1")
    drop(dspace, 10)

    job = imported.resume(imported.run().id, Answer.MARK)
    later = imported.run()

    assert (job.state, job.clean, job.counts["vanished"]) == ("completed", True, 11)
    assert states(imported) == ["present"] + ["vanished"] * 10
    assert (later.state, later.clean, later.counts["vanished"]) == ("completed", True, 0)
    assert "no longer at the source" in later.message


def test_the_answer_no_keeps_the_items_of_a_deleted_collection(imported, dspace):
    dspace.gone.add("c1")

    job = imported.resume(imported.run().id, Answer.LEAVE)

    assert (job.state, job.clean, job.counts["vanished"]) == ("completed", False, 0)
    assert states(imported) == ["present"] * 10


def test_an_unknown_collection_fails_the_first_import(importer, dspace):
    dspace.gone.add("c1")

    job = importer.run()

    assert (job.state, job.asks) == ("failed", False)


def test_readable_items_that_are_no_longer_listed_are_reported(imported, dspace):
    dspace.unlisted |= {"i1", "i2"}

    job = imported.run()

    assert (job.state, job.clean, job.counts["vanished"]) == ("completed", False, 0)
    assert "2 items can be read but are no longer listed: 1/i1, 1/i2." in job.message
    assert states(imported) == ["present"] * 10


def test_the_page_shows_the_question_with_two_buttons_and_takes_the_answer(imported, dspace, client, monkeypatch):
    drop(dspace, 10)
    job_id = imported.run().id

    page = client.get(f"/jobs/{job_id}/").text

    assert "Waiting for your answer" in page
    assert page.count('name="answer"') == 2
    assert client.post(f"/jobs/{job_id}/answer", data={"answer": "rubbish"}).status_code == 409
    assert client.post(f"/jobs/{job_id}/answer", data={"answer": "leave"}).status_code == 303
    assert imported.job(job_id).state == "queued"
    assert imported.work(job_id)
    assert imported.job(job_id).state == "completed"


def test_an_answer_given_while_a_later_import_closes_the_question_is_kept(imported, dspace):
    kept = dict(dspace.items)
    drop(dspace, 10)
    asking = imported.run().id
    dspace.items.update(kept)
    answered = []

    def answer_first(connection, cursor, statement, parameters, *rest):
        if not answered and statement.startswith("UPDATE job SET message=?, question=?"):
            answered.append(statement)
            text = json.dumps({"unseen": 10, "held": 10, "answer": "mark"})
            cursor.execute("UPDATE job SET state = 'queued', question = ? WHERE id = ?", (text, asking))

    with imported.app.app_context():
        event.listen(db.engine, "before_cursor_execute", answer_first)
        later = imported.run()
        event.remove(db.engine, "before_cursor_execute", answer_first)

    job = imported.job(asking)
    assert answered
    assert later.state == "completed"
    assert (job.state, job.question.get("answer"), job.is_question_closed) == ("queued", "mark", False)


CLOSED = "UPDATE job SET question = json_set(question, '$.settled_by', 9), message = 'Settled.' WHERE id = ?"
ANSWERED = "UPDATE job SET question = json_set(question, '$.answer', 'leave'), state = 'queued' WHERE id = ?"


@pytest.mark.parametrize(("change", "refusal"), [(CLOSED, "Settled. Run the job again"), (ANSWERED, "has no question")])
def test_an_answer_to_a_closed_or_answered_question_is_refused(imported, dspace, change, refusal):
    drop(dspace, 10)
    asking = imported.run().id
    changed = []

    def change_first(connection, cursor, statement, parameters, *rest):
        if not changed and statement.startswith("UPDATE job SET") and "question" in statement:
            changed.append(statement)
            cursor.execute(change, (asking,))

    with imported.app.app_context():
        event.listen(db.engine, "before_cursor_execute", change_first)
        with pytest.raises(ConflictError, match=refusal):
            lifecycle.resume(asking, Answer.MARK)
        event.remove(db.engine, "before_cursor_execute", change_first)

    assert changed
