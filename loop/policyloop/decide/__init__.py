"""What a call of an agent would do, worked out before it does it. Pure: no HTTP, no disk, no process."""
