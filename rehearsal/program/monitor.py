"""The resource monitor: protobuf on the program's side, `rehearsal.model` on the engine's."""

# ruff: noqa: N802, ARG002 -- the names and the arguments of the methods are gRPC's

from collections.abc import Callable
from typing import Any

from google.protobuf import empty_pb2

from rehearsal.backend import RefusedError
from rehearsal.model import Alias, Answer, Engine, Registration
from rehearsal.program.sdk import engine_pb2, resource_pb2, resource_pb2_grpc
from rehearsal.program.transforms import Transforms
from rehearsal.values import from_struct, to_struct

# Advertised so that the SDK sends the option; what the rehearsal lacks is refused by its name, not by
# the SDK's advice to update a CLI that is not there.
_FEATURES = [
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_INVOKE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_STATE_MIGRATIONS,
]

_UNSUPPORTED_OPTIONS: dict[str, Callable[[Any], Any]] = {
    "import": lambda request: request.importId,
    "remote component": lambda request: request.remote,
    "hooks": lambda request: request.hooks.ByteSize(),
    "deleted_with": lambda request: request.deletedWith,
    "replace_with": lambda request: list(request.replace_with),
    "replacement_trigger": lambda request: request.HasField("replacement_trigger"),
    "state_migrations": lambda request: list(request.state_migrations),
    "env_var_mappings": lambda request: dict(request.envVarMappings),
    "hide_diffs": lambda request: list(request.hideDiffs),
    "parameterized package": lambda request: request.packageRef,
}


def _alias(message: Any) -> Alias:
    spec = message.spec
    return Alias(
        urn=message.urn,
        name=spec.name,
        type=spec.type,
        stack=spec.stack,
        project=spec.project,
        parent=spec.parentUrn,
        no_parent=spec.noParent,
    )


def _timeouts(message: Any) -> dict[str, str]:
    return {name: getattr(message, name) for name in ("create", "update", "delete") if getattr(message, name)}


def registration(request: Any) -> Registration:
    """A RegisterResourceRequest in the engine's words. Lists that carry no order are sorted."""
    defined = request.deleteBeforeReplaceDefined
    return Registration(
        type=request.type,
        name=request.name,
        parent=request.parent,
        custom=request.custom,
        inputs=from_struct(request.object),
        dependencies=sorted(request.dependencies),
        property_dependencies={
            key: sorted(deps.urns) for key, deps in sorted(request.propertyDependencies.items())
        },
        provider=request.provider,
        providers=dict(request.providers),
        version=request.version,
        plugin_download_url=request.pluginDownloadURL,
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        delete_before_replace=request.deleteBeforeReplace if defined else None,
        ignore_changes=list(request.ignoreChanges),
        replace_on_changes=list(request.replaceOnChanges),
        additional_secret_outputs=list(request.additionalSecretOutputs),
        aliases=[_alias(each) for each in request.aliases],
        custom_timeouts=_timeouts(request.customTimeouts),
        refused=[name for name, used in _UNSUPPORTED_OPTIONS.items() if used(request)],
    )


def _refuse(what: str, instead: str) -> RefusedError:
    return RefusedError(f"the rehearsal does not implement {what}. Next step: {instead}")


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Handed to the SDK as an object: no port is opened for it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._transforms = Transforms()

    def GetDeploymentInfo(self, request: Any, context: Any = None) -> Any:
        return resource_pb2.DeploymentInfo(supportedFeatures=_FEATURES)

    def SupportsFeature(self, request: Any, context: Any = None) -> Any:
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)

    def RegisterResource(self, request: Any, context: Any = None) -> Any:
        request = self._transforms.apply(request)
        answer = self._engine.register(registration(request))
        if request.transforms:
            self._transforms.remember(answer.urn, request)
        elif not request.custom:
            self._transforms.remember_parent(answer.urn, request.parent)
        return _response(answer)

    def RegisterResourceOutputs(self, request: Any, context: Any = None) -> Any:
        self._engine.outputs(request.urn, from_struct(request.outputs))
        return empty_pb2.Empty()

    def ReadResource(self, request: Any, context: Any = None) -> Any:
        wanted = Registration(
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=True,
            inputs=from_struct(request.properties),
            dependencies=sorted(request.dependencies),
            provider=request.provider,
        )
        answer = self._engine.read(wanted, request.id)
        result = resource_pb2.Result.FAIL if answer.failed else resource_pb2.Result.SUCCESS
        return resource_pb2.ReadResourceResponse(
            urn=answer.urn, id=answer.id, properties=to_struct(answer.outputs), result=result
        )

    def Invoke(self, request: Any, context: Any = None) -> Any:
        found = self._engine.invoke(request.tok, from_struct(request.args), request.provider)
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(to_struct(found))
        return response

    def Call(self, request: Any, context: Any = None) -> Any:
        raise _refuse(f"method calls ({request.tok})", "run this stack with the Pulumi CLI")

    def RegisterPackage(self, request: Any, context: Any = None) -> Any:
        raise _refuse(f"parameterized providers ({request.name})", "run this stack with the Pulumi CLI")

    def RegisterStackTransform(self, request: Any, context: Any = None) -> Any:
        self._transforms.add_stack_transform(request)
        return empty_pb2.Empty()

    def RegisterStackInvokeTransform(self, request: Any, context: Any = None) -> Any:
        raise _refuse("invoke transforms", "remove register_invoke_transform or use the Pulumi CLI")

    def RegisterResourceHook(self, request: Any, context: Any = None) -> Any:
        raise _refuse(f"resource hooks ({request.name})", "remove the hook or use the Pulumi CLI")

    def RegisterErrorHook(self, request: Any, context: Any = None) -> Any:
        raise _refuse(f"error hooks ({request.name})", "remove the hook or use the Pulumi CLI")

    def SignalAndWaitForShutdown(self, request: Any, context: Any = None) -> Any:
        self._transforms.close()
        return empty_pb2.Empty()


def _response(answer: Answer) -> Any:
    result = resource_pb2.Result.FAIL if answer.failed else resource_pb2.Result.SUCCESS
    return resource_pb2.RegisterResourceResponse(
        urn=answer.urn, id=answer.id, object=to_struct(answer.outputs), result=result
    )


class Messages:
    """The engine's other service: what `pulumi.log` and the SDK call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def Log(self, request: Any) -> Any:
        severity = engine_pb2.LogSeverity.Name(request.severity).lower()
        self._engine.message(severity, request.message, request.urn)
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, request: Any) -> Any:
        return engine_pb2.RequirePulumiVersionResponse()
