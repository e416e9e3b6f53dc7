"""No file is read that another one names: what a reader may see is not for a file to say."""

import re

import h5py
import numpy as np
import pytest

from graticule.core.errors import InputError
from graticule.io import open_movie
from graticule.io.self_contained import require_self_contained

SHAPE = (8, 8)


def write_emd(path, add):
    """Write an EMD file of Berkeley's kind whose pixels are what ``add`` puts into its group."""
    with h5py.File(path, "w") as file:
        file.attrs.update({"version_major": 0, "version_minor": 2})
        group = file.create_group("data/image")
        group.attrs["emd_group_type"] = 1
        for name, length in zip(("dim1", "dim2"), SHAPE, strict=True):
            group[name] = np.arange(length)
            group[name].attrs.update({"name": name, "units": "[n_m]"})
        add(group)
    return path


@pytest.fixture
def secret(tmp_path):
    """A file that is none of the client's business."""
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["pixels"] = np.full(SHAPE, 83, np.uint8)
    (tmp_path / "secret.bin").write_bytes(b"S" * 64)
    return tmp_path


def external(group, folder):
    group.create_dataset("data", SHAPE, "u1", external=[(str(folder / "secret.bin"), 0, 64)])


def virtual(group, folder):
    layout = h5py.VirtualLayout(SHAPE, "u1")
    layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), "pixels", SHAPE)
    group.create_virtual_dataset("data", layout)


def link(group, folder):
    group["data"] = h5py.ExternalLink(str(folder / "secret.h5"), "/pixels")


def deep_link(group, folder):
    group["data"] = np.zeros(SHAPE, np.uint8)
    group.create_group("a/b")["up"] = group
    group["a/b/out"] = h5py.ExternalLink(str(folder / "secret.h5"), "/")


@pytest.mark.parametrize(
    ("add", "said"),
    [
        (external, "'data/image/data' is stored in other files"),
        (virtual, "'data/image/data' is a virtual dataset"),
        (link, "'data/image/data' is an external link"),
        (deep_link, "'data/image/a/b/out' is an external link"),
    ],
)
def test_an_emd_file_that_leads_out_of_itself_is_refused(secret, add, said):
    path = write_emd(secret / "image.emd", lambda group: add(group, secret))
    with pytest.raises(InputError, match=re.escape(said) + ".*export it as a TIFF stack"):
        open_movie(str(path))


def test_links_and_filters_within_a_file_are_its_own_matter(tmp_path):
    def add(group):
        group.create_dataset("data", data=np.ones(SHAPE, np.uint8), chunks=(4, 4), compression="gzip")
        group["again"], group["nowhere"] = h5py.SoftLink("data"), h5py.SoftLink("/nothing")
        group["type"], group["circle"] = np.dtype("i4"), group.parent

    path = write_emd(tmp_path / "image.emd", add)
    require_self_contained(str(path))
    assert open_movie(str(path)).shape == (1, *SHAPE)
