"""usage: which key ordered a job, what was made and what the provider took; jobs that are gone still count"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
_ORDERED = sa.text("kind = 'reserve' AND account = 'held'")


def upgrade() -> None:
    op.add_column("users", sa.Column("usage_alert", sa.BigInteger(), nullable=True))
    op.add_column("jobs", sa.Column("key_id", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("made_ms", sa.BigInteger(), nullable=True))
    op.add_column("jobs", sa.Column("actual", sa.BigInteger(), nullable=True))
    op.create_table(
        "past_jobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=True),
        sa.Column("quoted", sa.BigInteger(), nullable=False),
        sa.Column("estimate", sa.BigInteger(), nullable=False),
        sa.Column("actual", sa.BigInteger(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_past_jobs_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_jobs")),
    )
    op.create_index("ix_past_jobs_own", "past_jobs", ["user_id", "created_at"])
    op.create_index("ix_ledger_ordered", "ledger", ["at"], sqlite_where=_ORDERED, postgresql_where=_ORDERED)
    # A job of old took what its paid order took; what one that failed cost the installation nobody wrote down.
    op.execute(
        "UPDATE jobs SET actual = (SELECT sum(orders.cost) FROM orders WHERE orders.job_id = jobs.id AND orders.charged)"
        " WHERE kind NOT IN ('delivery', 'late') AND (status = 'completed' OR charged)"
    )
    op.execute("UPDATE jobs SET actual = cost WHERE status = 'completed' AND actual IS NULL")
    op.execute(
        "UPDATE jobs SET made_ms = (SELECT sum(CAST(assets.duration * 1000 AS bigint)) FROM assets"
        " WHERE assets.job_id = jobs.id AND assets.kind = 'video') WHERE status = 'completed' AND kind <> 'late'"
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_ordered", "ledger")
    op.drop_index("ix_past_jobs_own", "past_jobs")
    op.drop_table("past_jobs")
    for column in ("actual", "made_ms", "key_id"):
        op.drop_column("jobs", column)
    op.drop_column("users", "usage_alert")
