"""What one process of tests compiles once for all of its apps: templates, URL rules and database statements."""

from __future__ import annotations

from types import CodeType, MethodType
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from connector.logs import LoggedFlask

COMPILED_MEMBERS = ("arguments", "_parts", "_trace", "_converters", "_build", "_build_unknown")


class CompiledTemplates(BytecodeCache):
    """The templates that earlier apps of this process compiled. Each app has an environment of its own."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take the code of a template whose source is the same."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template."""
        self._code[bucket.key, bucket.checksum] = bucket.code


class CompiledRule(Rule):
    """A URL rule that is compiled once for all apps of this process. They have the same converters."""

    _compiled: ClassVar[dict[tuple[object, ...], dict[str, Any]]] = {}

    def compile(self) -> None:
        """Take what was compiled for an earlier app. The functions that make addresses are bound to their rule."""
        key = self.rule, repr(self.defaults), self.subdomain, self.merge_slashes
        if key not in self._compiled:
            super().compile()
            self._compiled[key] = {name: vars(self)[name] for name in COMPILED_MEMBERS}
        for name, value in self._compiled[key].items():
            setattr(self, name, MethodType(value.__func__, self) if isinstance(value, MethodType) else value)


class CompiledStatements:
    """A dialect that uses the statements that earlier engines of this process compiled for an equal dialect.

    SQLAlchemy looks them up by the dialect. The engines have the same options, so that their dialects are equal.
    """

    _statements: ClassVar[LRUCache] = LRUCache(5000)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        """Let the engine look for compiled statements where the others do."""
        engine._compiled_cache = cls._statements


class SQLite(CompiledStatements, SQLiteDialect_pysqlite):
    """SQLite, with statements compiled once."""

    supports_statement_cache = True
    _type_memos: ClassVar[WeakKeyDictionary] = WeakKeyDictionary()


class PostgreSQL(CompiledStatements, PGDialect_psycopg):
    """PostgreSQL, with statements compiled once."""

    supports_statement_cache = True
    _type_memos: ClassVar[WeakKeyDictionary] = WeakKeyDictionary()


TEMPLATES = CompiledTemplates()
LoggedFlask.url_rule_class = CompiledRule
registry.register("sqlite", __name__, "SQLite")
registry.register("postgresql.psycopg", __name__, "PostgreSQL")
