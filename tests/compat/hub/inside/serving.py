"""What a model server does before it serves: KServe's storage initializer."""

from kserve_storage import Storage


def initialize(uri: str, folder: str) -> None:
    """Downloads a model as KServe does."""
    Storage.download_files([uri], [folder])
