"""The images: built from pinned parts alone, without a compiler, a secret or root in them."""

import fnmatch
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dockerfiles import FILE, ROOT, environment, lineage, stages

IMAGES = ("cpu", "cuda", "mlflow")
CONSTRAINTS = ("constraints.txt", "infra/constraints-images.txt")
SECRET = re.compile(r"(?i)(password|secret|token|api_?key|access_?key|credential)")


def lines_of_runs() -> list[str]:
    return [entry.rest for stage in stages().values() for entry in stage.all("RUN")]


def pinned() -> set[str]:
    lines = [line for file in CONSTRAINTS for line in (ROOT / file).read_text().splitlines()]
    return {line.partition("==")[0] for line in lines if line}


def copied() -> list[str]:
    entries = [entry for stage in stages().values() for entry in stage.all("COPY")]
    return [name for entry in entries if "--from=" not in entry.rest for name in entry.rest.split()[:-1]]


def ignored(name: str) -> bool:
    """Whether .dockerignore keeps a path from the builder; its last pattern that fits decides."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip().removeprefix("!")
        if not pattern or pattern.startswith("#"):
            continue
        parts = Path(name).parts
        heads = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
        plain = pattern.removeprefix("**/")
        tails = parts if pattern.startswith("**/") else ()
        if any(fnmatch.fnmatch(head, plain) for head in [*heads, *tails]):
            out = not line.startswith("!")
    return out


def test_hadolint_finds_nothing():
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, FILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_there_is_a_target_per_image():
    assert set(IMAGES) <= set(stages())


def test_bases_are_pinned_to_a_patch_release_or_are_stages_before():
    before: list[str] = []
    for stage in stages().values():
        assert stage.base in before or re.fullmatch(
            r"python:3\.11\.\d+-slim-bookworm(@sha256:[0-9a-f]{64})?", stage.base
        )
        before.append(stage.name)


@pytest.mark.parametrize("image", IMAGES)
def test_who_runs_in_an_image_is_not_root(image):
    assert [entry.rest for stage in lineage(image) for entry in stage.all("USER")] == ["1000:1000"]


@pytest.mark.parametrize("image", IMAGES)
def test_no_image_holds_a_compiler_or_an_installer(image):
    texts = " ".join(entry.rest for stage in lineage(image) for entry in stage.all("RUN"))
    assert not re.search(r"g\+\+|gcc|build-essential|nvcc|pip install", texts)
    assert [
        entry.rest.split()[-1]
        for stage in lineage(image)
        for entry in stage.all("COPY")
        if "--from" in entry.rest
    ] == ["/opt/venv"]


@pytest.mark.parametrize("image", IMAGES)
def test_the_installer_of_the_base_is_taken_out(image):
    lines = [entry.rest for stage in lineage(image) for entry in stage.all("RUN")]
    assert "python -m pip uninstall --yes --quiet pip setuptools wheel" in lines


@pytest.mark.parametrize("image", ["cpu", "cuda"])
def test_what_numba_compiles_is_the_containers_own(image):
    assert environment(image)["NUMBA_CACHE_DIR"].startswith("/home/graticule/")
    [made] = [entry.rest for entry in stages()["base"].all("RUN") if "useradd" in entry.rest]
    assert "--create-home" in made


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_says_what_it_is(image):
    labels = {name for stage in lineage(image) for entry in stage.all("LABEL") for name in entry.pairs}
    assert labels == {
        f"org.opencontainers.image.{name}" for name in ("title", "description", "licenses", "version")
    }


@pytest.mark.parametrize("image", IMAGES)
def test_commands_are_lists_of_words_and_their_program_is_found(image):
    [*_, command] = [entry for stage in lineage(image) for entry in stage.all("CMD")]
    assert command.listed
    assert Path(sys.executable).with_name(command.listed[0]).is_file()


def test_nothing_is_named_like_a_secret_in_arguments_and_environment():
    entries = [entry for stage in stages().values() for word in ("ARG", "ENV") for entry in stage.all(word)]
    assert [name for entry in entries for name in entry.pairs if SECRET.search(name)] == []


def test_lists_of_packages_are_not_kept_and_recommended_ones_not_installed():
    for line in lines_of_runs():
        if "apt-get" in line:
            assert "apt-get install -y --no-install-recommends" in line
            assert line.endswith("rm -rf /var/lib/apt/lists/*")


def test_shells_fail_where_a_pipe_fails():
    assert stages()["base"].all("SHELL")[0].listed == ["/bin/bash", "-o", "pipefail", "-c"]


def test_every_installation_is_held_by_the_constraints():
    for line in lines_of_runs():
        for command in re.findall(r"(?:uv pip install|pip install|pip download)[^&;]*", line):
            assert "constraints" in command or "--no-deps /wheels/*.whl" in command, command


def test_every_package_that_is_named_is_pinned():
    words = {
        word
        for line in lines_of_runs()
        for command in re.findall(r"(?:uv pip install|pip install)([^&;]*)", line)
        for word in re.findall(
            r"(?<!\S)[a-z][\w-]*(?!\S)", re.sub(r"--(?:build-)?(constraint|requirement) \S+", "", command)
        )
    }
    assert {"torch", "mlflow", "nvidia-cuda-nvcc", "einops"} <= words
    assert words <= pinned()


def test_constraints_of_images_are_exact_and_repeat_none():
    first, second = ((ROOT / name).read_text().splitlines() for name in CONSTRAINTS)
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", line) for line in second)
    assert not {line.partition("==")[0] for line in first} & {line.partition("==")[0] for line in second}


def test_the_compiler_is_of_the_cuda_that_torch_is_built_with():
    import torch

    versions = dict(line.split("==") for name in CONSTRAINTS for line in (ROOT / name).read_text().split())
    major_and_minor = ".".join(versions["nvidia-cuda-nvcc"].split(".")[:2])
    assert torch.version.cuda in (None, major_and_minor)
    assert versions["nvidia-cuda-runtime"] == versions["nvidia-cuda-nvcc"]
    assert "/nvidia/cu13" in environment("kernels")["CUDA_HOME"]
    assert versions["nvidia-cuda-nvcc"].startswith("13.")


def test_the_server_of_runs_has_the_packages_of_its_extra():
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["server"]
    [line] = [entry.rest for entry in stages()["packages-mlflow"].all("RUN")]
    assert set(line.split()[-3:]) == {"mlflow", *(re.split(r"[><=]", name)[0] for name in extra)}


def test_default_extras_exist_and_none_is_agpl():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    [default] = [
        entry.pairs["EXTRAS"] for entry in stages()["packages"].all("ARG") if "EXTRAS" in entry.pairs
    ]
    assert set(default.split(",")) <= set(extras) - {"yolo", "dev", "docs"}


def test_everything_that_is_copied_exists_and_travels_to_the_builder():
    assert len(copied()) > 8
    assert [name for name in copied() if not (ROOT / name).exists()] == []
    assert [name for name in copied() if ignored(name)] == []


@pytest.mark.parametrize(
    "name",
    [".git/HEAD", ".venv/bin/python", "demo/ray.log", "tests/conftest.py", "infra/.env", "docs/serving.md"],
)
def test_what_no_image_needs_does_not_travel(name):
    assert ignored(name)


def test_caches_inside_of_what_is_copied_do_not_travel():
    assert ignored("platform/graticule/core/__pycache__/window.cpython-311.pyc")
    assert not ignored("platform/graticule/models/builtin/vmamba.safetensors")


def test_a_node_finds_jobs_and_the_endpoint():
    assert environment("cpu")["PYTHONPATH"] == stages()["base"].all("WORKDIR")[0].rest == "/opt/graticule"
    assert {"jobs jobs", "serve serve"} <= {entry.rest for entry in stages()["node"].all("COPY")}


def test_a_login_shell_finds_the_programs_too(tmp_path):
    profile = tmp_path / "venv.sh"
    [line] = [entry.rest for entry in stages()["base"].all("RUN") if "/etc/profile.d/" in entry.rest]
    script = (
        f"{line.replace('/etc/profile.d/venv.sh', str(profile))}; PATH=/usr/bin:/bin; . {profile}; echo $PATH"
    )
    done = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "/opt/venv/bin:/usr/bin:/bin"


def test_working_folders_are_absolute():
    assert all(entry.rest.startswith("/") for stage in stages().values() for entry in stage.all("WORKDIR"))
