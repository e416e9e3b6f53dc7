"""What is said of a file that cannot be read, and what is not blamed on it."""

import pytest

from graticule.core.errors import InputError
from graticule.io import places


@pytest.mark.parametrize("error", [ValueError("bad magic"), KeyError("tag"), OSError("short read")])
def test_a_decoder_that_stumbles_means_a_damaged_file(error):
    with (
        pytest.raises(InputError, match=r"^movie\.mrc is damaged .*; copy it$"),
        places.decoding("movie.mrc", "copy it"),
    ):
        raise error


@pytest.mark.parametrize(
    ("error", "said"),
    [(PermissionError(13, "no"), "not allowed to read"), (ImportError("needs h5py"), "needs h5py")],
)
def test_what_is_not_the_files_fault_is_said_as_it_is(error, said):
    with pytest.raises(InputError, match=said), places.decoding("movie.mrc", "copy it"):
        raise error


def test_memory_that_ran_out_is_no_damage():
    with pytest.raises(MemoryError), places.decoding("movie.mrc", "copy it"):
        raise MemoryError


def test_a_mistake_of_our_own_is_not_blamed_on_the_file():
    with pytest.raises((AttributeError, TypeError)), places.decoding("movie.mrc", "copy it"):
        places.base_name(None)  # type: ignore[arg-type]


def test_a_web_server_that_is_not_there_is_not_blamed_on_the_path():
    with pytest.raises(InputError, match=r"^http://127\.0\.0\.1:9/movie\.mrc cannot be read: Cannot connect"):
        places.size_of("http://127.0.0.1:9/movie.mrc")
