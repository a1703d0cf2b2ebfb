"""The registry across repos: artifacts at a glance, annotations, what lists sort and filter by."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
