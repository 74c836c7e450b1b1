"""Notifications of scheduled imports, with real mail servers and a real webhook on the loopback address."""

from __future__ import annotations

import json
import logging
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from config import SettingError, load
from connector.extensions import db, transaction, utcnow
from connector.imports.import_options import ImportOptions
from connector.imports.results.missing_questions import Answer
from connector.jobs import creation, lifecycle, notifications, report
from connector.models.jobs import Job, Kind
from connector.models.repositories import Source
from tests.pages import words

from .steps import set_counts

CERTIFICATE = Path(__file__).parents[1] / "payloads" / "http" / "localhost.pem"
PASSWORD = "pass phrase of the mail server"
SECRET = "T0K3N"


class MailServer(Controller):
    """A mail server on a port of its own. `mails`: what it took; `refuses`: recipients that it does not know."""

    def __init__(self, **options):
        self.mails, self.refuses = [], set()
        super().__init__(self, hostname="127.0.0.1", port=0, authenticator=self._authenticate, **options)

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()

    def _authenticate(self, server, session, envelope, mechanism, given):
        return AuthResult(success=(given.login, given.password) == (b"library", PASSWORD.encode()), handled=False)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuses:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"


@contextmanager
def serving(app, scheme="smtp", host="127.0.0.1", **options):
    """A mail server that the app sends to."""
    server = MailServer(**options)
    server.start()
    app.config.update(
        SMTP=(scheme, host, server.port), NOTIFY_FROM="connector@example.edu", NOTIFY_TO=("library@example.edu",)
    )
    try:
        yield server
    finally:
        server.stop()


def tls():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.fixture
def server(app):
    with serving(app) as server:
        yield server


class Webhook:
    """A web server that keeps what is posted to it and answers with `status`."""

    def __init__(self):
        self.posted, self.status = [], 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.posted.append((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                """Tests print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def webhook(app):
    hook = Webhook()
    app.config["NOTIFY_WEBHOOK"] = f"http://127.0.0.1:{hook.server.server_port}/hooks/{SECRET}?key={SECRET}"
    yield hook
    hook.close()


def ended(importer, *, failing=3, counts=(), **values) -> int:
    """A scheduled import that has ended, with this many items that could not be read; its id."""
    for number in range(failing):
        importer.dspace.add(f"bad{number:02d}", title=f"Broken {number}", fails=True)
    importer.dspace.add("good")
    with importer.app.app_context():
        source_id = lifecycle.get(importer.create()).source_id
        with transaction():
            db.session.execute(db.delete(Job))
            job_id = creation.add(db.session.get(Source, source_id), Kind.IMPORT, ImportOptions(), scheduled=True)
    assert importer.work(job_id)
    change(importer, job_id, **values)
    set_counts(importer, job_id, **dict(counts))
    return job_id


def change(importer, job_id, **values):
    if values:
        with importer.app.app_context(), transaction():
            db.session.execute(db.update(Job).where(Job.id == job_id).values(**values))


def send(importer):
    with importer.app.app_context():
        notifications.send_due()


def later(importer, job_id):
    """As if some minutes had passed since a notice was last tried."""
    change(importer, job_id, notification_attempted_at=utcnow() - notifications.AGAIN - timedelta(seconds=1))


def test_a_scheduled_import_with_problems_is_notified_once(importer, server):
    job_id = ended(importer)

    send(importer)
    send(importer)

    (mail,) = server.mails
    assert mail["Subject"] == "DSpace Connector: Collection c1, completed with problems"
    assert (mail["From"], mail["To"]) == ("connector@example.edu", "library@example.edu")
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    assert "Import of Collection c1 from repo.example.org, started by its schedule: completed with problems." in text
    assert "4 items seen: 1 added, 0 updated, 0 unchanged, 3 failed." in text
    assert "- 1/bad00, Broken 0: it is broken" in text
    assert "/jobs/" not in text
    assert importer.job(job_id).notified_at is not None


def test_a_notification_links_to_the_job_if_the_address_of_the_app_is_set(importer, server):
    importer.app.config["URL"] = "https://connector.example.edu/"
    job_id = ended(importer)

    send(importer)

    assert f"The page of the job: https://connector.example.edu/jobs/{job_id}/" in server.mails[0].get_content()


def test_a_notification_counts_missing_items(importer, server):
    ended(importer, failing=0, counts={"vanished": 5})

    send(importer)

    assert (
        "1 item seen: 1 added, 0 updated, 0 unchanged, 0 failed, 5 missing at source." in server.mails[0].get_content()
    )


def test_a_notification_lists_the_first_twenty_problems(importer, server):
    ended(importer, failing=25)

    send(importer)

    text = server.mails[0].get_content()
    assert text.count("it is broken") == 20
    assert "- and more: the page of the job lists all." in text


CLEAN = {"failing": 0}
QUESTION = {"state": "stopped", "question": {"unseen": 5, "held": 5}, "message": "Are they really gone?"}


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        (CLEAN, "completed", {"always"}),
        ({}, "completed with problems", {"always", "problems"}),
        ({"counts": {"failed": 0}, "message": "Counted."}, "completed with problems", {"always", "problems"}),
        (CLEAN | {"counts": {"vanished": 5}}, "completed, 5 missing at source", {"always", "problems"}),
        ({"state": "failed", "message": "The repository is down."}, "failed", {"always", "problems"}),
        (QUESTION, "waiting for your answer", {"always", "problems"}),
        (QUESTION | {"question": {"unseen": 5, "answer": "mark"}}, "", set()),
        ({"state": "stopped", "message": "Stopped."}, "", set()),
        ({"state": "stopped", "resume_at": utcnow() + timedelta(hours=3)}, "", set()),
        ({"state": "running"}, "", set()),
        ({"scheduled": False}, "", set()),
        ({"ended_at": utcnow() - timedelta(days=2)}, "", set()),
    ],
)
@pytest.mark.parametrize("wanted", ["problems", "always", "never"])
def test_notifications_depend_on_how_a_job_ended(importer, server, how, outcome, told, wanted):
    importer.app.config["NOTIFY"] = wanted
    ended(importer, **how)

    send(importer)

    subjects = [mail["Subject"] for mail in server.mails]
    assert subjects == ([f"DSpace Connector: Collection c1, {outcome}"] if wanted in told else [])


def test_without_a_channel_no_notification_is_pending(importer, client):
    job_id = ended(importer)

    send(importer)

    assert importer.job(job_id).notified_at is None
    assert "Notice" not in words(client.get(f"/jobs/{job_id}/"))


def test_a_job_started_by_a_person_shows_no_notification(importer, server, client):
    job_id = ended(importer, scheduled=False)

    assert "Notice" not in words(client.get(f"/jobs/{job_id}/"))


def test_only_one_of_many_workers_sends_a_notification(importer, server):
    ended(importer)
    together = threading.Barrier(6)

    def worker():
        with importer.app.app_context():
            together.wait()
            notifications.send_due()

    with ThreadPoolExecutor(6) as pool:
        for future in [pool.submit(worker) for _ in range(6)]:
            future.result()

    assert len(server.mails) == 1


def test_a_question_and_the_end_after_its_answer_are_both_notified(importer, server):
    job_id = ended(importer, **QUESTION, cursor=None)
    send(importer)

    importer.resume(job_id, Answer.LEAVE)
    send(importer)

    assert [mail["Subject"].rpartition(", ")[2] for mail in server.mails] == [
        "waiting for your answer",
        "completed with problems",
    ]


def test_an_unavailable_mail_server_is_tried_again_after_some_minutes(importer, app, client, caplog):
    with serving(app) as server:
        pass
    job_id = ended(importer)
    before = report_of(importer, job_id)

    send(importer)

    assert report_of(importer, job_id) == before
    assert (
        f"The notification of job {job_id} could not be sent by CONNECTOR_SMTP: The mail server 127.0.0.1:"
        in caplog.text
    )
    assert "Notification Not sent yet. The app tries again every few minutes" in words(client.get(f"/jobs/{job_id}/"))
    with serving(app) as server:
        send(importer)
        assert server.mails == []
        later(importer, job_id)
        send(importer)
        assert len(server.mails) == 1
    assert "Notification Sent" in words(client.get(f"/jobs/{job_id}/"))


def report_of(importer, job_id):
    with importer.app.app_context():
        return report.as_dict(lifecycle.get(job_id))


def test_a_notification_is_dropped_after_a_day(importer, server, client):
    job_id = ended(importer, ended_at=utcnow() - timedelta(days=1, seconds=1))

    send(importer)

    assert server.mails == []
    assert "Notice" not in words(client.get(f"/jobs/{job_id}/"))


def test_a_notification_that_is_sent_twice_has_the_same_message_id(importer, server):
    job_id = ended(importer)
    send(importer)
    change(importer, job_id, notified_at=None)

    send(importer)
    assert len(server.mails) == 1
    later(importer, job_id)
    send(importer)

    first, second = server.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_a_name_of_several_lines_and_scripts_makes_one_subject(importer, server):
    with importer.app.app_context():
        job_id = ended(importer)
        with transaction():
            db.session.execute(db.update(Source).values(name="Bücher\r\nBcc: all@example.org\n図書館 " + "lang " * 60))

        send(importer)

    assert importer.job(job_id).notified_at
    assert server.mails[0]["Subject"].startswith("DSpace Connector: Bücher Bcc: all@example.org 図書館 lang")
    assert server.mails[0]["Bcc"] is None


def test_mail_is_sent_encrypted_with_starttls_and_a_login(importer, app):
    app.config.update(SMTP_USER="library", SMTP_PASSWORD=PASSWORD, CA_BUNDLE=str(CERTIFICATE))
    with serving(app, "smtp+starttls", "localhost", tls_context=tls(), require_starttls=True, auth_required=True) as s:
        ended(importer)
        send(importer)

        assert len(s.mails) == 1


def test_mail_is_sent_encrypted_with_smtps(importer, app):
    app.config["CA_BUNDLE"] = str(CERTIFICATE)
    with serving(app, "smtps", "localhost", ssl_context=tls()) as server:
        ended(importer)
        send(importer)

        assert len(server.mails) == 1


@pytest.mark.parametrize(
    ("scheme", "options", "settings", "says"),
    [
        (
            "smtp",
            {"auth_require_tls": False},
            {"SMTP_PASSWORD": "mistyped"},
            "rejects the user name and password",
        ),
        ("smtp", {}, {"SMTP_PASSWORD": PASSWORD}, "could not be used: SMTP AUTH extension not supported"),
        ("smtp", {"data_size_limit": 100}, {}, "refuses the mail, with code 552"),
        ("smtp+starttls", {}, {}, "could not be used: STARTTLS extension not supported"),
        ("smtp+starttls", {"tls_context": tls()}, {}, "certificate of localhost is not trusted: self-signed"),
        ("smtps", {}, {}, "could not be used"),
    ],
)
def test_a_refused_mail_is_logged_without_the_password(importer, app, caplog, scheme, options, settings, says):
    caplog.set_level(logging.DEBUG)
    with serving(app, scheme, "localhost", **options) as server:
        app.config.update(SMTP_USER="library" if settings else None, **settings)
        job_id = ended(importer)

        send(importer)

        assert server.mails == []
    assert says in caplog.text
    assert PASSWORD not in caplog.text and "mistyped" not in caplog.text
    assert importer.job(job_id).notified_at is None


def test_a_refused_recipient_does_not_keep_the_mail_from_others(importer, app, server, caplog):
    app.config["NOTIFY_TO"] = ("gone@example.edu", "library@example.edu")
    server.refuses = {"gone@example.edu"}
    job_id = ended(importer)

    send(importer)

    assert len(server.mails) == 1
    assert "takes no mail for gone@example.edu" in caplog.text
    assert importer.job(job_id).notified_at


def test_mail_refused_for_all_recipients_is_not_sent(importer, server, caplog):
    server.refuses = {"library@example.edu"}
    ended(importer)

    send(importer)

    assert "accepts mail for none of library@example.edu" in caplog.text


def test_a_webhook_receives_the_job_as_json_with_its_address(importer, app, webhook):
    app.config["URL"] = "https://connector.example.edu"
    job_id = ended(importer)

    send(importer)
    send(importer)

    ((path, kind, told),) = webhook.posted
    assert (path, kind) == (f"/hooks/{SECRET}?key={SECRET}", "application/json")
    link = f"https://connector.example.edu/jobs/{job_id}/"
    where = {"source": "Collection c1", "repository": "repo.example.org", "link": link}
    assert told == report_of(importer, job_id) | where
    assert importer.job(job_id).notified_at


def test_a_notification_does_not_show_the_title_of_a_restricted_item(importer, webhook, server):
    job_id = ended(importer)
    with importer.app.app_context(), transaction():
        source = db.session.get(Job, job_id).source
        source.kind, source.scope_id, source.handle, source.name = "item", "bad00", "1/bad00", "Secret title"

    send(importer)

    body, mail = webhook.posted[0][2], server.mails[0]
    assert body["source"] == "Item 1/bad00"
    assert "Item 1/bad00" in mail["Subject"]
    assert "Secret title" not in json.dumps(body) + mail["Subject"] + mail.get_content()


def test_a_webhook_in_the_intranet_needs_the_setting_that_allows_it(importer, app, webhook, caplog):
    app.config["ALLOWED_NETWORKS"] = ()
    job_id = ended(importer)

    send(importer)

    assert webhook.posted == []
    assert "CONNECTOR_ALLOWED_NETWORKS would allow it" in caplog.text
    assert importer.job(job_id).notified_at is None


@pytest.mark.parametrize("status", [302, 401, 404, 422, 500])
def test_a_failing_webhook_is_retried_and_its_address_stays_secret(importer, app, webhook, caplog, status):
    caplog.set_level(logging.DEBUG)
    webhook.status = status
    job_id = ended(importer)

    send(importer)

    assert "could not be sent by CONNECTOR_NOTIFY_WEBHOOK: The webhook refused the notification." in caplog.text
    assert SECRET not in caplog.text
    assert importer.job(job_id).notified_at is None
    webhook.status = 204
    later(importer, job_id)
    send(importer)
    assert len(webhook.posted) == 2
    assert importer.job(job_id).notified_at


def test_a_webhook_that_fails_does_not_repeat_the_mail(importer, webhook, server, caplog):
    webhook.status = 500
    job_id = ended(importer)

    send(importer)

    assert len(server.mails) == 1
    assert "could not be sent by CONNECTOR_NOTIFY_WEBHOOK" in caplog.text
    assert importer.job(job_id).notified_at


def flask(app, *args):
    with app.app_context():
        result = app.test_cli_runner().invoke(args=args)
    return result.exit_code, result.stderr


def test_a_test_notification_goes_to_all_configured_channels(app, server, webhook):
    assert flask(app, "notify", "--test") == (
        0,
        "A test was sent by e-mail.\nA test was sent to the webhook.\n",
    )

    assert server.mails[0]["Subject"] == "DSpace Connector: test notification"
    assert webhook.posted[0][2]["trial"] is True


def test_a_failed_test_notification_prints_the_reason_and_exits_with_2(app, server, webhook):
    assert flask(app, "notify", "--test")[0] == 0
    webhook.status = 500

    code, said = flask(app, "notify", "--test")

    assert code == 2
    assert "The webhook refused the notification." in said and SECRET not in said


def test_a_test_notification_without_settings_names_the_needed_settings(app):
    code, said = flask(app, "notify", "--test")

    assert code == 2
    assert "CONNECTOR_SMTP or CONNECTOR_NOTIFY_WEBHOOK" in said


MAIL = {"SMTP": "smtps://mail.example.edu", "NOTIFY_FROM": "a@example.edu", "NOTIFY_TO": "b@example.edu, c@example.edu"}


def settings(**values):
    return load({f"CONNECTOR_{name}": value for name, value in values.items()})


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("smtp://mail.example.edu", ("smtp", "mail.example.edu", 25)),
        ("smtps://mail.example.edu", ("smtps", "mail.example.edu", 465)),
        ("smtp+starttls://mail.example.edu", ("smtp+starttls", "mail.example.edu", 587)),
        ("smtp+starttls://[fd00::25]:2525/", ("smtp+starttls", "fd00::25", 2525)),
    ],
)
def test_the_settings_of_mail_are_read(url, read):
    assert settings(**MAIL | {"SMTP": url})["SMTP"] == read
    assert settings(**MAIL)["NOTIFY_TO"] == ("b@example.edu", "c@example.edu")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"SMTP": "smtp://mail.example.edu"}, "CONNECTOR_NOTIFY_FROM is missing"),
        ({"SMTP_USER": "library", "SMTP_PASSWORD": PASSWORD}, "CONNECTOR_SMTP is missing"),
        (MAIL | {"NOTIFY_TO": ""}, "CONNECTOR_NOTIFY_TO is missing"),
        (MAIL | {"NOTIFY_TO": "The library <b@example.edu>"}, "CONNECTOR_NOTIFY_TO cannot be used: it takes plain"),
        (MAIL | {"SMTP": "mail.example.edu:25"}, "CONNECTOR_SMTP cannot be used: it has the form"),
        (MAIL | {"SMTP": f"smtp://library:{PASSWORD}@mail.example.edu"}, "CONNECTOR_SMTP cannot be used: it has"),
        (MAIL | {"SMTP_USER": "library"}, "are given together"),
        (MAIL | {"SMTP_USER": "library", "SMTP_PASSWORD": "pässword"}, "CONNECTOR_SMTP_PASSWORD cannot be used: plain"),
        (
            MAIL | {"SMTP": "smtp://mail.example.edu", "SMTP_USER": "library", "SMTP_PASSWORD": PASSWORD},
            "must begin with smtps://",
        ),
        ({"NOTIFY": "sometimes"}, "“sometimes” is none of: problems, always, never"),
        ({"NOTIFY_WEBHOOK": f"hooks/{SECRET}"}, "CONNECTOR_NOTIFY_WEBHOOK cannot be used: it must be a full address"),
        ({"URL": "connector.example.edu"}, "CONNECTOR_URL cannot be used: it must be a full address"),
        ({"TIMEZONE": "Middle/Earth"}, "CONNECTOR_TIMEZONE cannot be used: “Middle/Earth” is not the name"),
    ],
)
def test_incomplete_or_wrong_settings_are_refused_without_repeating_secrets(values, says):
    with pytest.raises(SettingError, match=says) as refused:
        settings(**values)

    assert not any(secret in str(refused.value) for secret in (PASSWORD, SECRET, "pässword"))


def test_times_use_the_configured_time_zone_or_that_of_the_system():
    assert str(load({"CONNECTOR_TIMEZONE": "Asia/Kathmandu", "TZ": "Europe/Berlin"})["TIMEZONE"]) == "Asia/Kathmandu"
    assert str(load({"TZ": ":Europe/Berlin"})["TIMEZONE"]) == "Europe/Berlin"
    assert load({"TZ": "CET-1CEST"})["TIMEZONE"] == load({})["TIMEZONE"]
