"""From settings to stores to services. Nothing below this floor reads a setting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from modelkeep.blobs.store import BlobStore
from modelkeep.db.engine import Database, open_database
from modelkeep.domain.errors import Unavailable
from modelkeep.git import push_hook
from modelkeep.git.repositories import Repositories
from modelkeep.git.transport import PackLimits
from modelkeep.identity.hub_keys import load_hub_keys
from modelkeep.identity.sealing import Sealer
from modelkeep.identity.signing import Signer, load_or_create_key
from modelkeep.outbound.addresses import Guard
from modelkeep.outbound.hub_client import HubClient
from modelkeep.outbound.sender import Sender
from modelkeep.services.accounts import Accounts
from modelkeep.services.annotation_writes import AnnotationWrites
from modelkeep.services.annotations import Annotations, read_annotations
from modelkeep.services.assignments import Assignments
from modelkeep.services.audit import AuditLog
from modelkeep.services.authentication import Authentication
from modelkeep.services.browsing import Browsing
from modelkeep.services.cards import Cards
from modelkeep.services.catalogue import Catalogue
from modelkeep.services.collecting import Collecting
from modelkeep.services.commits import Commits
from modelkeep.services.contents import Contents
from modelkeep.services.deliveries import Deliveries
from modelkeep.services.discussions import Discussions
from modelkeep.services.doctor import Doctor
from modelkeep.services.downloads import Downloads
from modelkeep.services.events import Events
from modelkeep.services.file_headers import FileHeaders
from modelkeep.services.gate import Gate
from modelkeep.services.gating import GatedRepos
from modelkeep.services.gto_readout import GtoReadout
from modelkeep.services.header_reading import HeaderReader
from modelkeep.services.health import Health
from modelkeep.services.history import History
from modelkeep.services.import_runs import ImportRuns
from modelkeep.services.imports import Imports
from modelkeep.services.indexing import Indexing
from modelkeep.services.keys import Keys
from modelkeep.services.lfs import Lfs
from modelkeep.services.lfs_files import LfsFiles
from modelkeep.services.locking import Locking
from modelkeep.services.mirrors import Mirrors
from modelkeep.services.model_downloads import ModelDownloads
from modelkeep.services.organisation_policies import OrganisationPolicies
from modelkeep.services.organisations import Organisations
from modelkeep.services.outbox import Outbox
from modelkeep.services.past import Past
from modelkeep.services.policies import Policies
from modelkeep.services.policy_gate import PolicyGate
from modelkeep.services.ports import Rules, Stores
from modelkeep.services.promotions import Promotions
from modelkeep.services.pull_requests import PullRequests
from modelkeep.services.pulling import Pulling
from modelkeep.services.pushes import Pushes, Transport
from modelkeep.services.receiving import Receiving
from modelkeep.services.rechunking import Rechunking
from modelkeep.services.registry_lists import RegistryLists
from modelkeep.services.registry_writes import RegistryWrites
from modelkeep.services.relinking import Relinking
from modelkeep.services.repo_settings import Protections, RepoMembers
from modelkeep.services.repos import Repos
from modelkeep.services.request_ends import RequestEnds
from modelkeep.services.retractions import Retractions
from modelkeep.services.signatures import Signatures
from modelkeep.services.squashing import Squashing
from modelkeep.services.stages import Stages
from modelkeep.services.storage import Storage
from modelkeep.services.tickets import Tickets
from modelkeep.services.tokens import Tokens
from modelkeep.services.transfers import Transfers
from modelkeep.services.upload_plans import UploadPlans
from modelkeep.services.version_checks import VersionChecks
from modelkeep.services.version_details import VersionDetails
from modelkeep.services.versions import Versions
from modelkeep.services.webhooks import Webhooks
from modelkeep.services.weights import Weights
from modelkeep.services.writes import Writes
from modelkeep.services.xet import Xet
from modelkeep.services.xet_shards import XetShards
from modelkeep.services.xet_tokens import XetTokens
from modelkeep.settings import Settings

_IMPORT_NETWORKS = "MODELKEEP_IMPORT_ALLOWED_NETWORKS"


@dataclass(frozen=True, slots=True)
class Hub:
    """All services of one hub."""

    rules: Rules
    accounts: Accounts
    annotation_writes: AnnotationWrites
    annotations: Annotations
    audit_log: AuditLog
    authentication: Authentication
    browsing: Browsing
    cards: Cards
    catalogue: Catalogue
    commits: Commits
    contents: Contents
    deliveries: Deliveries
    downloads: Downloads
    events: Events
    file_headers: FileHeaders
    discussions: Discussions
    doctor: Doctor
    gating: GatedRepos
    gto_readout: GtoReadout
    health: Health
    history: History
    import_runs: ImportRuns
    imports: Imports
    indexing: Indexing
    keys: Keys
    lfs: Lfs
    lfs_files: LfsFiles
    locking: Locking
    mirrors: Mirrors
    model_downloads: ModelDownloads
    organisations: Organisations
    past: Past
    protections: Protections
    policies: Policies
    organisation_policies: OrganisationPolicies
    promotions: Promotions
    version_checks: VersionChecks
    pull_requests: PullRequests
    pulling: Pulling
    pushes: Pushes
    receiving: Receiving
    relinking: Relinking
    registry_lists: RegistryLists
    repo_members: RepoMembers
    repos: Repos
    retractions: Retractions
    signatures: Signatures
    collecting: Collecting
    squashing: Squashing
    rechunking: Rechunking
    stages: Stages
    storage: Storage
    tokens: Tokens
    transfers: Transfers
    upload_plans: UploadPlans
    version_details: VersionDetails
    versions: Versions
    webhooks: Webhooks
    xet: Xet
    xet_shards: XetShards
    xet_tokens: XetTokens


@contextmanager
def open_hub(settings: Settings) -> Iterator[Hub]:
    """Opens the hub that lives in the data folder, bringing its schema up to date; closes it at the end.

    Raises:
        Unavailable: The folder cannot be written, or the database cannot be opened.
    """
    stores = _open_stores(settings)
    try:
        yield build_hub(
            stores, _rules(settings), _transport(settings), _sender(settings), _hub_client(settings)
        )
    finally:
        stores.database.close()


def build_hub(
    stores: Stores,
    rules: Rules,
    transport: Transport,
    sender: Sender | None = None,
    hub_client: HubClient | None = None,
) -> Hub:
    """Connects the services to each other and to the stores; webhooks and imports reach public addresses by default."""
    sender = sender or Sender(Guard())
    sealer = Sealer(stores.signer.derive("webhook secrets"))
    hub_client = hub_client or HubClient(Guard(setting=_IMPORT_NETWORKS))
    source_sealer = Sealer(stores.signer.derive("import tokens"))
    outbox = Outbox(stores, read_annotations)
    policies = Policies(stores)
    request_ends = RequestEnds(stores, policies)
    indexing = Indexing(stores, [outbox.follow, request_ends.follow])
    signatures = Signatures(stores)
    policy_gate = PolicyGate(stores, policies, signatures)
    gate = Gate(stores, rules, policy_gate)
    writes = Writes(stores, gate, indexing)
    commits = Commits(stores, rules, writes)
    registry = RegistryWrites(stores, writes)
    pull_requests = PullRequests(stores, writes)
    versions = Versions(stores, writes, registry)
    assignments = Assignments(stores, registry, policies, policy_gate)
    tokens = Tokens(stores)
    authentication = Authentication(stores, rules)
    tickets = Tickets(stores, rules)
    xet_tokens = XetTokens(stores, rules, authentication)
    lfs = Lfs(stores, rules, tickets)
    repos = Repos(stores, rules, indexing)
    imports = Imports(stores, rules, hub_client, source_sealer, repos)
    contents = Contents(stores)
    downloads = Downloads(stores)
    header_reader = HeaderReader(stores)
    weights = Weights(header_reader)
    return Hub(
        rules=rules,
        accounts=Accounts(stores, tokens, rules),
        annotation_writes=AnnotationWrites(stores, commits),
        annotations=Annotations(stores),
        audit_log=AuditLog(stores),
        authentication=authentication,
        browsing=Browsing(stores),
        cards=Cards(stores, weights),
        catalogue=Catalogue(stores, downloads),
        commits=commits,
        contents=contents,
        deliveries=Deliveries(stores, rules, sender, sealer),
        downloads=downloads,
        events=Events(stores, rules),
        file_headers=FileHeaders(contents, header_reader, weights),
        discussions=Discussions(stores, writes, pull_requests),
        gating=GatedRepos(stores),
        doctor=Doctor(stores),
        gto_readout=GtoReadout(stores),
        health=Health(stores),
        history=History(stores),
        import_runs=ImportRuns(stores, rules, hub_client, source_sealer, commits, writes),
        imports=imports,
        indexing=indexing,
        keys=Keys(stores),
        lfs=lfs,
        lfs_files=LfsFiles(stores, writes),
        locking=Locking(stores),
        mirrors=Mirrors(stores, rules, hub_client, source_sealer),
        model_downloads=ModelDownloads(stores, tickets, authentication),
        organisations=Organisations(stores, rules),
        past=Past(stores),
        protections=Protections(stores),
        policies=policies,
        organisation_policies=OrganisationPolicies(stores, request_ends),
        promotions=Promotions(stores, writes, registry, policies, assignments, request_ends),
        version_checks=VersionChecks(stores, policies),
        pull_requests=pull_requests,
        pulling=Pulling(stores, hub_client, source_sealer, imports),
        pushes=Pushes(stores, gate, indexing, transport),
        receiving=Receiving(stores, rules),
        relinking=Relinking(stores),
        registry_lists=RegistryLists(stores),
        repo_members=RepoMembers(stores),
        repos=repos,
        retractions=Retractions(stores, writes, registry),
        signatures=signatures,
        squashing=Squashing(stores, writes),
        stages=Stages(stores, writes, registry, versions, assignments),
        collecting=Collecting(stores, rules),
        rechunking=Rechunking(stores, xet_tokens),
        storage=Storage(stores),
        tokens=tokens,
        transfers=Transfers(stores, tickets, authentication, lfs),
        upload_plans=UploadPlans(stores, rules),
        version_details=VersionDetails(stores, versions, signatures),
        versions=versions,
        webhooks=Webhooks(stores, sender, sealer),
        xet=Xet(stores, rules, xet_tokens),
        xet_shards=XetShards(stores, rules),
        xet_tokens=xet_tokens,
    )


def _open_stores(settings: Settings) -> Stores:
    data = settings.data.resolve()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if settings.secret_key is not None:
            key = settings.secret_key.get_secret_value().encode()
        else:
            key = load_or_create_key(data / "secret.key")
        repositories = Repositories(data / "repos")
        blobs = BlobStore.open(data / "blobs")
        hub_keys = load_hub_keys(data, settings.signing_key_file, signs=settings.sign_tags)
    except OSError as error:
        raise Unavailable(
            f"The data folder {data} cannot be used: {error.strerror}.", code="data_folder"
        ) from error
    return Stores(_open_database(settings), repositories, blobs, Signer(key), hub_keys=hub_keys)


def _open_database(settings: Settings) -> Database:
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
    else:
        url = f"sqlite:///{settings.data.resolve() / 'modelkeep.db'}"
    database = open_database(url)
    try:
        database.migrate()
    except BaseException:
        database.close()
        raise
    return database


def _transport(settings: Settings) -> Transport:
    limits = PackLimits(max_input_bytes=settings.max_push, seconds=settings.git_seconds)
    return Transport(push_hook.install(settings.data.resolve() / "hooks"), limits)


def _sender(settings: Settings) -> Sender:
    ports = [int(port) for port in settings.webhook_ports]
    return Sender(Guard(settings.webhook_allowed_networks), ports=ports)


def _hub_client(settings: Settings) -> HubClient:
    return HubClient(Guard(settings.import_allowed_networks, setting=_IMPORT_NETWORKS))


def jobs_url(settings: Settings) -> str:
    """Where jobs are kept: beside the SQLite database, or inside the PostgreSQL one."""
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        if not url.startswith("sqlite"):
            return url
    return f"sqlite:///{settings.data.resolve() / 'jobs.db'}"


def _rules(settings: Settings) -> Rules:
    return Rules(
        max_git_file=settings.max_git_file,
        max_lfs_object=settings.max_lfs_object,
        max_batch_objects=settings.max_batch_objects,
        max_commit_body=settings.max_commit_body,
        max_hub_commit=settings.max_hub_commit,
        xet_advertise_above=settings.xet_advertise_above,
        multipart_above=settings.multipart_above,
        part_size=settings.part_size,
        url_lifetime=timedelta(seconds=settings.url_lifetime),
        restore_within=timedelta(days=settings.restore_days),
        default_branch=settings.default_branch,
        default_visibility=settings.default_visibility.value,
        admins_create_organisations=settings.admins_create_organisations,
        login_failures_allowed=settings.login_failures_allowed,
        storage_grace=timedelta(days=settings.storage_grace_days),
        keep_events=timedelta(days=settings.event_days),
        event_streams=settings.event_streams,
        webhook_retry_delays=settings.webhook_retry_delays,
        webhook_off_after=timedelta(days=settings.webhook_off_days),
        import_endpoint=settings.import_endpoint,
        import_workers=settings.import_workers,
        import_streams=settings.import_streams,
    )
