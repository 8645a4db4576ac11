"""Resource transforms: functions in the program that change a registration before the engine sees it."""

from threading import Lock
from typing import Any

import grpc

from rehearsal.backend import UNKNOWN
from rehearsal.program.sdk import CHANNEL_OPTIONS, callback_pb2, callback_pb2_grpc, resource_pb2
from rehearsal.values import (
    OUTPUT_SIGNATURE,
    SIGNATURE,
    Secret,
    from_struct,
    has_unknown,
    map_children,
    to_struct,
)

_REPEATED = {
    "depends_on": "dependencies",
    "ignore_changes": "ignoreChanges",
    "replace_on_changes": "replaceOnChanges",
    "aliases": "aliases",
    "additional_secret_outputs": "additionalSecretOutputs",
    "replace_with": "replace_with",
    "hide_diff": "hideDiffs",
}
_SINGLE = {
    "version": "version",
    "provider": "provider",
    "plugin_download_url": "pluginDownloadURL",
    "deleted_with": "deletedWith",
    "import": "importId",
}
_OPTIONAL = {"protect": "protect", "retain_on_delete": "retainOnDelete"}
_MESSAGES = {
    "custom_timeouts": "customTimeouts",
    "hooks": "hooks",
    "replacement_trigger": "replacement_trigger",
}


class Transforms:
    """Own transforms first, then those of the parents upwards, then the stack's (as the real engine)."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stack: list[Any] = []
        self._by_urn: dict[str, list[Any]] = {}
        self._parents: dict[str, str] = {}
        self._channels: dict[str, Any] = {}

    def add_stack_transform(self, callback: Any) -> None:
        self._stack.append(callback)

    def remember(self, urn: str, request: Any) -> None:
        """Children of this resource pass through its transforms too."""
        self._by_urn[urn] = list(request.transforms)
        self.remember_parent(urn, request.parent)

    def remember_parent(self, urn: str, parent: str) -> None:
        self._parents[urn] = parent

    def apply(self, request: Any) -> Any:
        """A changed copy of a RegisterResourceRequest, or the same one where nothing applies."""
        callbacks = list(request.transforms)
        parent = request.parent
        while parent:
            callbacks += self._by_urn.get(parent, [])
            parent = self._parents.get(parent, "")
        callbacks += self._stack
        if not callbacks or request.type == "pulumi:pulumi:Stack":
            return request
        changed = resource_pb2.RegisterResourceRequest()
        changed.CopyFrom(request)
        for callback in callbacks:
            self._call(callback, changed)
        return changed

    def _call(self, callback: Any, request: Any) -> None:
        question = resource_pb2.TransformRequest(
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            properties=_as_outputs(request),
            options=_options(request),
        )
        reply = self._stub(callback.target).Invoke(
            callback_pb2.CallbackInvokeRequest(token=callback.token, request=question.SerializeToString())
        )
        answer = resource_pb2.TransformResponse.FromString(reply.response)
        request.object.CopyFrom(answer.properties)
        if answer.HasField("options"):
            _write_back(request, answer.options)

    def _stub(self, target: str) -> Any:
        with self._lock:
            if target not in self._channels:
                self._channels[target] = grpc.insecure_channel(target, options=CHANNEL_OPTIONS)
            return callback_pb2_grpc.CallbacksStub(self._channels[target])

    def close(self) -> None:
        """Before the program's callback server stops: an open channel would hold it up."""
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()


def _as_outputs(request: Any) -> Any:
    """An unknown reaches the function as an unknown Output (bare, the SDK would turn it into None).

    Where the resource has transforms of its own, properties with dependencies are Outputs too, as the
    real engine does (upgradeOutputValues in source_eval.go).
    """
    own = bool(request.transforms)
    values = from_struct(request.object)
    for key, deps in request.propertyDependencies.items():
        if own and deps.urns and key in values:
            values[key] = _output(values[key], sorted(deps.urns))
    return to_struct({key: _unknown_outputs(value) for key, value in values.items()})


def _output(value: Any, urns: list[str]) -> Any:
    mark: dict[str, Any] = {SIGNATURE: OUTPUT_SIGNATURE, "dependencies": urns}
    if isinstance(value, Secret):
        mark["secret"] = True
        value = value.value
    return mark if has_unknown(value) else {**mark, "value": value}


def _unknown_outputs(value: Any) -> Any:
    if value == UNKNOWN:
        return {SIGNATURE: OUTPUT_SIGNATURE}
    if isinstance(value, Secret) and value.value == UNKNOWN:
        return {SIGNATURE: OUTPUT_SIGNATURE, "secret": True}
    return map_children(value, _unknown_outputs)


def _options(request: Any) -> Any:
    options = resource_pb2.TransformResourceOptions()
    for name, field in _REPEATED.items():
        getattr(options, name).extend(getattr(request, field))
    for name, field in (_SINGLE | _OPTIONAL).items():
        if name not in _OPTIONAL or request.HasField(field):
            setattr(options, name, getattr(request, field))
    if request.deleteBeforeReplaceDefined:
        options.delete_before_replace = request.deleteBeforeReplace
    for name, field in _MESSAGES.items():
        if request.HasField(field):
            getattr(options, name).CopyFrom(getattr(request, field))
    options.providers.update(request.providers)
    return options


def _write_back(request: Any, options: Any) -> None:
    for name, field in (_REPEATED | _MESSAGES).items():
        request.ClearField(field)
        if name in _REPEATED:
            getattr(request, field).extend(getattr(options, name))
        elif options.HasField(name):
            getattr(request, field).CopyFrom(getattr(options, name))
    for name, field in (_SINGLE | _OPTIONAL).items():
        request.ClearField(field)
        if name not in _OPTIONAL or options.HasField(name):
            setattr(request, field, getattr(options, name))
    request.deleteBeforeReplaceDefined = options.HasField("delete_before_replace")
    request.deleteBeforeReplace = options.delete_before_replace
    request.providers.clear()
    request.providers.update(options.providers)
