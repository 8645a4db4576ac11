"""What an object is called: type tokens, references, automatic names, checked inputs."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.backend import UNKNOWN, Properties, RefusedError
from rehearsal.values import has_unknown

TOKEN = re.compile(r"kubernetes:((?:[a-z0-9.-]+/)?v[0-9][a-z0-9]*):([A-Z][A-Za-z0-9]*)")
NOT_OBJECTS = ("helm.sh/", "yaml/", "kustomize/", "meta/")
AUTO_NAMED = "pulumi.com/autonamed"
SKIP_AWAIT = "pulumi.com/skipAwait"
TIMEOUT = "pulumi.com/timeoutSeconds"
PROPAGATION = "pulumi.com/deletionPropagationPolicy"
KNOWN_ANNOTATIONS = (AUTO_NAMED, SKIP_AWAIT, TIMEOUT, PROPAGATION)
NEXT = "Next step: remove it, or run this stack with the Pulumi CLI"


@dataclass(frozen=True)
class Kind:
    """A kind as manifests name it, e.g. `apps/v1` and `Deployment`."""

    api_version: str
    kind: str

    @property
    def group(self) -> str:
        """Empty for the core group."""
        return self.api_version.rpartition("/")[0]


@dataclass(frozen=True)
class Ref:
    """One object. `namespace` is empty for what is in none."""

    kind: Kind
    namespace: str
    name: str

    @property
    def id(self) -> str:
        """The id in the state, as the real provider makes it: `namespace/name` or `name`."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        return f"{self.kind.kind} {self.id}"


def kind_of(token: str) -> Kind | None:
    """The kind behind a Pulumi type, or None for one that is no object (a chart, a Patch, a List)."""
    match = TOKEN.fullmatch(token)
    if match is None or match[1].startswith(NOT_OBJECTS):
        return None
    api_version, kind = match[1].removeprefix("core/"), match[2]
    group = api_version.rpartition("/")[0]
    built_in = "." not in group or group.endswith(".k8s.io")
    if built_in and kind.endswith(("Patch", "List")):
        return None
    return Kind(api_version, kind)


def ref_of(kind: Kind, id_: str) -> Ref:
    """The object with this id."""
    namespace, _, name = id_.rpartition("/")
    return Ref(kind, namespace, name)


def metadata(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metadata, or nothing where it is unknown."""
    found = values.get("metadata")
    return found if isinstance(found, Mapping) else {}


def annotation(values: Mapping[str, Any], key: str) -> str | None:
    """An annotation's value."""
    found = metadata(values).get("annotations")
    return found.get(key) if isinstance(found, Mapping) else None


def checked(
    where: str, kind: Kind, name: str, inputs: Properties, old: Properties | None, namespace: str
) -> Properties:
    """Inputs with apiVersion, kind, name and namespace (empty: the kind has none) filled in.

    An automatic name is `<logical name>-<8 hex>` and is noted in an annotation, as by the real provider.
    """
    made: Properties = _without_nulls(inputs)
    for key, value in (("apiVersion", kind.api_version), ("kind", kind.kind)):
        if made.setdefault(key, value) != value:
            raise RefusedError(
                f"{where}: {key} is {made[key]!r}, but its type says {value!r}. Next step: correct it"
            )
    data = made.setdefault("metadata", {})
    if data == UNKNOWN:
        return made
    if not isinstance(data, dict):
        raise RefusedError(f"{where}: metadata must be an object. Next step: correct it")
    _refuse_unimplemented(where, data)
    if "name" not in data:
        former = metadata(old or {}).get("name")
        keep = former and annotation(old or {}, AUTO_NAMED) == "true"
        data["name"] = former if keep else f"{name}-{secrets.token_hex(4)}"
        annotations = data.setdefault("annotations", {})
        if isinstance(annotations, dict):
            annotations[AUTO_NAMED] = "true"
    if namespace:
        data.setdefault("namespace", namespace)
    else:
        data.pop("namespace", None)
    return made


def _refuse_unimplemented(where: str, data: Mapping[str, Any]) -> None:
    if "generateName" in data:
        raise RefusedError(
            f"{where}: metadata.generateName cannot be applied on the server. Next step: leave the name out"
        )
    annotations = data.get("annotations")
    for key in annotations if isinstance(annotations, Mapping) else ():
        if key.startswith("pulumi.com/") and key not in KNOWN_ANNOTATIONS:
            raise RefusedError(f"{where}: the rehearsal does not implement the annotation {key}. {NEXT}")


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value if each is not None]
    return value


def timeout_of(values: Mapping[str, Any], given: float | None, default: float) -> float:
    """Seconds to wait: the resource option `custom_timeouts`, else the annotation, else the default."""
    said = annotation(values, TIMEOUT) or ""
    return given or (float(said) if said.isdigit() else default)


def is_known(inputs: Properties) -> bool:
    """Whether nothing in the inputs is decided only by the update."""
    return not has_unknown(inputs)
