"""enhancements"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "enhancements",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("original", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("prompt_sha256", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enhancements")),
    )
    with op.batch_alter_table("enhancements", schema=None) as batch_op:
        batch_op.create_index("ix_enhancements_prompt", ["user_id", "prompt_sha256"], unique=False)
        batch_op.create_index("ix_enhancements_created_at", ["created_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("enhancements", schema=None) as batch_op:
        batch_op.drop_index("ix_enhancements_created_at")
        batch_op.drop_index("ix_enhancements_prompt")

    op.drop_table("enhancements")
