"""The Python SDK: everything a program or a notebook does with a hub.

Start with :class:`modelkeep.sdk.hub.Hub`, also importable as ``modelkeep.Hub``::

    from modelkeep import Hub

    with Hub("https://hub.example.org", token="mk_…") as hub:
        hub.repo("acme/churn").download("models/churn", stage="prod")

The SDK imports httpx and the standard library, and nothing of the server.
"""
