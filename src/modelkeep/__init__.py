"""Modelkeep: a self-hosted, Git-native model repository and registry."""

__version__ = "0.1.0"
