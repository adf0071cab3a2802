"""keeping: rules of retention and quotas of people, when a thing was taken back from the trash, stored bytes by index"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "retention_rules",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_retention_rules_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "kind", name=op.f("pk_retention_rules")),
    )
    op.create_table(
        "quotas",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("most_bytes", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_quotas_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_quotas")),
    )
    op.add_column("jobs", sa.Column("restored_at", sa.Double(), nullable=True))
    op.add_column("assets", sa.Column("restored_at", sa.Double(), nullable=True))
    op.create_index("ix_assets_stored", "assets", ["user_id", "id", "size"])
    op.create_index("ix_renditions_stored", "renditions", ["asset_id", "size"])


def downgrade() -> None:
    op.drop_index("ix_renditions_stored", "renditions")
    op.drop_index("ix_assets_stored", "assets")
    op.drop_column("assets", "restored_at")
    op.drop_column("jobs", "restored_at")
    op.drop_table("quotas")
    op.drop_table("retention_rules")
