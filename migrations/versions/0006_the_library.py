"""the library: the trash, and which models somebody used, are told without reading every job"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
_TRASHED = sa.text("deleted_at IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_jobs_model", "jobs", ["user_id", "model"])
    op.create_index(
        "ix_jobs_trash",
        "jobs",
        ["user_id", "deleted_at"],
        sqlite_where=_TRASHED,
        postgresql_where=_TRASHED,
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_trash", "jobs")
    op.drop_index("ix_jobs_model", "jobs")
