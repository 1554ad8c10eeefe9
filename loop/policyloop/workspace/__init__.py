"""The person's directory: read once, worked on elsewhere, and written only when green, all or nothing."""

from policyloop.workspace.baseline import read_baseline, read_revision
from policyloop.workspace.hold import Workspace
from policyloop.workspace.place import find_state, project_root, state_directory
from policyloop.workspace.read import read_bundle
from policyloop.workspace.recovery import Recovery, recover

__all__ = [
    "Recovery",
    "Workspace",
    "find_state",
    "project_root",
    "read_baseline",
    "read_bundle",
    "read_revision",
    "recover",
    "state_directory",
]
