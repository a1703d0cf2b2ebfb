"""The Xet protocol: a content-addressed store of chunks, for the Hub's clients."""
