"""Objects on an API server: found by discovery, read, applied, deleted."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from rehearsal.backend import Log, Properties, ResourceFailedError
from rehearsal.kubernetes_backend.connection import ApiError, Connection
from rehearsal.kubernetes_backend.manifest import Kind, Ref, metadata
from rehearsal.kubernetes_backend.secret_data import as_sent, is_secret

MANAGER = "slm-kit-rehearsal"
"""Field manager: who the server says set a field."""

PAGE = 500


@dataclass(frozen=True)
class Served:
    """How the server serves a kind."""

    plural: str
    namespaced: bool


class Cluster:
    """One API server, kinds remembered by group and version."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._served: dict[str, dict[str, Served]] = {}
        self._lock = threading.Lock()

    def served(self, kind: Kind) -> Served | None:
        """How a kind is served; None when the server does not know it (yet)."""
        found = self._served.get(kind.api_version, {}).get(kind.kind)
        if found is None:
            # Asked again each time: its definition may be made by this very run.
            kinds = self._discovered(kind.api_version)
            with self._lock:
                self._served[kind.api_version] = kinds
            found = kinds.get(kind.kind)
        return found

    def _discovered(self, api_version: str) -> dict[str, Served]:
        try:
            answer = self.connection.request("GET", _root(api_version), f"find the kinds of {api_version}")
        except ApiError as error:
            if error.code == httpx.codes.NOT_FOUND:
                return {}
            raise
        return {
            each["kind"]: Served(each["name"], bool(each["namespaced"]))
            for each in answer.get("resources", [])
            if "/" not in each["name"]
        }

    def get(self, ref: Ref) -> Properties | None:
        """The object, or None."""
        path = self._path(ref)
        if path is None:
            return None
        try:
            return self.connection.request("GET", path, f"read {ref}")
        except ApiError as error:
            if error.code == httpx.codes.NOT_FOUND:
                return None
            raise

    def find(self, kind: Kind, namespace: str, selector: Mapping[str, str]) -> list[Properties]:
        """The first 500 objects of a kind with these labels."""
        path = self._path(Ref(kind, namespace, ""))
        query = {"limit": str(PAGE)}
        if selector:
            query["labelSelector"] = ",".join(f"{key}={value}" for key, value in selector.items())
        answer = self.connection.request("GET", (path or "").rstrip("/"), f"list {kind.kind}", query=query)
        return list(answer.get("items") or [])

    def apply(self, ref: Ref, inputs: Properties, log: Log | None = None, *, dry: bool = False) -> Properties:
        """Server-side apply. `dry`: the server checks and admits it, and keeps nothing.

        Forced: fields that somebody else has set since on an object of ours become ours again.
        """
        path = self._path(ref)
        if path is None:
            raise ResourceFailedError(
                f"Could not apply {ref}: the API server has no {ref.kind.kind} in {ref.kind.api_version}. "
                "Next step: install its CustomResourceDefinition, in a stack before this one"
            )
        query = {"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict"}
        return self.connection.request(
            "PATCH",
            path,
            f"apply {ref}",
            query={**query, **({"dryRun": "All"} if dry else {})},
            body=as_sent(inputs),
            kind="application/apply-patch+yaml",
            private=is_secret(inputs),
            log=log,
        )

    def delete(self, ref: Ref, uid: str, propagation: str) -> None:
        """Ask for the deletion of this very object; gone already, or another one by now, is fine."""
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
            "preconditions": {"uid": uid},
        }
        try:
            self.connection.request("DELETE", self._path(ref) or "", f"delete {ref}", body=body)
        except ApiError as error:
            if error.code not in (httpx.codes.NOT_FOUND, httpx.codes.CONFLICT):
                raise

    def log_tail(self, pod: Properties, container: str, lines: int, *, previous: bool = False) -> str:
        """The last lines a container wrote; empty where there are none."""
        at = metadata(pod)
        path = f"/api/v1/namespaces/{at['namespace']}/pods/{at['name']}/log"
        query = {"container": container, "tailLines": str(lines)}
        found = self.connection.text(path, {**query, "previous": "true"}) if previous else None
        return (found or self.connection.text(path, query) or "").rstrip()

    def _path(self, ref: Ref) -> str | None:
        served = self.served(ref.kind)
        if served is None:
            return None
        inside = f"/namespaces/{ref.namespace}" if served.namespaced and ref.namespace else ""
        return f"{_root(ref.kind.api_version)}{inside}/{served.plural}/{ref.name}"


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def is_ours(live: Mapping[str, Any], inputs: Mapping[str, Any]) -> bool:
    """Whether a run of ours applied the object: by field manager, and by the labels of the inputs, which
    tell one stack from another."""
    managers = {each.get("manager") for each in metadata(live).get("managedFields") or []}
    wanted = metadata(inputs).get("labels") or {}
    has = metadata(live).get("labels") or {}
    return MANAGER in managers and dict(wanted).items() <= dict(has).items()
