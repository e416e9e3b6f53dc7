"""All packages that graticule brings with it, with version, licence, and why they come.

python infra/licences.py           a table in Markdown
python infra/licences.py --check   and fail where a licence is not allowed, or not known
python infra/licences.py --sbom FILE   also as a bill of materials, CycloneDX 1.6 in JSON

The Python is that of the project, .venv/bin/python: it tells what is installed for it.
What a package says of its licence is read from its own metadata, as it is installed here; where that
says nothing that is clear, ``infra/licences.toml`` says it, with where it is written. Wheels can carry
libraries under other licences: those under the GPL that are known by name are listed too.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

NOT_HERE = "is not installed for this Python; run .venv/bin/python infra/licences.py (make installs it)"

try:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name
except ModuleNotFoundError as missing:
    sys.exit(f"licences: {missing.name} {NOT_HERE}")

PROJECT = "graticule"
BASE = "base"
COPYLEFT_IN = frozenset(("em", "yolo"))
"""Extras that may bring GPL and AGPL: whoever asks for them knows."""
TOOLS_IN = frozenset(("dev", "docs"))
"""Extras that nothing of graticule runs on; their programs are used, never part of what is given away."""
REVIEWED = Path(__file__).with_suffix(".toml")
UNKNOWN = "unknown"

_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_WORDS = {
    r"apache([ -]licen[cs]e)?,?[ -]*(version )?2(\.0)?": "Apache-2.0",
    r"(3-clause bsd|bsd[ -]3-clause)( licen[cs]e)?": "BSD-3-Clause",
    r"(2-clause bsd|bsd[ -]2-clause|freebsd)( licen[cs]e)?": "BSD-2-Clause",
    r"bsd( licen[cs]e)?": "BSD-3-Clause",
    r"mit( licen[cs]e)?": "MIT",
    r"isc( licen[cs]e)?": "ISC",
    r"psf(l|-2\.0)?": "PSF-2.0",
    r"a(ffero )?gpl(-|v)?3(\.0)?": "AGPL-3.0-only",
    r"gpl(-|v)?3(\.0)?": "GPL-3.0-only",
    r"gpl(-|v)?2(\.0)?": "GPL-2.0-only",
    r"nvidia proprietary software": "LicenseRef-NVIDIA-Proprietary",
}
"""What the field License says, whole and in lower case -> SPDX."""
_CARRIED = ("libx264", "libx265", "libgsl", "libfftw3", "librubberband", "libvidstab", "libxvidcore")
"""Libraries under the GPL that wheels of pictures, movies and numbers are seen to carry."""
_SPDX = re.compile(r"[A-Za-z0-9.+\-]+(\s+(AND|OR|WITH)\s+[A-Za-z0-9.+\-()]+)*")
_TOKEN = re.compile(r"[()]|[^\s()]+")
Find = Callable[[str], Distribution]
_COPYLEFT = re.compile(r"A?GPL-", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A package that is brought: by what it is asked for (``base`` or extras), and its licence."""

    name: str
    version: str
    licence: str
    by: frozenset[str]
    carries: tuple[str, ...] = ()
    """Libraries under the GPL in its wheel."""
    known_to_carry: frozenset[str] = frozenset()


def packages(project: str = PROJECT, find: Find = distribution) -> list[Package]:
    """Return what a project brings, by name; a package of several extras once.

    Args:
        project: Its name, as it is installed.
        find: From a name to what is installed under it.
    """
    root = find(project)
    reviewed = tomllib.loads(REVIEWED.read_text("utf-8"))
    by: dict[str, set[str]] = {}
    for extra in (BASE, *(root.metadata.get_all("Provides-Extra") or ())):
        asked = set() if extra == BASE else {extra}
        for name in _closure(root, asked, find):
            by.setdefault(name, set()).add(extra)
    return [_package(name, frozenset(extras), reviewed, find) for name, extras in sorted(by.items())]


def refusals(found: Iterable[Package]) -> Iterator[str]:
    """Yield a line for every package whose licence is not known, or not allowed where it comes from."""
    for package in found:
        if package.licence == UNKNOWN:
            yield f"{package.name} {package.version}: licence not known; say it in {REVIEWED.name}"
        others = sorted(package.by - COPYLEFT_IN - TOOLS_IN)
        for library in sorted(set(package.carries) - package.known_to_carry if others else ()):
            yield (
                f"{package.name} {package.version} carries {library}, which is under the GPL; say so in"
                f" {REVIEWED.name} and in README.md, or leave the package out"
            )
        if others and is_copyleft(package.licence):
            yield (
                f"{package.name} {package.version} is {package.licence} and comes with {', '.join(others)};"
                f" GPL and AGPL only in {', '.join(sorted(COPYLEFT_IN))}"
            )


def is_copyleft(expression: str) -> bool:
    """Whether an SPDX expression leaves no choice but GPL or AGPL; LGPL is another licence.

    ``GPL-… WITH exception`` counts as free: exceptions are given for being part of other works.
    """
    tokens = _TOKEN.findall(expression)

    def alternatives() -> bool:
        bound = together()
        while tokens and tokens[0].upper() == "OR":
            tokens.pop(0)
            bound &= together()
        return bound

    def together() -> bool:
        bound = one()
        while tokens and tokens[0].upper() == "AND":
            tokens.pop(0)
            bound |= one()
        return bound

    def one() -> bool:
        token = tokens.pop(0)
        if token == "(":
            bound = alternatives()
            tokens.pop(0)
            return bound
        excepted = bool(tokens) and tokens[0].upper() == "WITH"
        if excepted:
            del tokens[:2]
        return _COPYLEFT.match(token) is not None and not excepted

    return alternatives()


def table(found: Iterable[Package]) -> str:
    """Return the packages as a table in Markdown, what everybody gets first."""
    rows = ["| package | version | licence | comes with |", "|---|---|---|---|"]
    for each in sorted(found, key=lambda each: (BASE not in each.by, each.name)):
        by = BASE if BASE in each.by else ", ".join(f"[{extra}]" for extra in sorted(each.by))
        licence = f"{each.licence}; carries {', '.join(each.carries)} (GPL)" if each.carries else each.licence
        rows.append(f"| {each.name} | {each.version} | {licence} | {by} |")
    return "\n".join(rows)


def bill_of_materials(found: Iterable[Package]) -> str:
    """Return the packages as CycloneDX 1.6, in JSON; needs the extra ``dev``."""
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    licences = LicenseFactory()
    bill = Bom()
    bill.metadata.component = Component(
        type=ComponentType.APPLICATION, name=PROJECT, version=distribution(PROJECT).version
    )
    for each in found:
        component = Component(
            type=ComponentType.LIBRARY,
            name=each.name,
            version=each.version,
            purl=PackageURL("pypi", None, each.name, each.version),
            licenses=[licences.make_from_string(each.licence)],
        )
        bill.components.add(component)
        bill.register_dependency(bill.metadata.component, [component])
    return JsonV1Dot6(bill).output_as_string(indent=1)


def licence_of(dist: Distribution) -> str:
    """Return the licence that a package gives itself, in SPDX; ``unknown`` where it is not clear."""
    metadata = dist.metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    field = (metadata.get("License") or "").strip()
    if said := _by_words(field):
        return said
    every = metadata.get_all("Classifier") or ()
    kinds = [kind.rpartition(" :: ")[2] for kind in every if kind.startswith("License ::")]
    known = list(dict.fromkeys(_CLASSIFIERS[kind] for kind in kinds if kind in _CLASSIFIERS))
    # Several may be a choice, or parts; taken for parts, nothing is overlooked.
    return " AND ".join(known) if known and all(kind in _CLASSIFIERS for kind in kinds) else UNKNOWN


def _by_words(field: str) -> str | None:
    """Return what a short text says; a whole licence in the field is not read."""
    text = " ".join(field.split()).lower().rstrip(".")
    for words, spdx in _WORDS.items():
        if re.fullmatch(words, text):
            return spdx
    is_spdx = _SPDX.fullmatch(field) and re.search(r"-\d|^(MIT|ISC|Zlib|0BSD)\b", field)
    return field if is_spdx else None


def _closure(root: Distribution, asked: set[str], find: Find) -> set[str]:
    """Return names of all packages that a project brings with some extras, its own base left out."""
    first = _required(root, asked)
    base = {requirement.name for requirement in _required(root, set())} if asked else set()
    todo = [one for one in first if one.name not in base]
    seen: set[tuple[str, str]] = set()
    names: set[str] = set()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        names.add(name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            try:
                todo += _required(find(name), {extra} if extra else set())
            except PackageNotFoundError:  # of an extra that is not installed here
                continue
    return names


def _required(dist: Distribution, extras: set[str]) -> list[Requirement]:
    every = [Requirement(text) for text in dist.requires or ()]
    return [
        one
        for one in every
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras or {""})
    ]


def _package(
    name: str,
    by: frozenset[str],
    reviewed: Mapping[str, Mapping[str, Any]],
    find: Find,
) -> Package:
    try:
        found = find(name)
    except PackageNotFoundError:
        version, licence, carries = "not installed", UNKNOWN, ()
    else:
        version, licence, carries = found.version, licence_of(found), _carried(found)
    if licence == UNKNOWN:
        licence = reviewed.get(name, {}).get("licence", UNKNOWN)
    known = frozenset(reviewed.get("carried", {}).get(name, {}))
    return Package(name=name, version=version, licence=licence, by=by, carries=carries, known_to_carry=known)


def _carried(dist: Distribution) -> tuple[str, ...]:
    names = {file.name.partition("-")[0].partition(".")[0] for file in dist.files or ()}
    return tuple(library for library in _CARRIED if library in names)


def main() -> int:
    """Print the table; with ``--check`` also what is not allowed. Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--check", action="store_true", help="fail where a licence is not allowed or not known"
    )
    parser.add_argument("--sbom", type=Path, metavar="FILE", help="write a bill of materials")
    given = parser.parse_args()
    try:
        found = packages()
        bill = None if given.sbom is None else bill_of_materials(found)
    except (PackageNotFoundError, ModuleNotFoundError) as missing:
        return _said(f"{missing.name} {NOT_HERE}")
    if bill is not None:
        try:
            given.sbom.write_text(bill, "utf-8")
        except FileNotFoundError:
            return _said(f"there is no folder {given.sbom.parent}; make it first")
        except OSError as error:
            return _said(f"{given.sbom} cannot be written ({error.strerror}); name another file")
    print(table(found))
    if not given.check:
        return 0
    wrong = list(refusals(found))
    if not wrong:
        print(f"licences: all {len(found)} packages are allowed where they come from", file=sys.stderr)
    return _said(*wrong)


def _said(*wrong: str) -> int:
    for line in wrong:
        print(f"licences: {line}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
