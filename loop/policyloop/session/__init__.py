"""The loop with an agent as the model: it edits the directory by itself, then asks for a verdict.

A session is the controller of a run with its state on the disk. What the agent edits is the person's directory itself,
not a copy of it: unlike a headless run, a session leaves behind whatever was reached.
"""
