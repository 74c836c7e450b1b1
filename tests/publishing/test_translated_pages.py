"""Under the pseudo-locale, the pages of publishing show no text that was forgotten."""

from __future__ import annotations

from connector.extensions import db
from connector.jobs import creation
from connector.models.catalogue import CatalogueItem, Holding
from connector.tasks import carry_out
from tests.pseudo import pseudo_locale
from tests.untranslated import forgotten_on

from .conftest import added
from .steps import change_title, create, first_published, link, literal, publish, source


def handle_of(name: str) -> str:
    """Return the handle of an item of a source."""
    mine = db.select(Holding.item_id).where(Holding.source_id == source(name))
    return db.session.scalars(db.select(CatalogueItem.handle).where(CatalogueItem.id.in_(mine)).limit(1)).one()


def test_every_text_of_the_pages_of_publishing_is_translated(stocked_app, stocked_client, omeka):
    with pseudo_locale():
        with stocked_app.app_context():
            library = added(omeka)
            first = publish(library, "Harbour photographs").id
            item, raw = first_published(omeka)
            omeka.edit(raw["o:id"], dcterms__title=[literal("Theirs")])
            change_title(item, "Ours")
            conflicting = publish(library, "Harbour photographs").id
            create(omeka, bibo__uri=[link(f"http://hdl.handle.net/{handle_of('Special files')}")])
            asking = publish(library, "Special files").id
            undo = creation.create_undo(publish(library).id)
            assert carry_out(undo)
        places = [f"jobs/{job}/" for job in (first, conflicting, asking, undo)] + [
            f"jobs/{first}/undo",
            f"jobs/{asking}/adoption/",
            f"jobs/{first}/adoption/",
            *(f"destinations/{library}/{page}" for page in ("remove", "conflicts/", "sources/1/item-set")),
        ]
        answers = {place: stocked_client.get(f"/{place}") for place in places}

    pages = {place: answer.get_data(as_text=True) for place, answer in answers.items()}
    assert {answer.status_code for answer in answers.values()} == {200}
    assert "⟦Ädöpt nönë, crëätë nëw ïtëms⟧" in pages[f"jobs/{asking}/adoption/"]
    assert "⟦Üsë söürcë⟧" in pages[f"destinations/{library}/conflicts/"]
    assert "⟦Ëdïtëd ïn Ömëkä S äftër püblïshïng⟧" in pages[f"jobs/{first}/undo"]
    assert forgotten_on(pages, stocked_app) == []
