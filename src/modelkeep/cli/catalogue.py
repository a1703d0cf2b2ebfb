"""All commands: where each one is, and what it does in one line.

The overview and completion are answered from here, so this module imports nothing. The summaries are the first lines
of the commands' docstrings; a test compares them.
"""

from __future__ import annotations

GROUPS: dict[str, str] = {
    "repo": "Create, list and change repos.",
    "repo label": "Add and remove the labels of a repo.",
    "repo member": "Say who has a role in a repo itself.",
    "repo access": "Gate repos, and say who may read them.",
    "request": "Propose promotions, and approve or reject them.",
    "policy": "See and check the policies that promotions must meet.",
    "evidence": "Record what was found out about a version elsewhere.",
    "storage": "See how much room repos take.",
    "imports": "See, repeat and end imports from other hubs.",
    "webhook": "Send the events of a repo or an organisation to a URL.",
    "key": "Manage the SSH keys that you sign tags with.",
    "token": "Manage your access tokens.",
    "org": "Create organisations and manage their members.",
    "org member": "Manage the members of an organisation.",
    "org mirror": "Have a namespace take over repos from another hub when they are asked for.",
    "admin": "Manage users, organisations and tokens on the hub's own machine (with --data DIR).",
    "admin user": "Manage users.",
    "admin org": "Manage organisations.",
    "admin token": "Manage access tokens.",
}
"""What a group of commands is for."""

COMMANDS: dict[str, tuple[str, str]] = {
    "login": ("login:login", "Log in to a hub and remember it for this user account."),
    "logout": ("login:logout", "Forget the log-in of a hub, and revoke the token that the log-in made."),
    "whoami": ("login:whoami", "Show who the hub takes you for."),
    "upload": ("transfers:upload", "Upload a file or a folder into a repo, as one commit."),
    "download": ("transfers:download", "Download a model by stage, version or revision."),
    "card": ("cards:card", "Show what a model card says, what is wrong with it, and how large the model is."),
    "header": (
        "cards:header",
        "Show the tensors, inputs and outputs of a file of weights, without fetching it.",
    ),
    "import": ("imports:begin", "Import a repo from Hugging Face or another hub."),
    "imports list": ("imports:list_imports", "List imports into repos that you may read, the newest first."),
    "imports show": ("imports:show", "Show an import: where it comes from, how far it is, why it failed."),
    "imports sync": (
        "imports:sync",
        "Look for changes at the source now; only files that have changed are fetched.",
    ),
    "imports cancel": ("imports:cancel", "End an import that is under way, and its schedule."),
    "imports forget": ("imports:forget", "Forget where a repo came from, and the token; its files stay."),
    "show": ("show:show", "Show which versions are registered and which one is in each stage."),
    "stages": ("timeline:stages", "Show who holds each stage, now or at a time."),
    "history": ("timeline:history", "Show what happened in the registry, the latest first."),
    "diff": ("timeline:diff", "Show what changed in the stages between two times."),
    "register": ("registry:register", "Register a commit as a version of an artifact."),
    "promote": ("registry:promote", "Give a stage to a version."),
    "assign": ("registry:promote", "Give a stage to a version."),
    "rollback": ("registry:rollback", "Give a stage back to the version that held it before."),
    "unassign": ("registry:unassign", "Take a stage away from the version that holds it."),
    "deregister": (
        "registry:deregister",
        "Withdraw a version: it stays in the history and counts no longer.",
    ),
    "deprecate": ("registry:deprecate", "Say that an artifact is no longer to be used."),
    "annotate": (
        "annotations:annotate",
        "Say what an artifact is, by a commit to the file that declares it.",
    ),
    "describe": ("annotations:describe", "Show what the repo says about an artifact."),
    "remove": ("annotations:remove", "Remove what the repo says about an artifact."),
    "check-ref": ("inspection:check_ref", "Show what a tag did in the registry, as gto does."),
    "doctor": (
        "inspection:doctor",
        "List the tags and files of a repo that the registry cannot read, and why.",
    ),
    "request list": ("requests:list_requests", "List promotion requests."),
    "request create": ("requests:create", "Propose that a version gets a stage."),
    "request show": ("requests:show", "Show a promotion request, its reviews and what blocks it."),
    "request approve": ("requests:approve", "Approve a promotion request."),
    "request reject": ("requests:reject", "Reject a promotion request."),
    "request withdraw": ("requests:withdraw", "Withdraw a promotion request of yours."),
    "policy show": ("policies:show", "Show the policy that holds for a repo."),
    "policy check": ("policies:check", "Check a policy file before it is pushed."),
    "policy schema": ("policies:schema", "Print the JSON Schema of policy files."),
    "policy show-org": ("policies:show_org", "Show the policy that holds for all repos of an organisation."),
    "policy set-org": ("policies:set_org", "Set the policy for all repos of an organisation."),
    "policy remove-org": ("policies:remove_org", "Remove an organisation's policy."),
    "evidence record": ("evidence:record", "Record a verdict about a version, such as a scanner's."),
    "evidence list": ("evidence:list_evidence", "List the verdicts that were recorded about a version."),
    "watch": ("watch:watch", "Show the events of a repo as they happen."),
    "webhook list": ("webhooks:list_webhooks", "List webhooks."),
    "webhook add": ("webhooks:add", "Make a webhook; its secret is printed once."),
    "webhook show": ("webhooks:show", "Show a webhook."),
    "webhook update": ("webhooks:update", "Change a webhook; what is not given stays."),
    "webhook remove": ("webhooks:remove", "Remove a webhook."),
    "webhook rotate": ("webhooks:rotate", "Give a webhook a new secret, which is printed once."),
    "webhook ping": ("webhooks:ping", "Send a test event to a webhook."),
    "webhook deliveries": ("deliveries:deliveries", "List what was sent to a webhook, or show one delivery."),
    "webhook replay": ("deliveries:replay", "Send an earlier delivery again."),
    "storage report": (
        "storage:report",
        "Show how much room a repo and its versions take, and what sharing saves.",
    ),
    "storage rechunk": (
        "storage:rechunk",
        "Store the files of a repo in chunks, which its versions share.",
    ),
    "storage collect": (
        "storage:collect",
        "Remove what no repo can reach any more from the store.",
    ),
    "repo create": ("repos:create", "Create a repo; the namespace is you or an organisation of yours."),
    "repo list": ("repos:list_repos", "List the repos that you may read."),
    "repo show": ("repos:show", "Show a repo's addresses, visibility and size."),
    "repo edit": (
        "repos:edit",
        "Change a repo's visibility, description, labels, default branch or strict tags; what is not given stays.",
    ),
    "repo rename": ("repos:rename", "Rename a repo, or move it to another namespace."),
    "repo delete": ("repos:delete", "Delete a repo."),
    "repo restore": ("repos:restore", "Bring back a repo that was deleted."),
    "repo label add": ("repo_people:add_labels", "Add labels to a repo."),
    "repo label remove": ("repo_people:remove_labels", "Remove labels from a repo."),
    "repo member list": ("repo_people:list_members", "List who has a role in a repo itself."),
    "repo member add": ("repo_people:add_member", "Give somebody a role in a repo."),
    "repo member remove": ("repo_people:remove_member", "Take somebody's role in a repo away."),
    "repo access show": ("repo_access:show", "Show whether a repo is gated."),
    "repo access ask": ("repo_access:ask", "Ask for access to the files of a gated repo."),
    "repo access set": ("repo_access:set_gating", "Gate a repo."),
    "repo access list": ("repo_access:list_requests", "List who asked for access to a gated repo."),
    "repo access accept": ("repo_access:accept", "Let somebody read a gated repo."),
    "repo access reject": ("repo_access:reject", "Refuse somebody a gated repo."),
    "repo access cancel": ("repo_access:cancel", "Take the answer to a request back."),
    "key list": ("keys:list_keys", "List SSH keys: yours, or somebody's."),
    "key add": ("keys:add", "Add an SSH public key, to sign tags with."),
    "key remove": ("keys:remove", "Remove one of your SSH keys."),
    "token list": ("tokens:list_tokens", "List your access tokens, without their secrets."),
    "token create": ("tokens:create", "Make an access token; its secret is printed once."),
    "token revoke": ("tokens:revoke", "Make an access token worthless at once."),
    "org list": ("organisations:list_organisations", "List the organisations that you belong to."),
    "org show": ("organisations:show", "Show an organisation."),
    "org create": ("organisations:create", "Create an organisation that you own."),
    "org member list": ("organisations:list_members", "List the members of an organisation."),
    "org member add": ("organisations:add_member", "Give somebody a role in an organisation."),
    "org member remove": ("organisations:remove_member", "Take somebody out of an organisation."),
    "org mirror show": ("mirrors:show", "Show what a namespace is a mirror of."),
    "org mirror set": (
        "mirrors:set_mirror",
        "Make a namespace a mirror: what clients of the Hub ask it for is fetched from another hub.",
    ),
    "org mirror remove": (
        "mirrors:remove",
        "Make a mirror an ordinary namespace; its repos stay, the token is forgotten.",
    ),
    "completion": ("completion:completion", "Print what makes a shell complete this command."),
    "git-credential": ("git_credential:git_credential", "Answer git's questions for credentials."),
    "serve": ("serve:serve", "Run a hub: Git, Git LFS, the REST API and the registry, in one process."),
    "reindex": (
        "serve:reindex",
        "Rebuild the index of versions and stages from the Git repositories alone.",
    ),
    "admin user create": ("admin:create_user", "Create a user."),
    "admin user list": ("admin:list_users", "List all users."),
    "admin user disable": ("admin:disable_user", "Keep a user out, with password and tokens."),
    "admin user set-password": ("admin:set_password", "Give a user a new password."),
    "admin org create": ("admin:create_organisation", "Create an organisation with its members."),
    "admin org list": ("admin:list_organisations", "List all organisations."),
    "admin token create": ("admin:create_token", "Create an access token."),
    "admin token list": ("admin:list_tokens", "List a user's tokens, without their secrets."),
    "admin token revoke": ("admin:revoke_token", "End a token at once."),
}
"""By its words: the module below ``modelkeep.cli`` and the function in it, and the summary."""

SECTIONS: tuple[tuple[str, str], ...] = (
    ("Log-in", "login logout whoami token key"),
    ("Models", "repo upload download card header storage import imports"),
    ("Registry", "show stages history diff register promote assign rollback unassign deregister deprecate"),
    ("Descriptions", "annotate describe remove doctor check-ref"),
    ("Governance", "policy request evidence org"),
    ("Events", "watch webhook"),
    ("This machine", "completion git-credential serve reindex admin"),
)
"""The overview's headings, and what stands below each."""


def below(path: str) -> list[tuple[str, str]]:
    """The next words after ``path`` (empty at the top) with their summaries, in order."""
    start = f"{path} " if path else ""
    found: dict[str, str] = {}
    for words, (_, summary) in COMMANDS.items():
        if words.startswith(start):
            word, _, rest = words[len(start) :].partition(" ")
            found.setdefault(word, GROUPS[start + word] if rest else summary)
    return list(found.items())
