"""The house stands as it was drawn: one top room per name, documented, and nothing dangerous."""

import ast
import platform
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "platform" / "graticule"
MODULES = sorted(PACKAGE.rglob("*.py"))
_LOADS = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
# Written so that this file does not hold what it looks for.
_HOSTS = re.compile("|".join(("pypi", "files.python" + "hosted", "test.pypi")).replace("pypi", r"pypi\.org"))


def tracked() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def name_of(module: Path) -> str:
    return str(module.relative_to(PACKAGE))


def public(tree: ast.AST) -> list[ast.FunctionDef | ast.ClassDef]:
    """Return public functions and classes, and public methods of public classes that define them."""
    found: list[ast.FunctionDef | ast.ClassDef] = []
    for node in getattr(tree, "body", ()):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if any(isinstance(mark, ast.Attribute) and mark.attr == "setter" for mark in node.decorator_list):
                continue  # what it sets is said where it is read
            found.append(node)
            if isinstance(node, ast.ClassDef):
                found += public(node)
    return found


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").partition(".")[0])
    return names


def test_the_standard_librarys_platform_is_not_hidden():
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert platform.python_version()


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_what_is_public_says_what_it_does(module):
    tree = ast.parse(module.read_text())
    assert ast.get_docstring(tree), f"{module} has no docstring"
    assert [node.name for node in public(tree) if not ast.get_docstring(node)] == []


def test_no_module_unpickles():
    assert {name_of(module): names for module in MODULES if (names := imported_here(module) & _LOADS)} == {}


def imported_here(module: Path) -> set[str]:
    return imported(ast.parse(module.read_text()))


def test_arrays_are_never_loaded_with_pickle():
    assert [name_of(module) for module in MODULES if "allow_pickle=True" in module.read_text()] == []


def test_every_file_is_free_of_registry_addresses():
    texts = {file: file.read_bytes().decode("utf-8", "ignore") for file in tracked()}
    assert [str(file.relative_to(ROOT)) for file, text in texts.items() if _HOSTS.search(text)] == []


def test_constraints_are_exact_and_hold_no_address():
    lines = (ROOT / "constraints.txt").read_text().split("\n")
    named = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in named if not re.fullmatch(r"[A-Za-z0-9._-]+==[^\s/@]+", line)] == []
