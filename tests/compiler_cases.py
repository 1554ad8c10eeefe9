"""The cases of fixtures/compiler, and their raw runs: the real compiler's, or for a constructed case the stored one."""

import json
from dataclasses import dataclass
from pathlib import Path

from policyloop.bundle import Bundle
from policyloop.cerbos.run import CompilerRun, Runner
from policyloop.findings import CompilerInfo

CASES = Path(__file__).resolve().parent.parent / "fixtures" / "compiler"
INFO = CompilerInfo("0.55.0", "native", "sha256:0")


@dataclass(frozen=True)
class Case:
    name: str

    @property
    def constructed(self) -> bool:
        return (CASES / self.name / "run.json").exists()

    @property
    def golden(self) -> Path:
        return CASES / self.name / "expected.json"

    def bundle(self) -> Bundle:
        root = CASES / self.name / "policies"
        files = (path for path in root.rglob("*") if path.is_file())
        return Bundle({path.relative_to(root).as_posix(): path.read_bytes().decode() for path in files})

    def stored(self) -> CompilerRun:
        data = json.loads((CASES / self.name / "run.json").read_text())
        return run(json.dumps(data["stdout"]), data["exit_code"])

    def runs(self, cerbos: Runner) -> tuple[CompilerRun, CompilerRun]:
        """The normal and the strict pass. Policies that do not compile are alike in both, and are compiled once."""
        if self.constructed:
            return self.stored(), self.stored()
        with cerbos.stage(self.bundle()) as staged:
            normal = staged.compile()
            return normal, normal if normal.exit_code == 3 else staged.compile(strict=True)


def run(stdout: str | bytes, exit_code: int | None = 0, stderr: str = "", **more: object) -> CompilerRun:
    """One run of the compiler, as a runner hands it over."""
    data = stdout.encode() if isinstance(stdout, str) else stdout
    return CompilerRun(exit_code=exit_code, stdout=data, stderr=stderr, seconds=60.0, **more)  # type: ignore[arg-type]


def case_names() -> list[str]:
    return sorted(path.name for path in CASES.iterdir() if path.is_dir())
