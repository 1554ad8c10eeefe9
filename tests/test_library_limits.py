"""What a program may give to `import policyloop` keeps the limits that the command line keeps."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyloop import Budget, Bundle, Cerbos, Lock, UsageError
from policyloop.cerbos.named import is_image, is_version

CAPS = ("attempts_per_class", "compile_cycles", "tokens", "usd", "wall_seconds", "refusals")
_NEVER_REACHED = st.sampled_from([math.nan, math.inf, -math.inf, 0, -1, -0.5, True, None, "10"])
_PATHS = st.sampled_from(["../x", "0.55.0/../../x", "file:/tmp/x", "https://127.0.0.1/x", "0.55", "latest", "", "\n"])


@given(st.sampled_from(CAPS), _NEVER_REACHED)
def test_no_cap_is_one_that_is_never_reached(cap: str, value: object) -> None:
    with pytest.raises(ValueError, match=cap):
        Budget(**{cap: value})  # type: ignore[arg-type]


@given(_PATHS | st.text(max_size=20).filter(lambda text: not is_version(text)))
def test_a_version_is_a_version(version: str) -> None:
    with pytest.raises(UsageError, match="no version"):
        Cerbos(runner="native", version=version)


@given(st.sampled_from(["../../etc", "a b", "/x", "x@sha256:1", ""]) | st.text(max_size=20))
def test_an_image_is_an_image(image: str) -> None:
    if not is_image(image):
        with pytest.raises(UsageError, match="no image"):
            Cerbos(runner="docker", image=image)


@pytest.mark.parametrize("seconds", [math.nan, math.inf, 0, -1])
def test_a_pass_has_an_end(seconds: float) -> None:
    with pytest.raises(UsageError, match="time limit"):
        Cerbos(runner="native", timeout_seconds=seconds)


@pytest.mark.compiler
@pytest.mark.parametrize("path", ["../x.yaml", "/x.yaml", "a/../../x.yaml"])
def test_a_bundle_stays_in_its_directory(path: str) -> None:
    bundle = Bundle({path: "x"})
    with Cerbos(runner="native") as judge, pytest.raises(UsageError, match="not a path inside"):
        judge(bundle, Lock.of(bundle))
