"""What this room needs of the hub."""

from __future__ import annotations

from typing import Protocol

from modelkeep.services.authentication import Authentication
from modelkeep.services.browsing import Browsing
from modelkeep.services.cards import Cards
from modelkeep.services.catalogue import Catalogue
from modelkeep.services.commits import Commits
from modelkeep.services.contents import Contents
from modelkeep.services.discussions import Discussions
from modelkeep.services.downloads import Downloads
from modelkeep.services.file_headers import FileHeaders
from modelkeep.services.gating import GatedRepos
from modelkeep.services.lfs import Lfs
from modelkeep.services.lfs_files import LfsFiles
from modelkeep.services.mirrors import Mirrors
from modelkeep.services.organisations import Organisations
from modelkeep.services.ports import Rules
from modelkeep.services.pull_requests import PullRequests
from modelkeep.services.pulling import Pulling
from modelkeep.services.receiving import Receiving
from modelkeep.services.repos import Repos
from modelkeep.services.squashing import Squashing
from modelkeep.services.tokens import Tokens
from modelkeep.services.transfers import Transfers
from modelkeep.services.upload_plans import UploadPlans
from modelkeep.services.xet import Xet
from modelkeep.services.xet_tokens import XetTokens


class HubServices(Protocol):
    """The services behind the handlers. Whoever wires the hub has a value with these attributes."""

    @property
    def rules(self) -> Rules:
        """Limits and choices of the hub."""

    @property
    def authentication(self) -> Authentication:
        """From credentials to an actor."""

    @property
    def browsing(self) -> Browsing:
        """Repos, a listing at a time."""

    @property
    def cards(self) -> Cards:
        """What cards say."""

    @property
    def catalogue(self) -> Catalogue:
        """Lists of models and datasets."""

    @property
    def commits(self) -> Commits:
        """Writing to branches and tags."""

    @property
    def contents(self) -> Contents:
        """What repos hold."""

    @property
    def discussions(self) -> Discussions:
        """What people say about repos and pull requests."""

    @property
    def gating(self) -> GatedRepos:
        """Who may read the content of gated repos."""

    @property
    def downloads(self) -> Downloads:
        """Counts of downloads."""

    @property
    def file_headers(self) -> FileHeaders:
        """Headers of weights."""

    @property
    def lfs(self) -> Lfs:
        """The LFS batch."""

    @property
    def lfs_files(self) -> LfsFiles:
        """LFS objects of a repo, for its owner."""

    @property
    def mirrors(self) -> Mirrors:
        """Which namespaces are mirrors."""

    @property
    def organisations(self) -> Organisations:
        """Organisations and their members."""

    @property
    def pull_requests(self) -> PullRequests:
        """Opening and merging pull requests."""

    @property
    def pulling(self) -> Pulling:
        """Filling mirrors."""

    @property
    def receiving(self) -> Receiving:
        """Files of commits yet to be made."""

    @property
    def repos(self) -> Repos:
        """Repos."""

    @property
    def squashing(self) -> Squashing:
        """Histories made one commit."""

    @property
    def tokens(self) -> Tokens:
        """Access tokens."""

    @property
    def transfers(self) -> Transfers:
        """The bytes of LFS objects."""

    @property
    def upload_plans(self) -> UploadPlans:
        """What becomes of files that are about to be sent."""

    @property
    def xet(self) -> Xet:
        """The Xet store."""

    @property
    def xet_tokens(self) -> XetTokens:
        """Who may do what there."""
