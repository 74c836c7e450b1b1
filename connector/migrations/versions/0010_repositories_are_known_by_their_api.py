"""Repositories are known by the address of their API"""

from urllib.parse import urlsplit

import idna
import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

REPOSITORY = sa.table("repository", *(sa.column(name) for name in ("id", "address_key", "site_url", "api_url")))


def upgrade() -> None:
    _set_keys(REPOSITORY.c.api_url)


def _set_keys(column: sa.Column) -> None:
    """Give each repository the key of an address of it. Where two have the same, the one known longer gets it."""
    connection = op.get_bind()
    rows = connection.execute(sa.select(REPOSITORY.c.id, column).order_by(REPOSITORY.c.id)).all()
    taken = set[str]()
    keys = {}
    for number, url in rows:
        key = _key(url)
        keys[number] = f"{key}#{number}" if key in taken else key
        taken.add(key)
    # Old and new keys must not meet on the way.
    connection.execute(sa.update(REPOSITORY).values(address_key=sa.literal("#") + sa.cast(REPOSITORY.c.id, sa.String)))
    for number, key in keys.items():
        connection.execute(sa.update(REPOSITORY).where(REPOSITORY.c.id == number).values(address_key=key))


def _key(url: str) -> str:
    """Return the key of an address by the rules of the version that brought this migration."""
    parts = urlsplit(url)
    port = parts.port if parts.port not in (None, 80, 443) else None
    return _host(parts.hostname or "") + (f":{port}" if port else "") + parts.path.rstrip("/")


def _host(name: str) -> str:
    host = name.removesuffix(".")
    if ":" in host:
        return f"[{host}]"
    if host.isascii():
        return host
    try:
        return idna.encode(host, strict=True, std3_rules=True).decode()
    except idna.IDNAError:
        return host
