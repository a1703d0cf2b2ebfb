"""The tables, as typed declarations. Statements are written against them in Core style."""

from modelkeep.db.tables.accounts import LoginFailures, Memberships, Namespaces, Tokens, Users
from modelkeep.db.tables.audit import Audit
from modelkeep.db.tables.base import Base
from modelkeep.db.tables.blobs import BlobLinks, Blobs, LfsLocks
from modelkeep.db.tables.cards import FileHeaders, RepoCards, RepoCounts, RepoDownloads, RepoTags
from modelkeep.db.tables.discussions import AccessRequests, Announcements, DiscussionEvents, Discussions
from modelkeep.db.tables.events import Deliveries, DeliveryAttempts, OutboxEvents, Webhooks
from modelkeep.db.tables.hub import HubFacts
from modelkeep.db.tables.imports import ImportFiles, Imports
from modelkeep.db.tables.keys import UserKeys
from modelkeep.db.tables.mirrors import Mirrors
from modelkeep.db.tables.policies import (
    OrganisationPolicies,
    PromotionRequests,
    PromotionReviews,
    VersionChecks,
)
from modelkeep.db.tables.rechunks import Rechunks
from modelkeep.db.tables.registry import (
    NEVER,
    ArtifactLabels,
    Artifacts,
    FileProblems,
    RegistryEvents,
    StageHolders,
    TagProblems,
    Versions,
)
from modelkeep.db.tables.repos import (
    GitRefs,
    NamespaceAliases,
    Protections,
    RepoAliases,
    RepoLabels,
    RepoMembers,
    Repos,
)
from modelkeep.db.tables.xet import XetChunks, XetEpochs, XorbLinks

__all__ = [
    "NEVER",
    "AccessRequests",
    "Announcements",
    "ArtifactLabels",
    "Artifacts",
    "Audit",
    "Base",
    "BlobLinks",
    "Blobs",
    "Deliveries",
    "DeliveryAttempts",
    "DiscussionEvents",
    "Discussions",
    "FileHeaders",
    "FileProblems",
    "GitRefs",
    "HubFacts",
    "ImportFiles",
    "Imports",
    "LfsLocks",
    "LoginFailures",
    "Memberships",
    "Mirrors",
    "NamespaceAliases",
    "Namespaces",
    "OrganisationPolicies",
    "OutboxEvents",
    "PromotionRequests",
    "PromotionReviews",
    "Protections",
    "Rechunks",
    "RegistryEvents",
    "RepoAliases",
    "RepoCards",
    "RepoCounts",
    "RepoDownloads",
    "RepoLabels",
    "RepoMembers",
    "RepoTags",
    "Repos",
    "StageHolders",
    "TagProblems",
    "Tokens",
    "UserKeys",
    "Users",
    "VersionChecks",
    "Versions",
    "Webhooks",
    "XetChunks",
    "XetEpochs",
    "XorbLinks",
]
