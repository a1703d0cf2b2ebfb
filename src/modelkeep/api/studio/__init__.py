"""What DVC asks of DVC Studio: where the files of a model can be downloaded (``dvc artifacts get``)."""
