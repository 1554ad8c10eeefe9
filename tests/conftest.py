"""Fixtures that every room uses: the real compiler, native and in Docker."""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator

import pytest

import claude_client
from policyloop.cerbos.run import Runner
from policyloop.errors import Unavailable
from policyloop.validators.install import install
from policyloop.validators.native import NativeRunner
from policyloop.validators.pinned import IMAGE, VERSION


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--regenerate` writes the golden files anew instead of comparing with them."""
    parser.addoption("--regenerate", action="store_true", help="write the golden files of fixtures/ anew")


@pytest.fixture(scope="session")
def cerbos() -> Iterator[Runner]:
    """The pinned compiler as a binary; fetched through npm where it is not here yet."""
    runner = NativeRunner(install(VERSION).path, 60)
    yield runner
    runner.close()


@pytest.fixture(scope="session")
def docker_cerbos() -> Iterator[Runner]:
    """The pinned compiler in Docker. Without an engine the test is skipped, but never where Docker must be there."""
    from policyloop.validators.docker import DockerRunner

    try:
        runner = DockerRunner(IMAGE, 60)
    except Unavailable as error:
        if os.environ.get("CI") == "true" or os.environ.get("POLICYLOOP_REQUIRE_DOCKER") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))
    yield runner
    runner.close()


@pytest.fixture(scope="session")
def claude() -> claude_client.Claude:
    """The pinned Claude Code client; fetched through npm where it is not here yet.

    Without npm the test is skipped, but never where the client must be there.
    """
    try:
        return claude_client.install()
    except Unavailable as error:
        if os.environ.get("CI") == "true" or os.environ.get("POLICYLOOP_REQUIRE_CLAUDE") == "1":
            pytest.fail(str(error))
        pytest.skip(f"no Claude Code client: {error}")


def pytest_configure() -> None:
    """What policyloop keeps outside of projects lies in a folder of its own, not in that of whoever runs the tests.

    A shell starts what it puts into the background deaf to Ctrl-C, and every child inherits that: hear it again.
    """
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="policyloop-tests-state-")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure() -> None:
    """And that folder goes."""
    shutil.rmtree(os.environ["XDG_STATE_HOME"], ignore_errors=True)
