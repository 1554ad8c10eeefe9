"""What `deploy/` holds, as far as it can be tried without a registry: read by its reader, held against the code."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from policyloop.cerbos.run import Runner
from policyloop.config import load_named
from policyloop.validators.pinned import IMAGE, VERSION, cached_binary
from source_tree import ROOT

DEPLOY = ROOT / "deploy"


def compose() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_what_the_services_name_is_declared_and_pinned() -> None:
    said = compose()
    for name, service in said["services"].items():
        assert set(service.get("secrets", [])) <= set(said["secrets"]), name
        assert set(service.get("networks", [])) <= set(said["networks"]), name
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source in said["volumes"] or source in ("./policies",) or (DEPLOY / source).is_file(), source
        if "image" in service:
            assert re.search(r":\d[\w.-]*$", service["image"])
    assert said["services"]["pdp"]["image"] == IMAGE.split("@")[0]
    assert IMAGE.split("@")[0].endswith(VERSION)
    # The PDP believes whoever reaches it: nobody does but the server.
    assert said["services"]["pdp"]["network_mode"] == "none"
    assert said["networks"]["inside"]["internal"] is True


def test_the_configuration_is_one_and_meets_the_compose_file() -> None:
    config, _ = load_named(DEPLOY / "policyloop.yaml")
    serve = config.serve
    assert serve.pdp is not None
    assert serve.tls is not None
    cerbos = yaml.safe_load((DEPLOY / "cerbos.yaml").read_text())
    assert serve.pdp.address == cerbos["server"]["httpListenAddr"]
    assert (cerbos["schema"]["enforcement"], cerbos["engine"]["strictEvaluation"]) == ("reject", True)
    decide = compose()["services"]["decide"]
    for secret in (serve.tls.certificate, serve.tls.key, decide["environment"]["PGPASSFILE"]):
        assert Path(secret).name in decide["secrets"]
    assert serve.listen.endswith(":3594")


def test_a_real_pdp_starts_with_its_configuration(cerbos: Runner, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "fixtures" / "starter" / "policies", tmp_path / "policies")
    text = (
        (DEPLOY / "cerbos.yaml")
        .read_text()
        .replace("/run/pdp", str(tmp_path))
        .replace("/policies", f"{tmp_path}/policies")
    )
    (tmp_path / "cerbos.yaml").write_text(text)
    binary = cached_binary(VERSION)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [binary, "server", f"--config={tmp_path}/cerbos.yaml"], stdout=log, stderr=log, env={"HOME": str(tmp_path)}
        )
        try:
            until = time.monotonic() + 60
            socket = tmp_path / "cerbos.sock"
            while not socket.exists() and process.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
            assert socket.is_socket(), (tmp_path / "log").read_text()
            assert socket.stat().st_mode & 0o777 == 0o660
        finally:
            process.kill()
            process.wait()


def test_the_image_copies_what_is_there_and_looks_where_the_server_answers() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert "'.[serve,postgres]'" in text
    assert "constraints.txt" in text
    assert (ROOT / "constraints.txt").is_file()
    assert "/healthz" in text
    assert 'Route("/healthz"' in (ROOT / "loop" / "policyloop" / "serve" / "app.py").read_text()
    assert "USER 10001" in text


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        if os.environ.get("CI") == "true" and Path("/run/systemd/system").exists():
            pytest.fail("systemd-analyze is missing")
        pytest.skip("no systemd here")
    text = (DEPLOY / "policyloop.service").read_text()
    # What it runs need not be installed here.
    unit = tmp_path / "policyloop.service"
    unit.write_text(text.replace("/opt/policyloop/bin/policyloop", "/bin/true"))
    done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    unit.write_text(
        text.replace("/opt/policyloop/bin/policyloop", "/bin/true").replace("Restart=always", "Restart=often")
    )
    wrong = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False, timeout=60)
    assert "restart" in wrong.stderr.lower()
