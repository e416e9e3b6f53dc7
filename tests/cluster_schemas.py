"""What a cluster would refuse, of KubeRay's objects and of Kubernetes' own: unknown keys, wrong types."""

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml
from yaml import CSafeLoader

from manifests import PROJECT, Object, pods

CRDS = PROJECT.parent / "shared" / "schemas" / "kuberay"
REASON = f"KubeRay's schemas are not at {CRDS}"
KUBERNETES = "1.29"
"""The oldest that the documentation names."""
_GROUP = "ray.io"


class Refused(Exception):
    """An object that a cluster would not take as it stands."""


def check(one: Object) -> None:
    """Refuse what the schema of its kind does not know, at any depth.

    Pods within KubeRay's objects are checked as Kubernetes' own as well.

    Raises:
        Refused: In one line, with the path.
    """
    _check(json.dumps(one, sort_keys=True))


@cache  # of an overlay most objects are those of the base
def _check(text: str) -> None:
    one = json.loads(text)
    if not one["apiVersion"].startswith(f"{_GROUP}/"):
        _check_core(one)
        return
    _first(_validator(one["kind"], one["apiVersion"].partition("/")[2]).iter_errors(one), one)
    for pod in pods([one]):
        metadata = {"name": "pod", "labels": dict(pod.labels)}
        _check_core({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod.spec})


def closed(schema: Any) -> Any:
    """Return a structural schema as JSON Schema that takes no key it does not name.

    Where keys are free (``additionalProperties``, ``x-kubernetes-preserve-unknown-fields``) they stay free.
    A value with a default need not be given.
    """
    if not isinstance(schema, dict):
        return schema
    made = {key: value for key, value in schema.items() if key not in ("description", "nullable")}
    if "properties" in made:
        made["properties"] = {key: closed(value) for key, value in made["properties"].items()}
        if "additionalProperties" not in made and not made.get("x-kubernetes-preserve-unknown-fields"):
            made["additionalProperties"] = False
        defaulted = {key for key, value in made["properties"].items() if "default" in value}
        made["required"] = [key for key in made.get("required", ()) if key not in defaulted]
    for key in ("items", "additionalProperties"):
        if key in made:
            made[key] = closed(made[key])
    if made.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    if schema.get("nullable") and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made


@cache
def _validator(kind: str, version: str) -> Any:
    path = CRDS / f"{kind.lower()}s.yaml"
    if not path.is_file():
        raise Refused(f"{kind}: KubeRay knows no such kind")
    definition = yaml.load(path.read_text("utf-8"), Loader=CSafeLoader)
    served = {one["name"]: one for one in definition["spec"]["versions"] if one["served"]}
    if version not in served:
        raise Refused(f"{kind}: version {version} is not served")
    schema = deepcopy(served[version]["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = _METADATA
    schema["required"] = ["apiVersion", "kind", "metadata", "spec"]
    return _Strict(closed(schema))


def _distinct(_: Any, keys: list[str], items: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    """Yield an error if two of a list bear the same keys."""
    if not isinstance(items, list):
        return
    defaults = {key: schema["items"]["properties"].get(key, {}).get("default") for key in keys}
    borne = [tuple({**defaults, **item}[key] for key in keys) for item in items]
    for one in sorted({str(one) for one in borne if borne.count(one) > 1}):
        yield jsonschema.ValidationError(f"two entries are {one}, by {', '.join(keys)}")


_Strict = jsonschema.validators.extend(
    jsonschema.Draft202012Validator, {"x-kubernetes-list-map-keys": _distinct}
)

_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_METADATA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "labels": _TEXTS, "annotations": _TEXTS},
    "required": ["name"],
}
"""Of metadata what a manifest may have; the definition leaves it to Kubernetes."""


def _check_core(one: Object) -> None:
    try:
        kubernetes_validate.validate(one, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        _first([error], one)
    except kubernetes_validate.SchemaNotFoundError as error:
        raise Refused(error.message) from None


def _first(errors: Any, one: Object) -> None:
    for error in errors:
        at = "/".join(str(part) for part in error.absolute_path)
        raise Refused(f"{one['kind']} {one['metadata']['name']}: {at or 'top'}: {error.message[:300]}")


def skipped() -> bool:
    """Whether the schemas are missing."""
    return not Path(CRDS).is_dir()
