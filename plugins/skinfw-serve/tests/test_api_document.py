"""Requests drawn from the OpenAPI document: whatever fits it, and what just does not."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from serving import serving, train_served

pytest.importorskip("fastapi", reason="needs the extra serve")
from skinfw_serve.policy import Policy

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_schema_conformance", "unsupported_method",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("schemathesis"), reason="needs schemathesis")
def test_requests_drawn_from_the_document_are_answered_as_it_says(tmp_path: Path) -> None:
    with serving(train_served(tmp_path), Policy(rate=10**9)) as server:
        address = f"http://127.0.0.1:{server.port}"
        code = "import sys; from schemathesis.cli import schemathesis; schemathesis()"
        words = ["run", f"{address}/openapi.json", "--url", address, "--max-examples", "20"]
        done = subprocess.run(
            [sys.executable, "-c", code, *words, "--checks", ",".join(CHECKS)],
            capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "5 selected" in done.stdout
