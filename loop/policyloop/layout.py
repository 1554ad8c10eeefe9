"""What Cerbos makes of a path inside a policy directory.

Source: Cerbos 0.55.0, observed: policies are `*.yaml|yml|json` outside hidden folders and `testdata`; schemas are
`_schemas/**/*.json`; suites are `*_test.{yaml,yml,json}` anywhere but in a `testdata` folder, *hidden folders
and `_schemas` included*; fixtures lie in the `testdata` folder beside a suite. Everything else is not read by the
compiler.
"""

from enum import Enum
from posixpath import splitext

EXTENSIONS = (".yaml", ".yml", ".json")
SCHEMAS = "_schemas"
TESTDATA = "testdata"
NEVER = (".git", ".policyloop")
"""Folders that are nobody's policies, although Cerbos would look for suites in them."""


PENDING = ".policyloop-writeback"
"""The file in the policy directory that says: a write-back is going on, or was interrupted. It says nothing else."""
OURS = ("policyloop.yaml", "policyloop.spec.yaml", PENDING)
"""Names that policyloop gives a meaning to. In a policy directory, where a model writes, they are refused."""


def is_ours(name: str) -> bool:
    """Whether a file's name is one of `OURS`, also on a file system that does not tell capitals apart."""
    return name.casefold().rstrip(". ") in OURS


class Kind(Enum):
    """What a file of a bundle is to the compiler."""

    POLICY = "policy"
    SCHEMA = "schema"
    SUITE = "suite"
    FIXTURE = "fixture"


def kind(path: str) -> Kind | None:
    """What the compiler reads `path` as (relative, separated by `/`), or None when it does not read it."""
    *folders, name = path.split("/")
    extension = splitext(name)[1].lower()
    if extension not in EXTENSIONS or any(folder in NEVER for folder in folders):
        return None
    test = name.lower()[: -len(extension)].endswith("_test")
    if test and TESTDATA not in folders:
        return Kind.SUITE
    hidden = any(part.startswith(".") for part in (*folders, name))
    schemas = folders[:1] == [SCHEMAS]
    if schemas and extension == ".json" and not hidden:
        return Kind.SCHEMA
    if TESTDATA in folders:
        return Kind.FIXTURE
    return None if hidden or schemas else Kind.POLICY
