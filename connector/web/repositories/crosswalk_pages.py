"""The crosswalk of a repository: the terms of its fields, changes with a preview, CSV, and the job that applies it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, render_template, request, url_for

from ...accounts.authorization import allows
from ...catalogue import crosswalk_csv, crosswalk_rules, field_counts
from ...catalogue.crosswalk import CrosswalkRules, crosswalk
from ...catalogue.crosswalk_rules import choice_of, ignoring_pattern, with_choice
from ...catalogue.differences import of_mapped_values
from ...catalogue.field_counts import FieldCount
from ...errors import InvalidInputError, NotFoundError
from ...extensions import transaction
from ...i18n import gettext as _
from ...models.accounts import Role
from ...models.catalogue import CatalogueItem
from ...models.repositories import Repository
from ...remapping import remap_jobs
from ...repositories import service
from ..flash_messages import flash
from ..page_responses import download, started_job
from .blueprint import blueprint
from .crosswalk_form import ChangeRuleForm, terms_in_words

PREVIEWED = 5  # items


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field in the table. `terms`: in words, "" if it is ignored. `count`: None if no item had it when counted."""

    field: str
    count: FieldCount | None
    samples: list[str]
    terms: str
    is_changed: bool


@blueprint.get("/repositories/<int:repository_id>/crosswalk")
@allows(Role.EDITOR)
def crosswalk_table(repository_id: int) -> str:
    """Show all fields of a repository with their terms."""
    return _table(service.get(repository_id))


@blueprint.get("/repositories/<int:repository_id>/crosswalk/field")
@allows(Role.EDITOR)
def crosswalk_field(repository_id: int) -> str:
    """Show the form of the field in the address, with sample items."""
    repository, field = service.get(repository_id), _asked_field()
    form = ChangeRuleForm(formdata=None)
    form.offer(field)
    form.term.data = choice_of(crosswalk_rules.in_use(repository), field)
    return _field_page(repository, field, form)


@blueprint.post("/repositories/<int:repository_id>/crosswalk/field")
@allows(Role.EDITOR)
def change_crosswalk_field(repository_id: int) -> Any:
    """Save the chosen term of the field in the address, or only show what it would change."""
    repository, field = service.get(repository_id), _asked_field()
    form = ChangeRuleForm()
    form.offer(field)
    if not form.validate():
        return _field_page(repository, field, form), 422
    if "preview" in request.form:
        return _field_page(repository, field, form)
    with transaction():
        repository = service.get(repository_id)
        rules = with_choice(crosswalk_rules.in_use(repository), field, form.term.data)
        crosswalk_rules.replace(repository, rules.terms, rules.ignored)
    return _saved(repository_id)


@blueprint.get("/repositories/<int:repository_id>/crosswalk.csv")
@allows(Role.EDITOR)
def crosswalk_as_csv(repository_id: int) -> Response:
    """Download the terms of all fields as CSV."""
    repository = service.get(repository_id)
    text = crosswalk_csv.write(crosswalk_rules.in_use(repository), _fields_of(repository))
    return download(text, f"crosswalk-of-repository-{repository_id}.csv")


@blueprint.post("/repositories/<int:repository_id>/crosswalk/import")
@allows(Role.EDITOR)
def import_crosswalk(repository_id: int) -> Any:
    """Replace all rules by those of an uploaded CSV. Change nothing if a line is wrong."""
    repository = service.get(repository_id)
    try:
        rules = crosswalk_csv.read(_uploaded(), _fields_of(repository))
    except InvalidInputError as error:
        return _table(repository, str(error).splitlines()), 422
    with transaction():
        crosswalk_rules.replace(service.get(repository_id), rules.terms, rules.ignored)
    return _saved(repository_id)


@blueprint.post("/repositories/<int:repository_id>/crosswalk/apply")
@allows(Role.EDITOR)
def apply_crosswalk(repository_id: int) -> Any:
    """Apply the crosswalk to the items that are held, in a job."""
    return started_job(remap_jobs.create(repository_id))


def _saved(repository_id: int) -> Any:
    flash(_("The crosswalk was saved. Imports use it from now on."))
    return redirect(url_for(".crosswalk_table", repository_id=repository_id), 303)


def _table(repository: Repository, errors: list[str] | None = None) -> str:
    counted_at, counts = field_counts.of_repository(repository.id)
    rows = list(_rows(crosswalk_rules.in_use(repository), counts))
    waiting = crosswalk_rules.waiting_count(repository)
    shown = {"counted_at": counted_at, "rows": rows, "waiting": waiting, "errors": errors}
    return render_template("repositories/crosswalk.html", repository=repository, **shown)


def _rows(rules: CrosswalkRules, counts: list[FieldCount]) -> Iterator[FieldRow]:
    """Yield the fields in the catalogue, then those that only have a rule."""
    by_field = {one.field: one for one in counts}
    samples, default = field_counts.samples(counts), CrosswalkRules()
    exact = (field for field in (*rules.terms, *rules.ignored) if not field.endswith(".*"))
    for field in dict.fromkeys([*by_field, *exact]):
        terms = rules.terms_of(field)
        is_changed = terms != default.terms_of(field)
        words = terms_in_words(terms, field) if terms else ""
        yield FieldRow(field, by_field.get(field), samples.get(field, []), words, is_changed)


def _field_page(repository: Repository, field: str, form: ChangeRuleForm) -> str:
    rules = crosswalk_rules.in_use(repository)
    chosen = rules if form.term.errors else with_choice(rules, field, form.term.data)
    count = next((one for one in field_counts.of_repository(repository.id)[1] if one.field == field), None)
    items = field_counts.items_with(count, PREVIEWED) if count else []
    return render_template(
        "repositories/crosswalk_field.html",
        repository=repository,
        field=field,
        form=form,
        count=count,
        pattern=ignoring_pattern(rules, field),
        previews=[(item, _changes(item, field, chosen)) for item in items],
    )


def _changes(item: CatalogueItem, field: str, rules: CrosswalkRules) -> dict[str, Any]:
    """Return what these rules would change in the terms to which the field goes now or then."""
    terms = {*crosswalk_rules.get(item.crosswalk_id).terms_of(field), *rules.terms_of(field)}
    both = (item.mapped_values, crosswalk(item.source_metadata, rules))
    return of_mapped_values(*({term: one[term] for term in one if term in terms} for one in both))


def _fields_of(repository: Repository) -> list[str]:
    return [one.field for one in field_counts.of_repository(repository.id)[1]]


def _asked_field() -> str:
    """Return the field in the address. Raise NotFoundError if there is none."""
    if not (field := request.args.get("field", "")):
        raise NotFoundError(_("The address names no field."))
    return field


def _uploaded() -> str:
    """Return the text of the uploaded CSV. Raise InvalidInputError if there is none, or if it is not UTF-8."""
    if not (sent := request.files.get("file")):
        raise InvalidInputError(_("Choose a file."))
    try:
        return str(sent.read(), "utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInputError(_("The file is not plain text. Save it as CSV in UTF-8.")) from None
