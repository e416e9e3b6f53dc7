"""Four sequences and back."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from graticule.models.vm_unet.orders import roll_up, unroll

extent = st.integers(1, 9)


def test_an_image_is_read_along_rows_and_columns_and_both_from_the_end():
    image = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])[None, None]
    assert unroll(image)[0, :, 0].tolist() == [
        [1, 2, 3, 4, 5, 6],
        [1, 4, 2, 5, 3, 6],
        [6, 5, 4, 3, 2, 1],
        [6, 3, 5, 2, 4, 1],
    ]


@given(batch=st.integers(1, 3), channels=st.integers(1, 4), height=extent, width=extent)
def test_rolling_up_brings_each_order_back_to_its_pixels(batch, channels, height, width):
    image = torch.arange(batch * channels * height * width).view(batch, channels, height, width).float()
    weights = torch.tensor([1.0, 10.0, 100.0, 1000.0])[:, None, None]
    assert torch.equal(roll_up(unroll(image) * weights, height), 1111 * image)
