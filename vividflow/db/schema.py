"""The metadata that every record's table hangs on, and the column types that differ between the two databases."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Double, Integer, MetaData
from sqlalchemy.dialects.postgresql import JSONB

# SQLite can only drop a constraint that has a name, so every one gets its name by rule.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Json = JSON().with_variant(JSONB(), "postgresql")
Counter = BigInteger().with_variant(Integer(), "sqlite")
Moment = Double
Money = BigInteger
