"""What graticule imports is what it says it needs."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OWN = {"graticule", "serve", "jobs"}
LEFT_TO_OTHERS = {"triton", "mamba-ssm"}
"""Where torch brings the one, or the extra the other, it is used; asked for by name before it is imported."""


@pytest.fixture(scope="module")
def brought_by():
    return packages_distributions()


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def imported(folder: str) -> dict[str, str]:
    """Return the packages that a folder's modules import, each with a module that does."""
    found = {}
    for module in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0]: module.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found[node.module.partition(".")[0]] = module.name
    return {name: where for name, where in found.items() if name not in sys.stdlib_module_names | OWN}


@pytest.mark.parametrize("folder", ["platform", "serve", "jobs"])
def test_every_package_that_is_imported_is_asked_for(folder, brought_by):
    asked = names(PROJECT["dependencies"]) | LEFT_TO_OTHERS
    for extra in ("em", "yolo", "compare"):
        asked |= names(PROJECT["optional-dependencies"][extra])
    hidden = {
        package: where
        for package, where in imported(folder).items()
        if not {canonicalize_name(name) for name in brought_by.get(package, [package])} & asked
    }
    assert hidden == {}


def test_every_package_that_is_asked_for_has_a_lower_bound():
    asked = [
        *PROJECT["dependencies"],
        *(text for some in PROJECT["optional-dependencies"].values() for text in some),
    ]
    assert [
        text for text in asked if not any(bound.operator == ">=" for bound in Requirement(text).specifier)
    ] == []


def test_no_package_is_held_back_from_its_next_version():
    bounds = [bound for text in PROJECT["dependencies"] for bound in Requirement(text).specifier]
    assert {bound.operator for bound in bounds} <= {">=", "!="}
