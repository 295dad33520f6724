"""Imports only ever point left: documents, index, rag, api."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ORDER = ("documents", "index", "rag", "api")
UNSHIPPED = ("tests", "training", "benchmarks")
MODULES = [path for package in ORDER for path in sorted((ROOT / package).rglob("*.py"))]


def imported(tree: ast.AST, package: str) -> set[str]:
    """The top-level names of all that is imported, also inside functions and by dots."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(package if node.level else (node.module or "").split(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("import_module", "__import__")
        ):
            found |= {
                str(argument.value).split(".")[0]
                for argument in node.args
                if isinstance(argument, ast.Constant)
            }
    return found


def test_every_package_has_modules() -> None:
    for package in ORDER:
        assert (ROOT / package / "__init__.py") in MODULES
    # ... and what is shipped is these four.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == list(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_left(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    to_the_right = {*ORDER[ORDER.index(package) + 1 :], *UNSHIPPED}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert imported(tree, package) & to_the_right == set()


def test_the_rule_sees_every_way_to_import() -> None:
    source = (
        "import a.b\nfrom c.d import e\nfrom . import f\n"
        "def g():\n    import h\n    importlib.import_module('i.j')\n    __import__('k')\n"
    )
    assert imported(ast.parse(source), "own") == {"a", "c", "own", "h", "i", "k"}
