"""The interop harness: one noun per module, `run` beside this folder is the entry."""
