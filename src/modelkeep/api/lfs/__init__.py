"""The room of Git LFS: batch, transfers (basic, multipart, tus), verify and locks.

Sources: git-lfs, docs/api/batch.md, basic-transfers.md, locking.md; tus 1.0.0 (HEAD and PATCH); the ``multipart``
transfer as huggingface_hub speaks it.
"""
