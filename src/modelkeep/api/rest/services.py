"""What the REST API needs of the hub."""

from __future__ import annotations

from typing import Protocol

from modelkeep.services.accounts import Accounts
from modelkeep.services.annotation_writes import AnnotationWrites
from modelkeep.services.annotations import Annotations
from modelkeep.services.audit import AuditLog
from modelkeep.services.authentication import Authentication
from modelkeep.services.cards import Cards
from modelkeep.services.collecting import Collecting
from modelkeep.services.commits import Commits
from modelkeep.services.contents import Contents
from modelkeep.services.deliveries import Deliveries
from modelkeep.services.doctor import Doctor
from modelkeep.services.events import Events
from modelkeep.services.file_headers import FileHeaders
from modelkeep.services.gating import GatedRepos
from modelkeep.services.gto_readout import GtoReadout
from modelkeep.services.history import History
from modelkeep.services.imports import Imports
from modelkeep.services.indexing import Indexing
from modelkeep.services.keys import Keys
from modelkeep.services.mirrors import Mirrors
from modelkeep.services.organisation_policies import OrganisationPolicies
from modelkeep.services.organisations import Organisations
from modelkeep.services.past import Past
from modelkeep.services.policies import Policies
from modelkeep.services.ports import Rules
from modelkeep.services.promotions import Promotions
from modelkeep.services.rechunking import Rechunking
from modelkeep.services.registry_lists import RegistryLists
from modelkeep.services.repo_settings import Protections, RepoMembers
from modelkeep.services.repos import Repos
from modelkeep.services.retractions import Retractions
from modelkeep.services.signatures import Signatures
from modelkeep.services.stages import Stages
from modelkeep.services.storage import Storage
from modelkeep.services.tokens import Tokens
from modelkeep.services.transfers import Transfers
from modelkeep.services.version_checks import VersionChecks
from modelkeep.services.version_details import VersionDetails
from modelkeep.services.versions import Versions
from modelkeep.services.webhooks import Webhooks


class RestServices(Protocol):
    """The services behind the routes, by noun. Whoever wires the hub has a value with these attributes."""

    @property
    def accounts(self) -> Accounts:
        """Users."""

    @property
    def annotation_writes(self) -> AnnotationWrites:
        """Saying something about artifacts."""

    @property
    def annotations(self) -> Annotations:
        """What files say about artifacts."""

    @property
    def audit_log(self) -> AuditLog:
        """Who changed what."""

    @property
    def authentication(self) -> Authentication:
        """From credentials to an actor."""

    @property
    def cards(self) -> Cards:
        """What cards say."""

    @property
    def commits(self) -> Commits:
        """Writing to branches and tags."""

    @property
    def contents(self) -> Contents:
        """Reading what a repo holds."""

    @property
    def doctor(self) -> Doctor:
        """What is wrong with a repo's registry."""

    @property
    def file_headers(self) -> FileHeaders:
        """Headers of weights."""

    @property
    def gto_readout(self) -> GtoReadout:
        """The answers of ``gto``."""

    @property
    def history(self) -> History:
        """What happened in the registry."""

    @property
    def deliveries(self) -> Deliveries:
        """Events on their way to webhooks."""

    @property
    def events(self) -> Events:
        """What happened."""

    @property
    def imports(self) -> Imports:
        """What is imported from other hubs."""

    @property
    def indexing(self) -> Indexing:
        """The index of what Git says."""

    @property
    def keys(self) -> Keys:
        """Public SSH keys of users."""

    @property
    def mirrors(self) -> Mirrors:
        """Namespaces that take over repos from elsewhere."""

    @property
    def organisations(self) -> Organisations:
        """Tenants and their members."""

    @property
    def past(self) -> Past:
        """The registry as it stood."""

    @property
    def organisation_policies(self) -> OrganisationPolicies:
        """Policies of organisations."""

    @property
    def policies(self) -> Policies:
        """What holds in a repo."""

    @property
    def promotions(self) -> Promotions:
        """Promotion requests."""

    @property
    def protections(self) -> Protections:
        """Rules for branches and tags."""

    @property
    def registry_lists(self) -> RegistryLists:
        """Artifacts and stages across repos."""

    @property
    def gating(self) -> GatedRepos:
        """Who may read the content of gated repos."""

    @property
    def repo_members(self) -> RepoMembers:
        """Roles in single repos."""

    @property
    def repos(self) -> Repos:
        """Repos."""

    @property
    def retractions(self) -> Retractions:
        """Deregistration and deprecation."""

    @property
    def rules(self) -> Rules:
        """The hub's limits."""

    @property
    def signatures(self) -> Signatures:
        """How tags are signed."""

    @property
    def stages(self) -> Stages:
        """Promotion."""

    @property
    def collecting(self) -> Collecting:
        """Removing what no repo can reach."""

    @property
    def rechunking(self) -> Rechunking:
        """Making chunks of whole files."""

    @property
    def storage(self) -> Storage:
        """How much room repos take."""

    @property
    def tokens(self) -> Tokens:
        """Personal access tokens."""

    @property
    def transfers(self) -> Transfers:
        """The bytes of LFS objects."""

    @property
    def version_details(self) -> VersionDetails:
        """Versions with all that belongs to them."""

    @property
    def version_checks(self) -> VersionChecks:
        """What checks say about versions."""

    @property
    def versions(self) -> Versions:
        """Registration."""

    @property
    def webhooks(self) -> Webhooks:
        """Whom to tell of events."""
