"""the audit log of what operators do; what needs a review and what was ordered lately are told without reading everything"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_IN_REVIEW = sa.text("state = 'needs_review'")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("who_id", sa.Text(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", _JSON, nullable=False),
        sa.Column("after", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_about_at", "audit", ["about", "at"])
    op.create_index("ix_jobs_review", "jobs", ["created_at"], sqlite_where=_IN_REVIEW, postgresql_where=_IN_REVIEW)
    op.create_index("ix_orders_intent_at", "orders", ["intent_at"])


def downgrade() -> None:
    op.drop_index("ix_orders_intent_at", "orders")
    op.drop_index("ix_jobs_review", "jobs")
    op.drop_index("ix_audit_about_at", "audit")
    op.drop_table("audit")
