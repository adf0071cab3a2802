"""Migrations: the tables are the records' tables, up and down, on both databases."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import vividflow.records
from vividflow.db.database import Database
from vividflow.db.migrate import ROOT, SchemaOutOfDate, current_revision, ensure_schema, newest_revision, upgrade
from vividflow.db.schema import metadata

for _module in pkgutil.iter_modules(vividflow.records.__path__):
    import_module(f"vividflow.records.{_module.name}")


def test_the_migrated_tables_are_the_records_tables(database: Database) -> None:
    with database.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert differences == []


def test_down_and_up_again_leads_to_the_same_place(database: Database) -> None:
    for word, target in (("downgrade", "base"), ("upgrade", "head")):
        done = subprocess.run(
            [sys.executable, "-m", "alembic", "-c", str(ROOT / "migrations/alembic.ini"), word, target],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": database.address},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert current_revision(database) == newest_revision()


def test_an_empty_sqlite_is_brought_up_to_date_by_itself(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/deep/jobs.db")
    ensure_schema(database, tmp_path / "data")
    assert current_revision(database) == newest_revision()
    database.close()


def test_a_schema_newer_than_the_code_is_left_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/jobs.db")
    upgrade(database.address)
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num='9999'")
    with pytest.raises(SchemaOutOfDate):
        ensure_schema(database, tmp_path)
    database.close()


def test_uploads_of_old_get_their_hash_and_equal_ones_stay_apart(database_url: str) -> None:
    def alembic(*words: str) -> None:
        command = [sys.executable, "-m", "alembic", "-c", str(ROOT / "migrations/alembic.ini"), *words]
        subprocess.run(command, cwd=ROOT, env={**os.environ, "DATABASE_URL": database_url}, check=True)

    alembic("downgrade", "0001")
    database = Database(database_url)
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO users (id, email, name, role, time_zone, theme, webhook_secret, created_at)"
            " VALUES ('u', 'a@b', 'a', 'user', 'UTC', 'system', 's', 0)"
        )
        for name, job, sha, at in (
            ("a", "NULL", "x", 2),
            ("b", "NULL", "x", 1),
            ("c", "NULL", "y", 1),
            ("d", "'j'", "x", 1),
        ):
            connection.exec_driver_sql(
                "INSERT INTO assets (id, user_id, job_id, kind, storage_key, mime, size, sha256, facts, created_at)"
                f" VALUES ('{name}', 'u', {job}, 'image', '{name}', 'image/png', 1, '{sha}', '{{}}', {at})"
            )
    alembic("upgrade", "head")
    with database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT id, given_sha256 FROM assets ORDER BY id").all()
    database.close()
    assert [tuple(row) for row in rows] == [("a", None), ("b", "x"), ("c", "y"), ("d", None)]
