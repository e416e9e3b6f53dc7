"""A value that cannot be is told in one sentence, with its name, itself, and what would be right."""

from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from graticule.core.refusal import refusal

LENGTH = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def even(value: int) -> int:
    if value % 2:
        raise ValueError("it should be even")
    return value


class Inner(BaseModel, extra="forbid"):
    sigma_px: Literal["auto"] | LENGTH | None = "auto"


class Outer(BaseModel, extra="forbid"):
    batch: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    split: bool = True
    polarity: Literal["dark", "bright"] = "dark"
    size: Annotated[int, AfterValidator(even)] = 2
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"batch": 0}, "batch = 0 cannot be: it should be 'auto' or at least 1"),
        ({"batch": "two"}, "batch = 'two' cannot be: it should be 'auto' or a whole number"),
        ({"batch": 1.5}, "batch = 1.5 cannot be: it should be 'auto' or a whole number"),
        ({"share": 1}, "share = 1 cannot be: it should be below 1"),
        ({"share": "much"}, "share = 'much' cannot be: it should be a number"),
        ({"split": "perhaps"}, "split = 'perhaps' cannot be: it should be true or false"),
        ({"polarity": "black"}, "polarity = 'black' cannot be: it should be 'dark' or 'bright'"),
        ({"size": 3}, "size = 3 cannot be: it should be even"),
        ({"bach": 2}, "no option 'bach'; known: batch, inner, polarity, share, size, split"),
        ({"inner": -1}, 'inner = -1 cannot be: it should be options of its own, such as {"sigma_px": 1}'),
        ({"inner": {"sigma": 1}}, "no option 'inner.sigma'; known: sigma_px"),
        (
            {"inner": {"sigma_px": -1}},
            "inner.sigma_px = -1 cannot be: it should be 'auto' or at least 0",
        ),
        (
            {"inner": {"sigma_px": float("inf")}},
            "inner.sigma_px = inf cannot be: it should be 'auto' or a finite number",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_is_named_with_what_would_be_right(values, said):
    with pytest.raises(ValidationError) as caught:
        Outer(**values)
    assert refusal(caught.value, Outer) == said


def test_of_several_mistakes_the_first_is_told():
    with pytest.raises(ValidationError) as caught:
        Outer(batch=0, share=7)
    assert refusal(caught.value, Outer) == "batch = 0 cannot be: it should be 'auto' or at least 1"
