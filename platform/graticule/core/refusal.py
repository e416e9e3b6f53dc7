"""What is wrong with a value that a user gave, in the words of users."""

from typing import Any

from pydantic import BaseModel, ValidationError

_PHRASES = {
    "literal_error": "{expected}",
    "greater_than": "above {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "below {lt:g}",
    "less_than_equal": "at most {le:g}",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a text",
}
"""What pydantic calls a problem -> what the value should be instead."""


def refusal(error: ValidationError, model: type[BaseModel]) -> str:
    """Return what is wrong with the first value that ``model`` refuses.

    As in ``batch = 0 cannot be: it should be 'auto' or at least 1``. Where a value may be one of
    several kinds pydantic complains of each; here they are one sentence.
    """
    problems = error.errors()
    first = problems[0]
    path, inner = _field(first["loc"], model)
    name = ".".join(path) or "options"
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(inner.model_fields))
        return f"no option {'.'.join(map(str, first['loc']))!r}; known: {known}"
    same = [problem for problem in problems if _field(problem["loc"], model)[0] == path]
    return f"{name} = {first['input']!r} cannot be: {_should_be(same, inner)}"


def _should_be(problems: list[Any], inner: type[BaseModel]) -> str:
    if problems[0]["type"] in ("model_type", "dict_type"):
        example = next(iter(inner.model_fields), "name")
        return f'it should be options of its own, such as {{"{example}": 1}}'
    unknown = [problem["msg"] for problem in problems if problem["type"] not in _PHRASES]
    if unknown:
        return str(unknown[0]).removeprefix("Value error, ")
    return "it should be " + " or ".join(dict.fromkeys(map(_phrase, problems)))


def _phrase(problem: Any) -> str:
    return _PHRASES[problem["type"]].format(**problem.get("ctx", {}))


def _field(
    location: tuple[int | str, ...], model: type[BaseModel]
) -> tuple[tuple[str, ...], type[BaseModel]]:
    """Return the names of fields that a location begins with, and the model of the last of them.

    What follows them are kinds of a union, or places in a list.
    """
    path: tuple[str, ...] = ()
    for part in location:
        if not isinstance(part, str) or part not in model.model_fields:
            break
        path += (part,)
        kind = model.model_fields[part].annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            model = kind
    return path, model
