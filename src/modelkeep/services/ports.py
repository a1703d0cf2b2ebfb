"""What services are given: the stores they work on, and the hub's rules as numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from modelkeep.blobs.store import BlobStore
from modelkeep.db.engine import Database
from modelkeep.domain.webhooks import RETRY_DELAYS
from modelkeep.git.repositories import Repositories
from modelkeep.identity.hub_keys import HubKeys
from modelkeep.identity.signing import Signer

MIB = 1 << 20
GIB = 1 << 30


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Stores:
    """The media beneath the services, and the clock."""

    database: Database
    repositories: Repositories
    blobs: BlobStore
    signer: Signer
    now: Callable[[], datetime] = utc_now
    hub_keys: HubKeys = field(default_factory=HubKeys)


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits and choices of this hub. Sizes are in bytes.

    Attributes:
        max_git_file: A file over this size must go through Git LFS.
        max_lfs_object: A larger LFS object is refused in the batch answer.
        max_batch_objects: Objects in one LFS batch request.
        max_commit_body: Size of one commit request of the REST API.
        max_hub_commit: The same of the Hub API.
        multipart_above: Objects larger than this are offered in parts to clients that ask for ``multipart``.
        part_size: Size of such a part.
        url_lifetime: Shortest life of a signed transfer URL; large objects get more.
        restore_within: How long a deleted repo can be restored.
        default_branch: Of a new repo.
        default_visibility: Of a new user's or organisation's repos.
        admins_create_organisations: Only administrators of the hub create organisations.
        login_failures_allowed: Wrong passwords for one name and address before log-in is slowed down.
        storage_grace: How long what no repo can reach stays in the store.
        keep_events: How long events and their deliveries are kept.
        event_streams: Streams of events open at once.
        webhook_retry_delays: Seconds from one attempt of a delivery to the next; after the last it is given up.
        webhook_off_after: A webhook that failed for so long is switched off.
        xet_advertise_above: Clients are told to fetch larger files from the Xet store, where they are there as xorbs.
        import_endpoint: The hub that imports come from where none is named.
        import_workers: Imports at once.
        import_streams: Files that one import fetches at once.
        import_pauses: Seconds to wait before the next request, after each that broke off without a byte.
    """

    max_git_file: int = 10 * MIB
    max_lfs_object: int = 1024 * GIB
    max_batch_objects: int = 1000
    max_commit_body: int = 32 * MIB
    max_hub_commit: int = 256 * MIB
    multipart_above: int = 64 * MIB
    part_size: int = 64 * MIB
    url_lifetime: timedelta = field(default=timedelta(hours=1))
    restore_within: timedelta = field(default=timedelta(days=30))
    storage_grace: timedelta = field(default=timedelta(days=30))
    default_branch: str = "main"
    default_visibility: str = "private"
    admins_create_organisations: bool = False
    login_failures_allowed: int = 5
    keep_events: timedelta = field(default=timedelta(days=30))
    event_streams: int = 200
    webhook_retry_delays: tuple[float, ...] = RETRY_DELAYS
    webhook_off_after: timedelta = field(default=timedelta(days=7))
    xet_advertise_above: int = 50_000_000_000
    import_endpoint: str = "https://huggingface.co"
    import_workers: int = 2
    import_streams: int = 4
    import_pauses: tuple[float, ...] = (0.5, 2, 5, 15)
