"""Many suspicions about one bundle put to servers at once: what is asked of each kind, and the rounds."""
