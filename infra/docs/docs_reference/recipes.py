"""Recipes of training: which come with graticule, and what they can say."""

from importlib.resources import files
from typing import Any

from docs_reference.markdown import code, one_line, table
from docs_reference.settings import documented
from graticule.training.recipe import Augmentation, Recipe
from graticule.training.recipes import known


def recipes() -> str:
    """Return a table of the recipes that come with graticule, by the comment at their top."""
    rows = [(code(name), one_line(_comment(name))) for name in known()]
    return table(("recipe", "for"), rows)


def values() -> str:
    """Return tables of all values of a recipe, and of its augmentation."""
    augmentation = [one_line(Augmentation.__doc__), _values(Augmentation, "augmentation.")]
    return "\n\n".join([_values(Recipe, ""), "### Augmentation", *augmentation])


def _comment(name: str) -> str:
    lines = (files("graticule.training.recipes") / f"{name}.toml").read_text("utf-8").splitlines()
    said = []
    for line in lines:
        if not line.startswith("#"):
            break
        said.append(line.lstrip("# "))
    return " ".join(said)


def _values(model: Any, prefix: str) -> str:
    said = documented(model)
    rows = [
        (code(prefix + name), _default(field), one_line(said[name]))
        for name, field in model.model_fields.items()
        if name != "augmentation"
    ]
    return table(("value", "default", "what"), rows)


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return "none" if value is None else code(list(value) if isinstance(value, tuple) else value)
