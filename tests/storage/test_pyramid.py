import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graticule.storage.pyramid import halve_image, halve_labels, level_shapes

edges = hnp.array_shapes(min_dims=3, max_dims=3, max_side=7)
integers = st.sampled_from([np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32])


def blocks(frames: np.ndarray) -> np.ndarray:
    """Pixels of each 2 x 2 block (t, y, x, 4), an odd last row or column repeated."""
    padded = np.pad(frames, ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2)), mode="edge")
    t, y, x = padded.shape
    return padded.reshape(t, y // 2, 2, x // 2, 2).swapaxes(2, 3).reshape(t, y // 2, x // 2, 4)


@given(frames=integers.flatmap(lambda kind: hnp.arrays(kind, edges)))
def test_integers_become_the_mean_rounded_half_to_even(frames):
    expected = np.rint(blocks(frames).astype(np.float64).mean(axis=-1))
    halved = halve_image(frames)
    assert halved.dtype == frames.dtype
    np.testing.assert_array_equal(halved, expected)


@given(frames=hnp.arrays(np.int64, edges, elements=st.integers(-9, 9)))
def test_64_bit_integers_round_as_the_others(frames):
    np.testing.assert_array_equal(halve_image(frames), halve_image(frames.astype(np.int8)))


@pytest.mark.parametrize("kind", [np.int64, np.uint64, np.int32, np.uint8])
def test_the_largest_values_do_not_overflow(kind):
    for value in (np.iinfo(kind).max, np.iinfo(kind).min):
        assert (halve_image(np.full((1, 4, 3), value, kind)) == value).all()


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_keep_their_type_and_range(kind):
    frames = np.full((1, 2, 2), np.finfo(kind).max, kind)
    assert halve_image(frames)[0, 0, 0] == np.finfo(kind).max
    frames[0, 0, 0] = np.nan
    assert np.isnan(halve_image(frames)[0, 0, 0])


@given(labels=hnp.arrays(np.uint32, edges, elements=st.integers(0, 3)))
def test_the_most_frequent_label_wins_and_no_id_is_new(labels):
    halved = halve_labels(labels)
    groups = blocks(labels)
    counts = (groups[..., :, None] == groups[..., None, :]).sum(axis=-1)
    chosen = (groups == halved[..., None]).sum(axis=-1)
    np.testing.assert_array_equal(chosen, counts.max(axis=-1))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((5, 256, 100), [(256, 100)]),
        ((5, 257, 100), [(257, 100), (129, 50)]),
        ((5, 2048, 2048), [(2048, 2048), (1024, 1024), (512, 512), (256, 256)]),
        ((5, 1, 1000), [(1, 1000), (1, 500), (1, 250)]),
    ],
)
def test_levels_go_on_until_the_larger_edge_is_small(shape, expected):
    assert [level[1:] for level in level_shapes(shape)] == expected
