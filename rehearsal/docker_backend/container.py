"""`docker:index/container:Container`."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.backend import UNKNOWN, Existing, Log, Properties, RefusedError, ResourceFailedError
from rehearsal.docker_backend.connection import BusyError, GoneError, docker_errors
from rehearsal.docker_backend.container_config import container_body, updates
from rehearsal.docker_backend.container_inputs import CONTAINER, LIMITS
from rehearsal.docker_backend.container_state import drifted_inputs, filled_in, observed, picked_ports
from rehearsal.docker_backend.kind import Kind
from rehearsal.docker_backend.mounts import misplaced
from rehearsal.docker_backend.running import require_running, run_to_end, wait_until_healthy
from rehearsal.docker_backend.schema import has_unknown, label_map
from rehearsal.docker_backend.uploads import archive, refuse_bad_uploads

STOP_SECONDS = 10
"""Docker's own default between the stop signal and the kill."""


class ContainerKind(Kind):
    """A container, a service or (`mustRun=False, attach=True`) a one-shot job."""

    token = "docker:index/container:Container"
    fields = CONTAINER
    deletes_first = True  # as the provider: two containers can share neither name nor port

    def refuse_impossible(self, where: str, inputs: Properties) -> None:
        """Refuse what Docker would refuse half-way, or what could never end."""
        inputs = {key: value for key, value in inputs.items() if not has_unknown(value)}
        if inputs.get("readOnly") and inputs.get("uploads"):
            raise RefusedError(
                f"{where}: Docker puts no uploads into a readOnly container. Write the files to a "
                "volume with a one-shot container, and mount that."
            )
        refuse_bad_uploads(where, inputs.get("uploads") or [])
        wrong = misplaced(inputs.get("volumes") or [])
        if wrong:
            raise RefusedError(f"{where}: {wrong}. Correct the entry.")
        if inputs.get("attach") and inputs.get("mustRun", True):
            raise RefusedError(
                f"{where}: attach waits for the end of a container that mustRun says never ends. "
                "Set mustRun=false for a one-shot container, or leave attach out."
            )
        if inputs.get("attach") and inputs.get("rm"):
            raise RefusedError(
                f"{where}: with rm a one-shot container is gone before its result is read. Leave rm out."
            )

    def must_replace(self, key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Also where a limit is lifted: `docker update` takes 0 for "leave it"."""
        lifted = key in LIMITS and bool(old.get(key)) and not new.get(key)
        return lifted or super().must_replace(key, old, new)

    def create(self, urn: str, inputs: Properties, log: Log) -> Existing:
        """Create, connect, upload, start, and wait as the inputs say."""
        name = inputs["name"]
        make: Callable[..., dict[str, str]] = self.api.create_container_from_config
        with docker_errors(f"create container {name}"):
            id_ = make(container_body(inputs), name, inputs.get("platform"))["Id"]
        self._connect(id_, inputs)
        if inputs.get("uploads"):
            with docker_errors(f"upload files to container {name}", id_):
                self.api.put_archive(id_, "/", archive(inputs["uploads"]))
        said = self._start(id_, inputs, log) if inputs.get("start", True) else ""
        made = self.read(id_, self.own_outputs(urn, inputs))
        if made is None:
            raise ResourceFailedError(f"Container {name} went away as it was made. Run again.")
        if inputs.get("logs") and inputs.get("attach"):
            made.outputs["containerLogs"] = said
        return made

    def _connect(self, id_: str, inputs: Properties) -> None:
        networks = inputs.get("networksAdvanced") or []
        if networks:
            # Fails where networkMode already keeps it off the default network.
            with contextlib.suppress(ResourceFailedError), docker_errors("leave the bridge", id_):
                self.api.disconnect_container_from_network(id_, "bridge")
        for each in networks:
            with docker_errors(f"connect {inputs['name']} to network {each['name']}", id_):
                self.api.connect_container_to_network(
                    id_,
                    each["name"],
                    aliases=each.get("aliases"),
                    ipv4_address=each.get("ipv4Address"),
                    ipv6_address=each.get("ipv6Address"),
                    link_local_ips=each.get("linkLocalIps"),
                )

    def _start(self, id_: str, inputs: Properties, log: Log) -> str:
        name = inputs["name"]
        with docker_errors(f"start container {name}", id_):
            self.api.start(id_)
        if inputs.get("wait"):
            wait_until_healthy(self.api, id_, name, inputs.get("waitTimeout", 60), log)
        elif inputs.get("mustRun", True):
            require_running(self.api, id_, name)
        if not inputs.get("attach"):
            return ""
        return run_to_end(self.api, id_, name, log, keep=inputs.get("logs", False))

    def find(self, inputs: Properties) -> str | None:
        """The container of this name, image and labels."""
        seen = self._inspect(inputs["name"])
        # Docker also takes the beginning of an id for a name.
        if seen is None or seen["Name"] != f"/{inputs['name']}":
            return None
        if inputs["image"] not in (seen["Image"], seen["Config"]["Image"]):
            return None
        labels = label_map(inputs.get("labels")).items()
        return str(seen["Id"]) if labels <= (seen["Config"]["Labels"] or {}).items() else None

    def read(self, id_: str, known: Mapping[str, Any]) -> Existing | None:
        """The container as it is, or None; one that stopped although it must run has drifted."""
        seen = self._inspect(id_)
        if seen is None:
            return None
        inputs = drifted_inputs(seen, self.inputs_in(known))
        before = {key: known[key] for key in known if key != "exitCode"}
        outputs = self.outputs_of(before, inputs, filled_in(seen), observed(seen), picked_ports(seen, inputs))
        return Existing(str(seen["Id"]), outputs, inputs)

    def update(self, old: Existing, new: Properties, log: Log) -> Existing:
        """Limits and restart policy by `docker update`; start again what must run."""
        name = new["name"]
        with docker_errors(f"update container {name}", old.id):
            self.api.update_container(old.id, **updates(new))
        stopped = old.inputs.get("mustRun", True) is False
        if stopped and new.get("mustRun", True) and new.get("start", True):
            log(f"starting {name} again")
            self._start(old.id, new, log)
        made = self.read(old.id, self.outputs_of(old.outputs, new, {}, {}))
        if made is None:
            raise ResourceFailedError(f"Container {name} went away during the update. Run again.")
        return made

    def delete(self, id_: str, outputs: Mapping[str, Any], log: Log) -> None:
        """Stop (destroyGraceSeconds, else stopTimeout, else 10 s until the kill) and remove."""
        del log
        grace = outputs.get("destroyGraceSeconds") or outputs.get("stopTimeout") or STOP_SECONDS
        name = outputs.get("name", id_)
        with contextlib.suppress(GoneError):
            with docker_errors(f"stop container {name}"):
                self.api.stop(id_, timeout=grace)
            try:
                with docker_errors(f"remove container {name}"):
                    self.api.remove_container(id_, v=outputs.get("removeVolumes", True), force=True)
            except BusyError:
                # Another removal is on its way (rm=true, or a person).
                with docker_errors(f"wait for the removal of container {name}"):
                    self.api.wait(id_, timeout=60, condition="removed")

    def preview(self, inputs: Properties) -> Properties:
        """The inputs; a port that the engine will pick is unknown."""
        ports = inputs.get("ports")
        if not isinstance(ports, list):
            return dict(inputs)
        return {**inputs, "ports": [_unknown_if_picked(each) for each in ports]}

    def _inspect(self, id_: str) -> dict[str, Any] | None:
        try:
            with docker_errors(f"look at container {id_}"):
                return dict(self.api.inspect_container(id_))
        except GoneError:
            return None


def _unknown_if_picked(port: Any) -> Any:
    if not isinstance(port, Mapping) or port.get("external"):
        return port
    return {**port, "external": UNKNOWN}
