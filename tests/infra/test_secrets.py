"""Secrets are random, private, made once, and printed only where that is asked for."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from make_secrets import ENV, VARIABLES

SCRIPT = Path(__file__).parents[2] / "infra" / "make_secrets.py"
OBJECTS = {
    "graticule-ray-auth": {"auth_token"},
    "graticule-serve": {"token"},
    "graticule-postgres": {"password", "uri"},
    "graticule-s3": {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
}


def make(*arguments: object, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, umask=umask)


def read(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def objects() -> dict[str, dict]:
    return {found["metadata"]["name"]: found for found in yaml.safe_load_all(make("--kubernetes").stdout)}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_its_owner_reads_the_file(tmp_path, umask):
    assert make("--out", tmp_path / ".env", umask=umask).returncode == 0
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_the_file_holds_what_compose_asks_for(tmp_path):
    make("--out", tmp_path / ".env")
    assert list(read(tmp_path / ".env")) == list(VARIABLES)


def test_no_two_secrets_are_alike_and_none_is_short(tmp_path):
    for name in ("a", "b"):
        make("--out", tmp_path / name)
    values = [*read(tmp_path / "a").values(), *read(tmp_path / "b").values()]
    assert len(set(values)) == len(values) == 2 * len(VARIABLES)
    assert min(map(len, values)) >= 20


def test_secrets_need_no_quotes_in_shells_files_and_addresses(tmp_path):
    make("--out", tmp_path / ".env")
    assert all(
        value.replace("-", "").replace("_", "").isalnum() for value in read(tmp_path / ".env").values()
    )


def test_nothing_that_was_made_is_printed(tmp_path):
    done = make("--out", tmp_path / ".env")
    assert not [value for value in read(tmp_path / ".env").values() if value in done.stdout + done.stderr]


def test_what_is_there_is_kept(tmp_path):
    (tmp_path / ".env").write_text("RAY_AUTH_TOKEN=mine\n")
    done = make("--out", tmp_path / ".env")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "delete it yourself" in done.stderr
    assert read(tmp_path / ".env") == {"RAY_AUTH_TOKEN": "mine"}


def test_a_folder_that_is_not_there_is_said_in_one_line(tmp_path):
    done = make("--out", tmp_path / "none" / ".env")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "No such file or directory" in done.stderr
    assert "make its folder first" in done.stderr


def test_a_file_is_not_written_with_what_is_printed_for_kubernetes(tmp_path):
    done = make("--kubernetes", "--out", tmp_path / "secrets.yaml")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "redirect what it prints" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_git_leaves_the_file_alone_and_the_one_before():
    ignored = (SCRIPT.parents[1] / ".gitignore").read_text().splitlines()
    assert {f"/infra/{ENV.name}", f"/infra/{ENV.name}.old"} <= set(ignored)


def test_kubernetes_gets_the_objects_that_its_manifests_name():
    found = objects()
    assert {name: set(entry["stringData"]) for name, entry in found.items()} == OBJECTS
    for entry in found.values():
        assert (entry["apiVersion"], entry["kind"], entry["type"]) == ("v1", "Secret", "Opaque")
        assert "namespace" not in entry["metadata"]


def test_the_address_of_the_database_holds_its_password():
    values = objects()["graticule-postgres"]["stringData"]
    assert (
        values["uri"] == f"postgresql+psycopg2://mlflow:{values['password']}@graticule-postgres:5432/mlflow"
    )


def test_kubernetes_secrets_are_new_each_time():
    first, second = objects(), objects()
    assert first["graticule-s3"]["stringData"] != second["graticule-s3"]["stringData"]
