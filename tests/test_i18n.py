"""Texts come from the catalogue of the instance, in templates, forms and threads alike."""

from __future__ import annotations

import threading

from flask import render_template_string

from connector import localization
from connector.i18n import gettext as _, lazy_gettext, ngettext
from tests.pseudo import PseudoTranslations, outside, pseudo_locale


def test_a_message_without_values_may_contain_a_percent_sign():
    assert _("30% are missing") == "30% are missing"


def test_placeholders_are_filled_by_name():
    assert _("%(name)s is at %(place)s", place="home", name="Ida") == "Ida is at home"


def test_a_count_decides_the_form_and_is_written_with_thousands_separators():
    def items(count):
        return ngettext("%(num)s item", "%(num)s items", count)

    assert [items(1), items(0), items(6000)] == ["1 item", "0 items", "6,000 items"]


def test_a_lazy_text_is_translated_when_it_is_used():
    label = lazy_gettext("Name")

    with pseudo_locale():
        assert str(label) == "⟦Nämë⟧"
    assert str(label) == "Name"


def test_templates_take_texts_from_the_same_catalogue_and_escape_values(app):
    template = '{{ _("Title") }} {% trans name="<b>" %}Read {{ name }}{% endtrans %}'

    with app.app_context(), pseudo_locale():
        assert render_template_string(template) == "⟦Tïtlë⟧ ⟦Rëäd &lt;b&gt;⟧"


def test_a_thread_without_an_app_uses_the_language_of_the_instance(app):
    texts = []

    with pseudo_locale():
        thread = threading.Thread(target=lambda: texts.append(_("Name")))
        thread.start()
        thread.join()
    assert texts == ["⟦Nämë⟧"]


def test_each_app_installs_its_language(app):
    with pseudo_locale():
        localization.init_app(app)
        assert _("Name") == "Name"


def test_the_pseudo_locale_keeps_placeholders_and_markup():
    message = PseudoTranslations().gettext("On <b>%(site)s</b> &amp; off, 5%%")

    assert message == "⟦Ön <b>%(site)s</b> &amp; öff, 5%%⟧"
    assert outside(f"before {message} after").split() == ["before", "after"]
