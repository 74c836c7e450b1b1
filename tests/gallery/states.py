"""The pages of the app in their states, and the steps that lead to each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, Route

from connector.catalogue import search
from tests.signed_in import PASSWORD

from .instance import MANUSCRIPTS, TWO_STEP_USER

ADMIN, VIEWER, TWO_STEP, STRANGER = "admin", "viewer", "user with two-step sign-in", "stranger"


def _nothing(page: Page) -> None:
    """Do nothing more."""


@dataclass(frozen=True)
class State:
    """A page in a state.

    `address`: may have names in braces, see `instance.furnish`. `act`: what the reader does there. `is_empty`: on an
    instance in which nothing was imported.
    """

    name: str
    address: str
    reader: str = ADMIN
    act: Callable[[Page], None] = _nothing
    is_empty: bool = False


def _press(*names: str) -> Callable[[Page], None]:
    """Return an action that presses buttons or links one after another."""

    def act(page: Page) -> None:
        for name in names:
            _leave(page, page.locator(f'button:text-is("{name}"), a:text-is("{name}")').first)

    return act


def _leave(page: Page, control: Locator) -> None:
    """Click a control and wait for the page that it leads to."""
    page.locator("main").evaluate("main => { main.id = 'left'; }")
    control.click()
    page.locator("main:not(#left)").wait_for()
    page.wait_for_load_state()


def _unfold(page: Page) -> None:
    page.locator("main details summary").first.click()


def _unfold_all(page: Page) -> None:
    for summary in page.locator("main details summary").all():
        summary.click()


def _fill(button: str, **texts: str) -> Callable[[Page], None]:
    """Return an action that fills fields by their names and presses the button."""

    def act(page: Page) -> None:
        for name, text in texts.items():
            page.locator(f'[name="{name}"]:visible').first.fill(text)
        _press(button)(page)

    return act


def _choose(button: str, **choices: str) -> Callable[[Page], None]:
    """Return an action that chooses options by the names of their fields and presses the button."""

    def act(page: Page) -> None:
        for name, value in choices.items():
            page.locator(f'[name="{name}"]').select_option(value)
        _press(button)(page)

    return act


def _import_wrong_crosswalk(page: Page) -> None:
    lines = f"field,term\ndc.title,{'wrong' * 30}\ndc.title,ignore\n"
    page.locator('[name="file"]').set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": lines.encode()})
    _press("Import CSV")(page)


def _tab(name: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.locator(f'label[for="tab-{name}"]').first.click()
        page.wait_for_load_state("networkidle")

    return act


def _follow(name: str) -> Callable[[Page], None]:
    """Return an action that follows the link of this name, and then that of the first item."""

    def act(page: Page) -> None:
        page.locator("a.name", has_text=name).first.click()
        page.wait_for_load_state()
        page.locator(".items a.name").first.click()

    return act


def _see_picture(page: Page) -> None:
    page.get_by_role("button", name="Zoom in").wait_for()


def _estimate(page: Page) -> None:
    page.locator("details.more").evaluate("details => { details.open = true; }")
    page.locator('[name="estimate"]').check()
    _tab("repository")(page)
    _leave(page, page.locator("#panel-repository").get_by_role("button").first)


def _tick_all(button: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        for box in page.locator("tbody input[type=checkbox]").all():
            box.check()
        _press(button)(page)

    return act


def _take_down(*names: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.locator('[name="repository"]').select_option(index=1)
        page.locator('[name="names"]').fill("\n".join(names))
        _press("Continue")(page)

    return act


def _late_filters(answer: Callable[[Route], None]) -> Callable[[Page], None]:
    """Return an action that opens the page as that of a list of many items, whose filters are requested later."""

    def act(page: Page) -> None:
        page.route("**/items/filters?*", answer, times=1)
        few, search.SHORT = search.SHORT, 0
        page.reload()
        search.SHORT = few
        page.locator("#facets :is(.busy, [role=alert])").locator("visible=true").wait_for()

    return act


def _send_without_connection(page: Page) -> None:
    page.route("**/icon*", lambda route: route.abort())
    page.locator("#ticked button").first.click()
    page.get_by_text("No connection to the server").wait_for()
    page.unroute("**/icon*")


def _without_cookies(page: Page) -> None:
    page.context.clear_cookies()
    page.reload()


STATES = (
    State("dashboard", "/"),
    State("dashboard-empty", "/", is_empty=True),
    State("dashboard-viewer", "/", VIEWER),
    State("help", "/help/"),
    State("help-part", "/help/import/"),
    State("connect", "/repositories/"),
    State("connect-empty", "/repositories/", is_empty=True),
    State("connect-error", "/repositories/", act=_fill("Get collections and communities", url="no address")),
    State("connect-change", "/repositories/1/change"),
    State("connect-change-more", "/repositories/1/change", act=_unfold),
    State("connect-forget", "/repositories/6/forget"),
    State("connect-forget-refused", "/repositories/1/forget", act=_press("Forget repository")),
    State("options", "/repositories/1/"),
    State("options-collections", "/repositories/1/", act=_tab("collections")),
    State("options-communities", "/repositories/1/", act=_tab("communities")),
    State("options-repository", "/repositories/1/", act=_tab("repository")),
    State("options-unreachable", "/repositories/3/", act=_tab("collections")),
    State("options-oai", "/repositories/6/"),
    State("estimate", "/repositories/1/", act=_estimate),
    State("crosswalk", "/repositories/1/crosswalk"),
    State("crosswalk-empty", "/repositories/3/crosswalk"),
    State("crosswalk-error", "/repositories/1/crosswalk", act=_import_wrong_crosswalk),
    State("crosswalk-field", "/repositories/1/crosswalk/field?field=dc.title"),
    State(
        "crosswalk-preview",
        "/repositories/1/crosswalk/field?field=dc.title",
        act=_choose("Preview", term="dcterms:abstract"),
    ),
    State("crosswalk-ignored", "/repositories/1/crosswalk/field?field=dc.subject"),
    State("past-imports", "/jobs/"),
    State("past-imports-empty", "/jobs/", is_empty=True),
    State("past-imports-viewer", "/jobs/", VIEWER),
    State("past-imports-confirm", "/jobs/", act=_tick_all("Undo or re-run ticked jobs")),
    State("job-queued", "/jobs/{queued}/"),
    State("job-running", "/jobs/{running}/"),
    State("job-waiting", "/jobs/{waiting}/"),
    State("job-asking", "/jobs/{asking}/"),
    State("job-stopped", "/jobs/{stopped}/"),
    State("job-failed", "/jobs/{failed}/"),
    State("job-completed", "/jobs/{completed}/"),
    State("job-problems", "/jobs/{problems}/"),
    State("job-problems-viewer", "/jobs/{problems}/", VIEWER),
    State("job-undone", "/jobs/{undone}/"),
    State("job-undo", "/jobs/{undo}/"),
    State("crosswalk-job", "/jobs/{remap}/"),
    State("crosswalk-job-undo-confirm", "/jobs/{remap}/undo"),
    State("job-undo-confirm", "/jobs/{completed}/undo"),
    State("job-rerun-confirm", "/jobs/{completed}/rerun"),
    State("job-preview", "/jobs/{preview}/"),
    State("preview", "/jobs/{preview}/preview/"),
    State("preview-changes", "/jobs/{preview}/preview/", act=_unfold_all),
    State("samples", "/jobs/{preview}/samples/"),
    State("sources", "/sources/"),
    State("source", "/sources/1/"),
    State("source-viewer", "/sources/1/", VIEWER),
    State("items", "/items/"),
    State("items-second-page", "/items/?page=2"),
    State("items-found", "/items/?q=harbour+-map"),
    State("items-filters-shown", "/items/?repository=1&filters=show"),
    State("items-filters-loading", "/items/?repository=1", act=_late_filters(lambda route: None)),
    State("items-filters-failed", "/items/?repository=1", act=_late_filters(lambda route: route.abort())),
    State("items-unticked", "/items/", act=_press("Put into item set")),
    State("items-no-connection", "/items/", act=_send_without_connection),
    State("items-filtered", "/items/?type=Image&from=1884&join=not&term=dcterms:title&op=contains&value=map"),
    State("items-grid", "/items/?view=grid&size=50"),
    State("items-grid-page", "/items/?view=grid&sort=title"),
    State("items-grid-one", "/items/?view=grid&state=vanished"),
    State("items-grid-arabic", "/items/?view=grid&language=ar"),
    State("items-table", "/items/?view=table&size=50&sort=title"),
    State("items-viewer", "/items/", VIEWER),
    State(
        "items-advanced",
        "/items/advanced?join=and&term=dcterms:title&op=is&value=A&join=not&term=bibo:doi&op=any&value=",
    ),
    State("export", "/exports/new"),
    State("export-error", "/exports/new", act=_fill("Export items", separator=" ")),
    State("export-viewer", "/exports/new?item_set=1", VIEWER),
    State("job-related", "/jobs/{related}/"),
    State("job-export", "/jobs/{export}/"),
    State("job-export-viewer", "/jobs/{export}/", VIEWER),
    State("items-empty", "/items/", is_empty=True),
    State("items-none", "/items/?q=nothingatall"),
    State("items-error", "/items/?q=" + "+".join(f"word{number}" for number in range(31))),
    State("item", "/items/1/"),
    State("item-long-words", "/items/13/"),
    State("item-arabic", "/item-sets/", act=_follow(MANUSCRIPTS)),
    State("item-viewer", "/items/1/", VIEWER),
    State("item-related", "/items/{album}/"),
    State("items-related", "/items/?related={album}"),
    State("item-picture", "/viewer/{picture}", act=_see_picture),
    State("item-history", "/items/1/history"),
    State("item-sets", "/item-sets/"),
    State("item-set", "/item-sets/1/"),
    State("item-set-new", "/item-sets/new"),
    State("item-set-error", "/item-sets/new", act=_fill("Create item set", name=" ")),
    State("item-set-empty", "/item-sets/new", act=_fill("Create item set", name="Exhibition")),
    State("item-set-edit", "/item-sets/1/edit"),
    State("item-set-delete", "/item-sets/1/delete"),
    State("missing", "/missing/"),
    State("missing-empty", "/missing/", is_empty=True),
    State("missing-viewer", "/missing/", VIEWER),
    State("missing-unticked", "/missing/", act=_press("Hide ticked items")),
    State("missing-confirm", "/missing/", act=_tick_all("Remove ticked items")),
    State("missing-withdraw", "/missing/", act=_tick_all("Delete in Omeka S")),
    State("takedown", "/takedown/"),
    State("takedown-error", "/takedown/", act=_take_down()),
    State("takedown-confirm", "/takedown/", act=_take_down("123456789/13", "123456789/nowhere")),
    State("takedown-published", "/takedown/?item=13"),
    State("excluded", "/excluded/"),
    State("excluded-unticked", "/excluded/", act=_press("Allow ticked items again")),
    State("excluded-empty", "/excluded/", is_empty=True),
    State("account", "/account/"),
    State("account-error", "/account/", act=_fill("Change the password", current="wrong", new="short", again="other")),
    State("access-tokens", "/account/tokens/"),
    State("access-tokens-none", "/account/tokens/", VIEWER),
    State("access-tokens-error", "/account/tokens/", act=_fill("Create access token", name="", current=PASSWORD)),
    State(
        "access-token-new", "/account/tokens/", VIEWER, _fill("Create access token", name="Reader", current=PASSWORD)
    ),
    State("access-token-revoke", "/account/tokens/1/revoke"),
    State("access-tokens-of-user", "/users/1/tokens/"),
    State("two-step", "/account/two-step"),
    State("two-step-begin", "/account/two-step", act=_fill("Set up", current=PASSWORD)),
    State("two-step-on", "/account/two-step", TWO_STEP),
    State("two-step-move-error", "/account/two-step", TWO_STEP, _press("Move to another phone")),
    State("recovery-codes", "/account/two-step", TWO_STEP, _fill("New recovery codes", current=PASSWORD)),
    State("users", "/users/"),
    State("users-disable", "/users/2/disable"),
    State("users-error", "/users/", act=_fill("Invite user", name="a, b")),
    State("users-link", "/users/", act=_fill("Invite user", name="Nora New")),
    State("audit", "/audit/"),
    State("destinations", "/destinations/"),
    State("destinations-empty", "/destinations/", is_empty=True),
    State("destinations-new", "/destinations/new"),
    State("destination", "/destinations/1/"),
    State("destination-test", "/destinations/", act=_press("Test connection")),
    State("destination-remove", "/destinations/1/remove"),
    State("item-set-choice", "/destinations/1/sources/1/item-set"),
    State("job-published", "/jobs/{published}/"),
    State("job-publishing-preview", "/jobs/{publishing}/", act=_unfold),
    State("job-published-undo-confirm", "/jobs/{published}/undo"),
    State("job-publishing-undo", "/jobs/{publishing-undo}/"),
    State("conflicts", "/destinations/1/conflicts/"),
    State("job-adoption", "/jobs/{adoption}/"),
    State("job-adoption-viewer", "/jobs/{adoption}/", VIEWER),
    State("adoption", "/jobs/{adoption}/adoption/"),
    State("adoption-none", "/jobs/{published}/adoption/"),
    State("job-made-private", "/jobs/{made_private}/"),
    State("job-made-private-undo", "/jobs/{made_private}/undo"),
    State("sign-in", "/sign-in", STRANGER),
    State("sign-in-error", "/sign-in", STRANGER, _fill("Sign in", name="Nobody", password="wrong")),
    State("code", "/sign-in", STRANGER, _fill("Sign in", name=TWO_STEP_USER, password=PASSWORD)),
    State("code-late", "/sign-in/code", STRANGER, _without_cookies),
    State("welcome", "/welcome/{invitation}", STRANGER),
    State("welcome-error", "/welcome/{invitation}", STRANGER, _fill("Begin", password="short", again="other")),
    State("welcome-invalid", "/welcome/none", STRANGER),
    State("error", "/nowhere"),
    State("error-viewer", "/users/", VIEWER),
)
