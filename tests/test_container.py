"""What can be known of the container files without a container engine."""

import re
import shlex
import tomllib
from pathlib import Path

import yaml

from api.settings import PREFIX, Settings
from tests.shared_data import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_image_holds_what_the_package_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE))
    names = {name for line in copied for name in shlex.split(line)}
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert names == packages | {"pyproject.toml", "constraints.txt", "README.md", "LICENSE"}
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == names
    assert all((ROOT / name).exists() for name in names)


def test_versions_agree() -> None:
    constraints = (ROOT / "constraints.txt").read_text()
    (torch,) = re.findall(r"torch==(\S+)", DOCKERFILE)
    assert f"torch=={torch}\n" in constraints
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    minimum = project["project"]["requires-python"].removeprefix(">=")
    assert set(re.findall(r"^FROM python:([\d.]+)-slim", DOCKERFILE, re.MULTILINE)) == {minimum}


def test_settings_in_the_files_are_settings() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    service = compose["services"]["quoth"]
    names = set(re.findall(rf"{PREFIX}\w+(?==)", DOCKERFILE)) | set(service["environment"])
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert names <= known
    assert "QUOTH_HOST=0.0.0.0" in DOCKERFILE
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert int(service["stop_grace_period"].removesuffix("s")) > Settings().shutdown_seconds
    assert service["volumes"] == ["quoth-data:/data"]
    assert set(compose["volumes"]) == {"quoth-data"}
    assert "QUOTH_DATA_DIR=/data" in DOCKERFILE


def test_the_image_is_asked_whether_it_is_ready() -> None:
    assert re.search(
        r"^HEALTHCHECK .*\\\n  CMD .*127\.0\.0\.1:8000/readyz", DOCKERFILE, re.MULTILINE
    )
    assert re.search(r"^USER quoth$", DOCKERFILE, re.MULTILINE)


def test_the_documentation_names_settings_that_exist() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for page in (ROOT / "README.md", ROOT / "docs" / "operations.md"):
        named = set(re.findall(rf"{PREFIX}[A-Z_]+[A-Z]", Path(page).read_text()))
        assert named <= known, page
