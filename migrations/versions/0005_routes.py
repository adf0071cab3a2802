"""routes: pauses for each account, routes that died, limits that an operator set"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    # A pause lasts for minutes: those of the old shape are not worth carrying over.
    op.drop_table("pauses")
    op.create_table(
        "pauses",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("trips", sa.Integer(), nullable=False),
        sa.Column("probing", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "account", name=op.f("pk_pauses")),
    )
    op.create_table(
        "dead_routes",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("provider_model", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("account", "provider_model", name=op.f("pk_dead_routes")),
    )
    op.create_table(
        "provider_limits",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_provider_limits")),
    )


def downgrade() -> None:
    for table in ("provider_limits", "dead_routes", "pauses"):
        op.drop_table(table)
    op.create_table(
        "pauses",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_pauses")),
    )
