"""Protections against robots that answer in place of a repository: how they are told from its own refusals.

A wall that passed for a refusal of DSpace would make items "hidden" that are open to everybody.
"""

from __future__ import annotations

import re

import requests

# Bytes of a body that are looked at: the pages of all known protections say what they are well before.
_START = 64 * 1024

# Words of the pages of Cloudflare, Anubis, DDoS-Guard and others. A good page may well contain a captcha elsewhere.
_CHALLENGE = re.compile(
    rb"just a moment|anubis|not a bot|verify you are human|ddos-guard|challenge-platform|checking your browser", re.I
)
_CHALLENGE_OF_REFUSAL = re.compile(_CHALLENGE.pattern + rb"|captcha|attention required", re.I)

# Error pages of Tomcat (6 to 11, also in JBoss, Payara and TomEE), of Jetty and of Spring: DSpace itself has refused.
_CONTAINER = re.compile(rb"HTTP Status \d{3}|HTTP ERROR:? \d{3}|<title>Error \d{3}|Whitelabel Error Page", re.I)


def is_wall(answer: requests.Response, body: bytes = b"") -> bool:
    """Did a protection against robots give this answer? `body`: its start, at least, or nothing while it is unread.

    With 401 and 403 any HTML page that no servlet container wrote counts, unless the web server asks for a password of
    its own (RFC 9110, 11.6.1: Basic, Digest, Negotiate).
    """
    if _says_so(answer):
        return True
    start, status = body[:_START], answer.status_code
    if not start.lstrip().startswith(b"<"):
        return False
    if status in (401, 403) and not _CONTAINER.search(start) and not _asks_for_password(answer):
        return True
    if status in (401, 403, 429) or status >= 500:
        return _CHALLENGE_OF_REFUSAL.search(start) is not None
    return status < 300 and _CHALLENGE.search(start) is not None


def _says_so(answer: requests.Response) -> bool:
    """Cloudflare and the firewall of Amazon mark their challenges, whatever the status, so that programs can tell."""
    marks = (answer.headers.get(name, "").lower() for name in ("cf-mitigated", "x-amzn-waf-action"))
    return any(mark in ("challenge", "captcha") for mark in marks)


def _asks_for_password(answer: requests.Response) -> bool:
    asked = answer.headers.get("WWW-Authenticate", "").lower()
    return answer.status_code == 401 and asked.startswith(("basic", "digest", "negotiate", "ntlm"))


def sentence(answer: requests.Response, host: str) -> str:
    """What a librarian can pass on to the administrator over there."""
    agent = answer.request.headers.get("User-Agent", "")
    return (
        f"A protection against robots in front of {host} answers instead of DSpace (status {answer.status_code}). "
        f"Ask its administrator to let “{agent}” through to the REST API."
    )
