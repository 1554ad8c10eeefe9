"""Fixtures that every room uses: the real compiler, native and in Docker."""

from collections.abc import Iterator

import pytest

from policyloop.cerbos.run import Runner
from policyloop.validators.install import install
from policyloop.validators.native import NativeRunner
from policyloop.validators.pinned import VERSION


@pytest.fixture(scope="session")
def cerbos() -> Iterator[Runner]:
    """The pinned compiler as a binary; fetched through npm where it is not here yet."""
    runner = NativeRunner(install(VERSION).path, 60)
    yield runner
    runner.close()
