"""The decision point: what an agent is about to do is decided by a PDP outside of the agent, and recorded."""
