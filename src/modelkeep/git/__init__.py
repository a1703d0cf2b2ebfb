"""Floor 1, the Git store: bare repositories on disk, read with libgit2 and written so that ``git`` agrees.

Inside this package paths and ref names are bytes; at its edge they are ``str`` (see :mod:`modelkeep.git.paths`). A
repository is named by its directory, which :class:`modelkeep.git.repositories.Repositories` makes of an immutable id.
"""
