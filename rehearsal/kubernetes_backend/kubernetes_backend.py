"""The backend: each operation of the engine on an object of any kind."""

from collections.abc import Mapping
from typing import Any

from rehearsal.backend import UNKNOWN, Diff, Existing, Log, Properties, RefusedError, ResourceFailedError
from rehearsal.kubernetes_backend.cluster import Cluster, is_ours
from rehearsal.kubernetes_backend.connection import Connection
from rehearsal.kubernetes_backend.difference import changes, forces, replacing
from rehearsal.kubernetes_backend.dry_run import dry_run, without_made_up
from rehearsal.kubernetes_backend.manifest import (
    AUTO_NAMED,
    Kind,
    Ref,
    annotation,
    checked,
    is_known,
    kind_of,
    metadata,
    ref_of,
)
from rehearsal.kubernetes_backend.recorded import INPUTS, inputs_now, shape
from rehearsal.kubernetes_backend.secret_data import as_asked
from rehearsal.kubernetes_backend.settings import Settings
from rehearsal.kubernetes_backend.waiting import delete_and_wait, wait_usable
from rehearsal.paths import get_at, without
from rehearsal.values import show_path


class KubernetesBackend:
    """Kubernetes for the rehearsal engine; see `rehearsal.backend.Backend` for each method.

    Nothing is opened before the first use. `create`, `update` and `delete` wait `seconds`, default the
    annotation `pulumi.com/timeoutSeconds`, else 10 minutes.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._connection = Connection(self._settings)
        self._cluster = Cluster(self._connection)
        self._in_state: set[Ref] = set()
        self._making_way: set[Ref] = set()

    def close(self) -> None:
        """Close the connections to the API server."""
        self._connection.close()

    def supports(self, type_token: str) -> bool:
        """Whether the type is an object; whether the server knows its kind is found on use."""
        return kind_of(type_token) is not None

    def check(self, type_token: str, name: str, inputs: Properties, old: Properties | None) -> Properties:
        """Inputs with apiVersion, kind, an automatic name and the namespace filled in."""
        kind = _kind(type_token)
        space = self._connection.namespace if self._namespaced(kind) else ""
        return checked(f"{type_token} {name}", kind, name, inputs, old, space)

    def diff(self, type_token: str, old: Existing, new: Properties) -> Diff:
        """Changed paths; delete-before-replace where the new object has the old one's name."""
        kind = _kind(type_token)
        ref = ref_of(kind, old.id)
        self._in_state.add(ref)
        found = list(changes(self._comparable(kind, old.inputs), self._comparable(kind, new)))
        paths = replacing(kind, old.inputs, self._settings)
        replace = [each for each in found if forces(each, get_at(new, each) == UNKNOWN, paths)]
        same_name = annotation(new, AUTO_NAMED) != "true" and (
            metadata(new).get("name", ref.name),
            metadata(new).get("namespace", ref.namespace) if self._namespaced(kind) else ref.namespace,
        ) == (ref.name, ref.namespace)
        first = bool(replace) and same_name
        if first:
            self._making_way.add(ref)
        return Diff(tuple(map(show_path, found)), tuple(map(show_path, replace)), first)

    def preview(self, type_token: str, inputs: Properties) -> Properties:
        """What a dry run on the server gives. Only the inputs, when they are not all known yet or the
        namespace or the kind is not there yet: then the server cannot look at the object."""
        kind = _kind(type_token)
        if not is_known(inputs) or self._cluster.served(kind) is None:
            return dict(inputs)
        ref = self._ref(kind, inputs)
        makes_way, in_state = ref in self._making_way, ref in self._in_state
        if not in_state:
            self._refuse_other(ref, inputs)
        found = dry_run(self._cluster, ref, inputs, under_another_name=makes_way)
        if found is None:
            return dict(inputs)
        seen = as_asked(_without_managers(found), inputs)
        return without_made_up(seen, inputs, creates=makes_way or not in_state)

    def create(
        self, type_token: str, urn: str, inputs: Properties, log: Log, seconds: float | None = None
    ) -> Existing:
        """Apply and wait until usable. An object of this name that is not ours is refused."""
        del urn
        ref = self._ref(_kind(type_token), inputs)
        self._refuse_other(ref, inputs)
        return self._applied(ref, inputs, log, seconds)

    def find(self, type_token: str, inputs: Properties) -> str | None:
        """The id of what an interrupted create left: of this name, applied by us, with these labels.

        Where objects are taken over, any object of this name: one that was there before the create is
        then known to have been, and no repair deletes it.
        """
        ref = self._ref(_kind(type_token), inputs)
        live = self._cluster.get(ref)
        found = live is not None and (self._settings.upsert or is_ours(live, inputs))
        return ref.id if found else None

    def read(self, type_token: str, id_: str, known: Mapping[str, Any]) -> Existing | None:
        """The object as it is; inputs differ from the known ones where somebody changed the object."""
        live = self._cluster.get(ref_of(_kind(type_token), id_))
        if live is None:
            return None
        form = known.get(INPUTS)
        if form is None:
            form = shape({key: value for key, value in known.items() if key != "status"}, known)
        seen = as_asked(_without_managers(live), known)
        inputs = inputs_now(form, known, seen)
        return Existing(id_, {**seen, INPUTS: shape(inputs, seen)}, inputs)

    def update(
        self, type_token: str, old: Existing, new: Properties, log: Log, seconds: float | None = None
    ) -> Existing:
        """Apply again and wait until usable; fields that left the inputs leave the object."""
        return self._applied(ref_of(_kind(type_token), old.id), new, log, seconds)

    def delete(
        self,
        type_token: str,
        id_: str,
        outputs: Mapping[str, Any],
        log: Log,
        seconds: float | None = None,
    ) -> None:
        """Delete with its dependents (or as `pulumi.com/deletionPropagationPolicy` says); wait until gone."""
        delete_and_wait(self._cluster, ref_of(_kind(type_token), id_), outputs, log, seconds)

    def _applied(self, ref: Ref, inputs: Properties, log: Log, seconds: float | None) -> Existing:
        live = self._cluster.apply(ref, inputs, log)
        try:
            live = wait_usable(self._cluster, ref, live, log, seconds)
        except ResourceFailedError as error:
            raise ResourceFailedError(str(error), ref.id) from error
        return Existing(ref.id, self._outputs(inputs, live), inputs)

    def _outputs(self, inputs: Properties, live: Properties) -> Properties:
        seen = as_asked(_without_managers(live), inputs)
        return {**seen, INPUTS: shape(inputs, seen)}

    def _refuse_other(self, ref: Ref, inputs: Properties) -> None:
        """What is there of this name must be ours (or may be taken over), and must not be on its way out."""
        live = self._cluster.get(ref)
        if live is None:
            return
        if "deletionTimestamp" in metadata(live):
            raise ResourceFailedError(f"{ref} is being deleted. Next step: run again when it is gone")
        if not self._settings.upsert and not is_ours(live, inputs):
            raise ResourceFailedError(
                f"{ref} exists already and was not made by this stack. Next step: choose another name, "
                "delete it, or take it over (the provider's upsertExistingObjects)"
            )

    def _namespaced(self, kind: Kind) -> bool:
        served = self._cluster.served(kind)
        # Unknown is most likely a custom resource whose definition comes in the same run.
        return served is None or served.namespaced

    def _ref(self, kind: Kind, inputs: Properties) -> Ref:
        at = metadata(inputs)
        return Ref(kind, at.get("namespace", "") if self._namespaced(kind) else "", at["name"])

    def _comparable(self, kind: Kind, inputs: Properties) -> Properties:
        """Without the namespace that was filled in before the server knew that the kind has none."""
        return inputs if self._namespaced(kind) else dict(without(inputs, ("metadata", "namespace")))


def _kind(type_token: str) -> Kind:
    kind = kind_of(type_token)
    if kind is None:
        raise RefusedError(
            f"{type_token}: the rehearsal implements objects, not charts, patches or lists. Next step: run "
            "the program with the Pulumi CLI"
        )
    return kind


def _without_managers(live: Properties) -> Properties:
    return dict(without(live, ("metadata", "managedFields")))
