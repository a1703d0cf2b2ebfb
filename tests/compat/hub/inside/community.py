"""What people do together: pull requests, discussions, and asking for access to gated repos."""

import io
from typing import Any

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.utils import get_session, hf_raise_for_status

api = HfApi()


def propose(repo: str, files: dict[str, str], **options: Any) -> dict[str, Any]:
    """Opens a pull request with one commit of these texts and, as streams, of what ends with ``.bin``."""
    operations = [
        CommitOperationAdd(path, io.BytesIO(text.encode()) if path.endswith(".bin") else text.encode())
        for path, text in files.items()
    ]
    done = api.create_commit(
        repo_id=repo, operations=operations, commit_message="Improve it", create_pr=True, **options
    )
    return {"url": done.pr_url, "number": done.pr_num, "revision": done.pr_revision, "commit": done.oid}


def open_draft(repo: str, title: str, description: str | None = None) -> dict[str, Any]:
    """Opens a pull request without commits."""
    return _details(api.create_pull_request(repo_id=repo, title=title, description=description))


def discuss(repo: str, title: str) -> dict[str, Any]:
    """Opens a discussion."""
    return _details(api.create_discussion(repo_id=repo, title=title))


def details(repo: str, number: int) -> dict[str, Any]:
    """A discussion as the client reads it."""
    return _details(api.get_discussion_details(repo_id=repo, discussion_num=number))


def listed(repo: str, **options: Any) -> list[dict[str, Any]]:
    """All discussions of a repo; of 0.x no filters."""
    return [
        {"number": one.num, "title": one.title, "status": one.status, "pull": one.is_pull_request}
        for one in api.get_repo_discussions(repo_id=repo, **options)
    ]


def comment(repo: str, number: int, text: str) -> str:
    """Says something; the comment's id."""
    return str(api.comment_discussion(repo_id=repo, discussion_num=number, comment=text).id)


def edit(repo: str, number: int, comment_id: str, text: str) -> dict[str, Any]:
    """Rewords a comment."""
    made = api.edit_discussion_comment(
        repo_id=repo, discussion_num=number, comment_id=comment_id, new_content=text
    )
    return {"text": made.content, "edited": made.edited, "edits": made.number_of_edits}


def hide(repo: str, number: int, comment_id: str) -> bool:
    """Hides a comment."""
    return bool(
        api.hide_discussion_comment(repo_id=repo, discussion_num=number, comment_id=comment_id).hidden
    )


def set_status(repo: str, number: int, status: str) -> str:
    """Opens or closes a discussion."""
    made = api.change_discussion_status(repo_id=repo, discussion_num=number, new_status=status)
    return str(made.new_status)


def rename(repo: str, number: int, title: str) -> tuple[str, str]:
    """Gives a discussion another title; the old and the new one."""
    made = api.rename_discussion(repo_id=repo, discussion_num=number, new_title=title)
    return made.old_title, made.new_title


def merge(repo: str, number: int) -> None:
    """Merges a pull request."""
    api.merge_pull_request(repo_id=repo, discussion_num=number)


def refs(repo: str) -> dict[str, str]:
    """The refs of pull requests."""
    found = api.list_repo_refs(repo_id=repo, include_pull_requests=True)
    return {one.ref: one.target_commit for one in found.pull_requests or []}


def gate(repo: str, how: Any) -> None:
    """Gates a repo, or opens it."""
    api.update_repo_settings(repo_id=repo, gated=how)


def ask(repo: str) -> None:
    """Asks for access, as the page of a repo does."""
    answer = get_session().post(
        f"{api.endpoint}/{repo}/ask-access", data={"why": "research"}, headers=api._build_hf_headers()
    )
    hf_raise_for_status(answer)


def requests(repo: str, status: str) -> list[dict[str, Any]]:
    """Who asked."""
    found = getattr(api, f"list_{status}_access_requests")(repo)
    return [{"user": one.username, "status": one.status, "fields": one.fields} for one in found]


def answer(repo: str, user: str, verb: str) -> None:
    """Answers a request: ``accept``, ``reject`` or ``cancel``."""
    reason = {"rejection_reason": "not now"} if verb == "reject" else {}
    getattr(api, f"{verb}_access_request")(repo, user, **reason)


def grant(repo: str, user: str) -> None:
    """Lets somebody in."""
    api.grant_access(repo, user)


def may_read(repo: str) -> None:
    """Asks whether the token may read the files."""
    api.auth_check(repo)


def _details(found: Any) -> dict[str, Any]:
    return {
        "number": found.num,
        "title": found.title,
        "status": found.status,
        "author": found.author,
        "ref": found.git_reference,
        "target": found.target_branch,
        "merged": found.merge_commit_oid,
        "conflicts": found.conflicting_files or [],
        "diff": found.diff or "",
        "events": [(event.type, event.author) for event in found.events],
    }
