import pytest
from pydantic import ValidationError

from graticule.training.recipe import Augmentation


@pytest.mark.parametrize("name", ["scale", "contrast", "gamma", "dose"])
@pytest.mark.parametrize("value", [(2.0, 1.0), (0.0, 1.0), (-1.0, 1.0), (1.0, float("inf"))])
def test_a_range_that_cannot_be_drawn_from_is_refused_with_its_value(name, value):
    with pytest.raises(ValidationError, match=rf"0 < LOW <= HIGH, got {value[0]}, {value[1]}"):
        Augmentation.model_validate({name: value})
