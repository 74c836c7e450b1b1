"""Plain-text mail through the server in CONNECTOR_SMTP.

The administrator sets its address, like that of a proxy, so CONNECTOR_ALLOWED_NETWORKS does not apply to it.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate

from flask import current_app

from .errors import NotificationError
from .i18n import gettext as _

log = logging.getLogger(__name__)
RESPONSE_TIMEOUT = 30.0  # seconds for each response of the server


def message(subject: str, text: str, name: str) -> EmailMessage:
    """Return a mail with the sender and recipients of the settings. `name`: the same name gives the same Message-ID."""
    sender = current_app.config["NOTIFY_FROM"]
    mail = EmailMessage()
    mail["Subject"] = " ".join(subject.split())
    mail["From"] = sender
    mail["To"] = ", ".join(current_app.config["NOTIFY_TO"])
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{name}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: prevents out-of-office replies
    mail.set_content(text)
    return mail


def send(mail: EmailMessage) -> None:
    """Send a mail. Raise NotificationError if the server accepts it for no recipient."""
    security, host, port = current_app.config["SMTP"]
    server = f"{host}:{port}"
    try:
        with _connected(security, host, port) as smtp:
            refused = smtp.send_message(mail)
    except smtplib.SMTPAuthenticationError as error:
        raise NotificationError(
            _("The mail server %(server)s rejects the user name and password.", server=server)
        ) from error
    except smtplib.SMTPRecipientsRefused as error:
        raise NotificationError(
            _("The mail server %(server)s accepts mail for none of %(to)s.", server=server, to=mail["To"])
        ) from error
    except smtplib.SMTPResponseException as error:
        raise NotificationError(
            _("The mail server %(server)s refuses the mail, with code %(code)s.", server=server, code=error.smtp_code)
        ) from error
    except ssl.SSLCertVerificationError as error:
        raise NotificationError(
            _(
                "The certificate of %(host)s is not trusted: %(reason)s.",
                host=host,
                reason=error.verify_message,
            )
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotificationError(
            _("The mail server %(server)s could not be used: %(error)s", server=server, error=error)
        ) from error
    for address in refused:
        log.warning("The mail server %s takes no mail for %s", server, address)


def _connected(security: str, host: str, port: int) -> smtplib.SMTP:
    """Return a connection with the required TLS mode, logged in if a user name is set."""
    config = current_app.config
    context = ssl.create_default_context(cafile=config["CA_BUNDLE"])
    if security == "smtps":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=RESPONSE_TIMEOUT, context=context)
    else:
        smtp = smtplib.SMTP(host, port, timeout=RESPONSE_TIMEOUT)
    try:
        if security == "smtp+starttls":
            smtp.starttls(context=context)
        if config["SMTP_USER"]:
            smtp.login(config["SMTP_USER"], config["SMTP_PASSWORD"])
    except BaseException:
        smtp.close()
        raise
    return smtp
