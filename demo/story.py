"""What happens in the demonstration: two organisations, three models, the real clients.

Every command is run as it is printed. The tutorial docs/tutorials/first-model.md uses the same ones.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo.console import Teller
from demo.files import digests, require_same
from demo.person import Failed, Person

REPOS = ("acme/iris", "acme/digits", "globex/encoder")


@dataclass
class Story:
    """The chapters, in order. ``pushed`` remembers what each version's files were."""

    teller: Teller
    url: str
    data: Path
    token: str
    megabytes: int
    ada: Person
    grace: Person
    mia: Person
    pushed: dict[str, dict[str, str]] = field(default_factory=dict)

    def tell(self) -> None:
        """All of it.

        Raises:
            Failed: Something did not hold.
        """
        for person in (self.ada, self.grace, self.mia):
            person.settle_in()
        self.two_organisations()
        self.a_model_by_git()
        self.a_model_by_gto()
        self.a_large_model()
        self.roll_back()
        self.the_same_bytes()
        self.guard_production()
        self.one_registry()
        self.tenants_apart()

    def two_organisations(self) -> None:
        self.teller.chapter("Two organisations: acme (Ada) and globex (Grace)")
        ada, grace, data = self.ada, self.grace, shlex.quote(str(self.data))
        ada.types(f"modelkeep login --url {self.url} --git", stdin=self.token)
        ada.types(
            f"modelkeep admin org create acme --full-name 'Acme Flowers' --member ada:owner --data {data}",
            at=None,
        )
        ada.types(f"modelkeep admin user create grace --full-name 'Grace' --data {data} --json", at=None)
        ada.types(
            f"modelkeep admin org create globex --full-name Globex --member grace:owner --data {data}",
            at=None,
        )
        created = ada.types(
            "modelkeep admin token create --user grace --name laptop --scope read,write,promote "
            f"--expires 30d --data {data} --json",
            at=None,
        )
        grace.types(f"modelkeep login --url {self.url} --git", stdin=_read(created)["token"])
        grace.types("modelkeep whoami", quote=True)

    def a_model_by_git(self) -> None:
        self.teller.chapter("acme/iris: trained twice, pushed with plain Git, staged with the CLI")
        ada = self.ada
        ada.types("modelkeep repo create acme/iris --description 'Which iris is it?'")
        ada.types(f"git clone {self.url}/acme/iris")
        ada.types("python demo/models.py iris ~/iris --c 0.01", at=None, quote=True)
        self._commit_and_push(ada, "iris", "A careful model")
        ada.types("modelkeep register acme/iris iris --version v1.0.0")
        ada.types("modelkeep promote acme/iris iris --version v1.0.0 --stage prod")
        self.pushed["iris@v1.0.0"] = digests(ada.home / "iris")
        ada.types("python demo/models.py iris ~/iris --c 10", at=None, quote=True)
        self._commit_and_push(ada, "iris", "A bolder model")
        ada.types("git tag -a iris@v1.1.0 -m 'Better on the test set'", at="iris")
        ada.types("git push origin iris@v1.1.0", at="iris")
        ada.types("modelkeep promote acme/iris iris --version v1.1.0 --stage staging")
        ada.types("modelkeep promote acme/iris iris --version v1.1.0 --stage prod")
        self._require_stages("acme/iris", "iris", "v1.1.0", {"prod": "v1.1.0", "staging": "v1.1.0"})

    def a_model_by_gto(self) -> None:
        self.teller.chapter("acme/digits: versions and stages with GTO, a client that knows only Git")
        ada = self.ada
        ada.types("modelkeep repo create acme/digits --description 'Which digit is it?'")
        ada.types(f"git clone {self.url}/acme/digits")
        ada.types("python demo/models.py digits ~/digits --hidden 64", at=None, quote=True)
        self._commit_and_push(ada, "digits", "A small network")
        ada.types("gto register digits --version v1.0.0", at="digits")
        ada.types("gto assign digits --version v1.0.0 --stage staging", at="digits")
        ada.types("git push --tags", at="digits")
        self._require_stages("acme/digits", "digits", "v1.0.0", {"staging": "v1.0.0"})

    def a_large_model(self) -> None:
        self.teller.chapter(f"globex/encoder: {self.megabytes} MB of weights through Git LFS")
        grace = self.grace
        grace.types("modelkeep repo create globex/encoder")
        grace.types(f"git clone {self.url}/globex/encoder")
        grace.types(
            f"python demo/models.py weights ~/encoder --megabytes {self.megabytes}", at=None, quote=True
        )
        self._commit_and_push(grace, "encoder", "First weights")
        self.pushed["encoder@v0.1.0"] = digests(grace.home / "encoder")
        grace.types("modelkeep register globex/encoder encoder --version v0.1.0")
        grace.types("git tag -a 'encoder#prod#1' -m 'Into production'", at="encoder")
        grace.types("git push origin 'encoder#prod#1'", at="encoder")

    def roll_back(self) -> None:
        self.teller.chapter("acme/iris: the new version disappoints, production goes back")
        self.ada.types("modelkeep rollback acme/iris iris --stage prod")
        self.ada.types("modelkeep show acme/iris", quote=True)
        self._require_stages("acme/iris", "iris", "v1.1.0", {"prod": "v1.0.0", "staging": "v1.1.0"})

    def the_same_bytes(self) -> None:
        self.teller.chapter("By stage name, byte for byte")
        ada, grace = self.ada, self.grace
        ada.types("modelkeep download acme/iris --stage prod --to ~/in-production")
        self._require_pushed(
            "iris@v1.0.0", ada.home / "in-production", "modelkeep download acme/iris --stage prod"
        )
        ada.types("python demo/models.py score iris ~/in-production", at=None, quote=True)
        grace.types("modelkeep download globex/encoder --stage prod --to ~/in-production")
        self._require_pushed(
            "encoder@v0.1.0", grace.home / "in-production", "modelkeep download globex/encoder --stage prod"
        )
        grace.types(f"git clone {self.url}/globex/encoder fresh")
        self._require_pushed("encoder@v0.1.0", grace.home / "fresh", "git clone globex/encoder")

    def guard_production(self) -> None:
        self.teller.chapter("acme/iris: from now on, production takes a second pair of eyes")
        ada, mia = self.ada, self.mia
        before = datetime.now(UTC)
        self._hire_mia()
        ada.types("modelkeep upload acme/iris demo/policy.yaml --to .modelkeep/", at=None)
        ada.types("git tag -a 'iris#prod#9' -m 'Quickly, before the weekend'", at="iris")
        ada.types("git push origin 'iris#prod#9'", at="iris", expect=1, quote=True)
        ada.types("git tag -d 'iris#prod#9'", at="iris")
        ada.types("modelkeep promote acme/iris iris --version v1.1.0 --stage prod", expect=1, quote=True)
        ada.types(
            "modelkeep request create acme/iris iris --version v1.1.0 --stage prod -m 'It was the data'"
        )
        mia.types("modelkeep request approve acme/iris 1 --comment 'Agreed'")
        self._require_stages("acme/iris", "iris", "v1.1.0", {"prod": "v1.1.0", "staging": "v1.1.0"})
        ada.types("modelkeep history acme/iris iris --stage prod", quote=True)
        at = before.strftime("%Y-%m-%dT%H:%M:%SZ")
        then = ada.types(f"modelkeep stages acme/iris iris --stage prod --at {at} --json")
        if [entry["version"] for entry in _read(then)] != ["v1.0.0"]:
            raise Failed(f"v1.0.0 was in prod at {at}", then)
        self.teller.held(f"v1.0.0 was in prod at {at}")

    def _hire_mia(self) -> None:
        data = shlex.quote(str(self.data))
        self.ada.types(f"modelkeep admin user create mia --full-name 'Mia' --data {data} --json", at=None)
        self.ada.types("modelkeep org member add acme mia maintainer")
        created = self.ada.types(
            f"modelkeep admin token create --user mia --name laptop --scope read,promote --expires 30d "
            f"--data {data} --json",
            at=None,
        )
        self.mia.types(f"modelkeep login --url {self.url}", stdin=_read(created)["token"])

    def one_registry(self) -> None:
        self.teller.chapter("Git is the truth: GTO reads from a clone what the hub says")
        ada = self.ada
        for repo in ("acme/iris", "acme/digits"):
            folder = f"fresh-{repo.rpartition('/')[2]}"
            ada.types(f"git clone {self.url}/{repo} {folder}")
            by_gto = _read(ada.types("gto show --json", at=folder))
            by_hub = _read(ada.types(f"modelkeep show {repo} --json"))
            gto_says = {name: (entry["version"], entry["stage"]) for name, entry in by_gto.items()}
            hub_says = {entry["artifact"]: (entry["latest"], entry["stages"]) for entry in by_hub}
            if gto_says != hub_says or not hub_says:
                raise Failed(f"{repo}: GTO and the hub disagree", f"GTO: {gto_says}\nhub: {hub_says}")
            self.teller.held(f"{repo}: the same versions and stages")

    def tenants_apart(self) -> None:
        self.teller.chapter("For Grace, what is Acme's alone is not there")
        grace = self.grace
        grace.types("modelkeep repo show acme/iris", expect=1, quote=True)
        grace.types("modelkeep repo show acme/no-such-repo", expect=1, quote=True)

    def _commit_and_push(self, person: Person, folder: str, message: str) -> None:
        person.types("git add --all", at=folder)
        person.types(f"git commit -m '{message}'", at=folder)
        person.types("git push", at=folder)

    def _require_pushed(self, version: str, folder: Path, what: str) -> None:
        self.teller.held(require_same(self.pushed[version], digests(folder), what))

    def _require_stages(self, repo: str, artifact: str, latest: str, stages: dict[str, str]) -> None:
        found = _read(self.ada.types(f"modelkeep show {repo} --json"))
        states = {entry["artifact"]: (entry["latest"], entry["stages"]) for entry in found}
        if states != {artifact: (latest, stages)}:
            raise Failed(f"{repo}: {artifact} should be {latest} with {stages}", f"the hub says: {states}")
        named = ", ".join(f"{stage} is {version}" for stage, version in sorted(stages.items()))
        self.teller.held(f"latest is {latest}, {named}")


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Failed(f"this should be JSON: {error}", text) from None
