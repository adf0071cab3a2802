"""Uploads know the hash of what was sent beside the hash of what is kept, and equal ones are kept once for each person"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# Until now `sha256` of a picture was the hash of what was sent. Of equal ones only the oldest stands for its content.
BACKFILL = """
UPDATE assets SET given_sha256 = sha256
WHERE kind = 'image' AND job_id IS NULL AND id IN (
  SELECT min(a.id) FROM assets a
  WHERE a.kind = 'image' AND a.job_id IS NULL AND a.created_at = (
    SELECT min(b.created_at) FROM assets b
    WHERE b.kind = 'image' AND b.job_id IS NULL AND b.user_id = a.user_id AND b.sha256 = a.sha256)
  GROUP BY a.user_id, a.sha256)
"""


def upgrade() -> None:
    with op.batch_alter_table("assets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("given_sha256", sa.Text(), nullable=True))
        batch_op.drop_index("ix_assets_user_sha")
    op.execute(BACKFILL)
    with op.batch_alter_table("assets", schema=None) as batch_op:
        batch_op.create_index("uq_assets_given", ["user_id", "given_sha256", "kind"], unique=True)


def downgrade() -> None:
    with op.batch_alter_table("assets", schema=None) as batch_op:
        batch_op.drop_index("uq_assets_given")
        batch_op.create_index("ix_assets_user_sha", ["user_id", "sha256"], unique=False)
        batch_op.drop_column("given_sha256")
