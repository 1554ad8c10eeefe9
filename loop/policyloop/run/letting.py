"""The file that lets go of exactly the tests that a person was told of: what `--release` takes, ready to be given."""

from collections.abc import Sequence
from pathlib import Path

from policyloop.errors import PolicyloopError
from policyloop.events import Against
from policyloop.run.onward import RELEASES
from policyloop.run.prepared import Prepared
from policyloop.workspace.named import write_named
from policyloop.yaml_text.writing import flow

_HEAD = "# What a run told a person of, by exact names: `--release` with this file lets go of these and of no others.\n"


def released_by(prepared: Prepared, against: Sequence[Against]) -> str:
    """How many tests contradict the spec, and the file that lets go of exactly them; empty for none."""
    if not against:
        return ""
    many = len(against) != 1
    count = f" {len(against)} older test{'s' * many} contradict{'' if many else 's'} it"
    file = write_release(prepared.folder, [_entry(one) for one in against])
    only = "; only a person releases " + ("them" if many else "it")
    return f"{count}{only}" + (f": --release {file}." if file else ", under `releases`.")


def write_release(folder: Path, entries: Sequence[dict[str, str]]) -> Path | None:
    """Write the file of these releases; None where that cannot be done, which is no reason to fail."""
    file = folder / RELEASES
    lines = [f"  - {flow(entry)}\n" for entry in entries]
    try:
        write_named(file, f"{_HEAD}releases:\n{''.join(lines)}", "--release", new=True)
    except PolicyloopError:
        return None
    return file


def _entry(one: Against) -> dict[str, str]:
    return {
        "suite": one.suite,
        "test": one.test,
        "principal": one.principal,
        "resource": one.resource,
        "action": one.action,
        "file": one.file,
        "demanded": one.demands,
        "instead": "deny" if one.demands == "allow" else "allow",
        "reason": f"rule {one.rule}",
    }
