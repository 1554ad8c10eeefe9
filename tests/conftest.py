"""Fixtures that every room uses: the real compiler, native and in Docker."""

import functools
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator

import hypothesis
import pytest

import claude_client
import goldens
import tiers
from policyloop.cerbos.run import Runner
from policyloop.errors import Unavailable
from policyloop.validators.install import install
from policyloop.validators.native import NativeRunner
from policyloop.validators.pinned import IMAGE, VERSION

# A test that takes longer where others work beside it is not wrong for that.
hypothesis.settings.register_profile("ours", deadline=None)
hypothesis.settings.load_profile("ours")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--regenerate` writes the golden files anew instead of comparing with them; `--quick` is the quick tier."""
    parser.addoption("--regenerate", action="store_true", help="write the golden files of fixtures/ anew")
    parser.addoption("--quick", action="store_true", help="only what needs no compiler, no engine and no client")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> goldens.Golden:
    """Compares what a test found with what is recorded in a file; with `--regenerate` it is recorded first."""

    return functools.partial(goldens.hold, regenerate=request.config.getoption("--regenerate"))


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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each test bears the markers of what it needs."""
    tiers.mark(items)
    if config.getoption("--quick"):
        tiers.leave_out_the_rest(config, items)


def pytest_configure(config: pytest.Config) -> None:
    """What policyloop keeps outside of projects lies in a folder of its own, not in that of whoever runs the tests.

    A shell starts what it puts into the background deaf to Ctrl-C, and every child inherits that: hear it again.
    """
    if config.getoption("--quick") and (folder := tiers.take_everything_away()):
        config.add_cleanup(lambda: tiers.give_back(folder))
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="policyloop-tests-state-")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure() -> None:
    """And that folder goes."""
    shutil.rmtree(os.environ["XDG_STATE_HOME"], ignore_errors=True)
