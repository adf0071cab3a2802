"""Alembic's entry: the address comes from DATABASE_URL, the tables from the records."""

import os
import pkgutil
from importlib import import_module

from alembic import context

import vividflow.records
from vividflow.db.engine import make_engine
from vividflow.db.schema import metadata

for module in pkgutil.iter_modules(vividflow.records.__path__):
    import_module(f"vividflow.records.{module.name}")

engine = make_engine(os.environ["DATABASE_URL"])
with engine.connect() as connection:
    if engine.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
    if engine.dialect.name == "sqlite":
        connection.exec_driver_sql("COMMIT")
    else:
        connection.commit()
engine.dispose()
