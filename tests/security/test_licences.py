"""What graticule brings with it may be used as graticule is: GPL and AGPL only with extras that say so."""

import json
import subprocess
import sys
from email.message import Message
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

import pytest

from licences import (
    REVIEWED,
    UNKNOWN,
    bill_of_materials,
    is_copyleft,
    licence_of,
    packages,
    refusals,
    table,
)


class Installed(Distribution):
    """A package as its metadata says."""

    def __init__(self, name: str, *requires: str, extras=(), files=(), **fields: str) -> None:
        self._said = Message()
        for key, value in {"Name": name, "Version": "1", **fields}.items():
            self._said[key.replace("_", "-")] = value
        for key, values in (("Requires-Dist", requires), ("Provides-Extra", extras)):
            for value in values:
                self._said[key] = value
        self._files = files

    @property
    def metadata(self):
        return self._said

    @property
    def files(self):
        return [Path(name) for name in self._files]

    def read_text(self, filename):
        return self._said.as_string() if filename == "METADATA" else None

    def locate_file(self, path):
        return Path(path)


def world(*installed: Installed):
    """Return how packages are found where only these are."""
    by_name = {each.metadata["Name"]: each for each in installed}

    def find(name: str) -> Distribution:
        if name not in by_name:
            raise PackageNotFoundError(name)
        return by_name[name]

    return find


def graticule_with(*requires: str) -> Installed:
    return Installed("graticule", *requires, extras=["em", "compare"])


@pytest.fixture(scope="module")
def brought():
    """What is brought, as it is installed here."""
    return packages()


FREE = Installed("free", License_Expression="MIT")
GPL = Installed("strict", License="GPLv3")


def test_all_that_is_brought_has_a_licence_that_is_allowed_where_it_comes_from(brought):
    assert list(refusals(brought)) == []


def test_base_is_free_of_gpl_and_the_extras_that_are_not_are_known(brought):
    strict = {each.name: each.by for each in brought if is_copyleft(each.licence)}
    assert not [name for name, by in strict.items() if "base" in by]
    assert strict["rosettasciio"] == {"em"}
    assert strict["ultralytics"] == {"yolo"}


@pytest.mark.parametrize("requirement", ["strict", "free"])
def test_gpl_in_base_is_refused_directly_and_by_way_of_others(requirement):
    free = Installed("free", "strict", License_Expression="MIT")
    found = packages(find=world(graticule_with(requirement), free, GPL))
    assert [line for line in refusals(found) if "strict 1 is GPL-3.0-only and comes with base" in line]


@pytest.mark.parametrize(("extra", "refused"), [("em", 0), ("compare", 1)])
def test_gpl_is_allowed_with_the_extras_that_say_so(extra, refused):
    asked = graticule_with("free", f"strict; extra == '{extra}'")
    assert len(list(refusals(packages(find=world(asked, FREE, GPL))))) == refused


def test_a_licence_that_nobody_knows_is_refused():
    found = packages(find=world(graticule_with("mute"), Installed("mute")))
    assert [each.licence for each in found] == [UNKNOWN]
    assert list(refusals(found)) == ["mute 1: licence not known; say it in licences.toml"]


def test_a_wheel_that_carries_a_gpl_library_is_refused_until_it_is_known():
    wheel = Installed("wheel", License="MIT", files=["wheel.libs/libx264-d653.so.165"])
    found = packages(find=world(graticule_with("wheel"), wheel))
    assert [line for line in refusals(found) if "wheel 1 carries libx264" in line]


@pytest.mark.parametrize(
    ("expression", "copyleft"),
    [
        ("MIT", False),
        ("AGPL-3.0-only", True),
        ("LGPL-2.1-or-later", False),
        ("GPL-2.0-only OR BSD-3-Clause", False),
        ("BSD-3-Clause AND GPL-3.0-or-later", True),
        ("BSD-3-Clause AND (MIT OR GPL-3.0-only)", False),
        ("GPL-3.0-or-later WITH GCC-exception-3.1 AND MIT", False),
    ],
)
def test_an_expression_is_copyleft_where_it_leaves_no_choice(expression, copyleft):
    assert is_copyleft(expression) is copyleft


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"License_Expression": "BSD-3-Clause"}, "BSD-3-Clause"),
        ({"License": "Apache License, Version 2.0"}, "Apache-2.0"),
        ({"License": "GPLv2"}, "GPL-2.0-only"),
        ({"Classifier": "License :: OSI Approved :: MIT License"}, "MIT"),
        ({"License": "Copyright 2018, all rights reserved"}, UNKNOWN),
        ({"Classifier": "License :: OSI Approved"}, UNKNOWN),
    ],
)
def test_what_a_package_says_of_its_licence_is_read_in_spdx(fields, said):
    assert licence_of(Installed("a", **fields)) == said


def test_a_python_without_the_packages_says_which_has_them():
    done = run("--check", python=[sys.executable, "-S"])
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "is not installed for this Python; run .venv/bin/python infra/licences.py" in done.stderr


def test_a_bill_for_a_folder_that_is_not_there_is_refused_in_one_line(tmp_path):
    done = run("--sbom", tmp_path / "none" / "bill.json")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"there is no folder {tmp_path / 'none'}; make it first" in done.stderr


def run(*arguments: object, python=(sys.executable,)) -> subprocess.CompletedProcess[str]:
    command = [*python, str(REVIEWED.with_suffix(".py")), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_licence_that_was_looked_up_says_where():
    import tomllib

    reviewed = tomllib.loads(REVIEWED.read_text())
    carried = reviewed.pop("carried")
    assert all(entry["licence"] and len(entry["source"]) > 15 for entry in reviewed.values())
    assert all(len(entry["why"]) > 15 for entry in carried.values())


def test_the_table_and_the_bill_of_materials_hold_every_package(brought):
    assert table(brought).count("\n") == len(brought) + 1
    bill = json.loads(bill_of_materials(brought))
    assert {each["name"] for each in bill["components"]} == {each.name for each in brought}
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
