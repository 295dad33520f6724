"""Thousands of odd requests to every route, made by schemathesis from the OpenAPI document.

    python -m tests.fuzz [EXAMPLES_A_ROUTE]

All its checks: no 500, no status, header or body that is not documented, no valid request refused
(but for content, see schemathesis.toml), no invalid one taken, also over sequences of requests. The
server is a real one over a real socket, with the hashing embedder. Exit code 1 where a check fails, or
where fewer than 2,000 requests were made.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.api.sockets import fake_server
from tests.shared_data import ROOT

LEAST = 2000
_UNTIMED = ("--max-response-time", "600")
"""Seconds: how long an answer takes says more of the machine than of the routes."""


def main(examples: str = "160") -> int:
    """Run schemathesis and count its cases."""
    with (
        tempfile.TemporaryDirectory() as folder,
        fake_server(Path(folder) / "data", max_document_bytes=100_000) as (_process, client),
    ):
        command = [
            str(Path(sys.executable).parent / "st"),
            "run",
            f"{client.base_url}/openapi.json",
        ]
        options = [
            "--checks",
            "all",
            *_UNTIMED,
            "--max-examples",
            examples,
            "--seed",
            "1",
            "--no-color",
        ]
        run = subprocess.Popen(
            [*command, *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert run.stdout is not None
        told = ""
        for line in run.stdout:
            told += line
            print(line, end="", flush=True)
        code = run.wait()
    found = re.search(r"([\d,]+) generated", told)
    cases = int(found[1].replace(",", "")) if found else 0
    print(f"{cases} cases")
    return 0 if code == 0 and cases >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
