"""The codes of what each item has, filled from its mapped values and files, and their place in the index of lists"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"

BATCH = 1000  # items
LISTED = ["is_hidden", "id", "is_restricted", "repository_id", "source_state"]
ITEM = sa.table("item", sa.column("id"), sa.column("mapped_values", sa.JSON), sa.column("property_codes"))
FILE = sa.table("file", *map(sa.column, ("item_id", "bundle", "name_is_restricted")))
DCTERMS = (
    "title creator subject description publisher contributor date type format identifier source language relation "
    "coverage rights audience alternative tableOfContents abstract created valid available issued modified extent "
    "medium isVersionOf hasVersion isReplacedBy replaces isRequiredBy requires isPartOf hasPart isReferencedBy "
    "references isFormatOf hasFormat conformsTo spatial temporal mediator dateAccepted dateCopyrighted "
    "dateSubmitted educationLevel accessRights bibliographicCitation license rightsHolder provenance "
    "instructionalMethod accrualMethod accrualPeriodicity accrualPolicy"
)
BIBO = (
    "affirmedBy annotates authorList citedBy cites contributorList court degree director distributor editor "
    "editorList interviewee interviewer issuer organizer owner performer presentedAt presents producer recipient "
    "reproducedIn reversedBy reviewOf status subsequentLegalDecision transcriptOf translationOf translator "
    "abstract argued asin chapter coden content doi eanucc13 edition eissn gtin14 handle identifier isbn isbn10 "
    "isbn13 issn issue lccn locator numPages numVolumes number oclcnum pageEnd pageStart pages pmid prefixName "
    "section shortDescription shortTitle sici suffixName upc uri volume"
)
TERMS = (*(f"dcterms:{name}" for name in DCTERMS.split()), *(f"bibo:{name}" for name in BIBO.split()))
CODES = {term: f"{position:02x}" for position, term in enumerate(TERMS)}


def upgrade() -> None:
    op.add_column("item", sa.Column("property_codes", sa.String(), server_default="", nullable=False))
    _fill()
    op.drop_index("ix_item_listed", "item")
    op.create_index("ix_item_listed", "item", [*LISTED, "property_codes"])


def _fill() -> None:
    bind, last = op.get_bind(), 0
    query = sa.select(ITEM.c.id, ITEM.c.mapped_values).order_by(ITEM.c.id).limit(BATCH)
    update = sa.update(ITEM).where(ITEM.c.id.in_(sa.bindparam("ids", expanding=True)))
    update = update.values(property_codes=sa.bindparam("codes"))
    while items := bind.execute(query.where(ITEM.c.id > last)).all():
        files = sa.select(FILE.c.item_id, FILE.c.name_is_restricted).where(FILE.c.bundle == "ORIGINAL")
        are_restricted: dict[int, bool] = {}
        for item_id, is_restricted in bind.execute(files.where(FILE.c.item_id.between(items[0].id, items[-1].id))):
            are_restricted[item_id] = are_restricted.get(item_id, True) and bool(is_restricted)
        last = items[-1].id
        by_codes: dict[str, list[int]] = {}
        for item in items:
            codes = _codes(item.mapped_values, are_restricted.get(item.id))
            by_codes.setdefault(codes, []).append(item.id)
        for codes, ids in by_codes.items():
            bind.execute(update, {"ids": ids, "codes": codes})


def _codes(mapped: Any, files_are_restricted: bool | None) -> str:
    found = {} if files_are_restricted is None else {"fe": files_are_restricted}
    for term, values in mapped.items():
        for value in values:
            code = CODES.get(term, "ff")
            found[code] = found.get(code, True) and "restricted" in value
    return "".join(("-" if is_restricted else " ") + code for code, is_restricted in sorted(found.items()))
