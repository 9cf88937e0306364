"""What the long checks share: one noun per module."""
