"""Level `restricted` of Pod Security, as a list of what a pod breaks.

Written from https://kubernetes.io/docs/concepts/security/pod-security-standards/ as of Kubernetes 1.34,
with the control on hosts of probes, and with volumes of images, which admission takes since 1.33 and that
page leaves out (https://github.com/kubernetes/kubernetes/pull/130394). The words before a colon are the names
of its controls. For Linux.
"""

from collections.abc import Iterator
from typing import Any

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected",
    "secret",
}  # fmt: skip
SECCOMP = {"RuntimeDefault", "Localhost"}
APPARMOR = {None, "RuntimeDefault", "Localhost"}
SAFE_SYSCTLS: set[str] = set()
"""The kit sets none; any is a finding."""


def violations(pod: dict[str, Any]) -> list[str]:
    """What the pod template breaks; empty for one that a `restricted` namespace admits."""
    spec = pod["spec"]
    found = [*_of_pod(spec)]
    for each in (*spec.get("initContainers", ()), *spec["containers"]):
        found += [f"{each['name']}: {text}" for text in _of_container(spec.get("securityContext", {}), each)]
    return found


def _of_pod(spec: dict[str, Any]) -> Iterator[str]:
    yield from (f"Host Namespaces: {key}" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key))
    for volume in spec.get("volumes", ()):
        yield from (f"Volume Types: {kind}" for kind in volume.keys() - {"name"} - VOLUMES)
    context = spec.get("securityContext", {})
    yield from _of_any_context(context)
    if {each["name"] for each in context.get("sysctls", ())} - SAFE_SYSCTLS:
        yield "Sysctls: set"
    if context.get("runAsUser") == 0:
        yield "Running as Non-root user: pod"


def _of_any_context(context: dict[str, Any]) -> Iterator[str]:
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "HostProcess: true"
    if context.get("seLinuxOptions", {}).keys() & {"user", "role"}:
        yield "SELinux: user or role"
    if context.get("appArmorProfile", {}).get("type") not in APPARMOR:
        yield "AppArmor: unconfined"
    if context.get("seccompProfile", {"type": "RuntimeDefault"})["type"] not in SECCOMP:
        yield "Seccomp: unconfined"


def _of_container(pod: dict[str, Any], container: dict[str, Any]) -> Iterator[str]:
    own = container.get("securityContext", {})
    yield from _of_any_context(own)
    if own.get("privileged"):
        yield "Privileged Containers: true"
    if own.get("procMount", "Default") != "Default":
        yield "/proc Mount Type: not Default"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "Privilege Escalation: not false"
    if not own.get("runAsNonRoot", pod.get("runAsNonRoot")):
        yield "Running as Non-root: not true"
    if own.get("runAsUser") == 0:
        yield "Running as Non-root user: 0"
    if (own.get("seccompProfile") or pod.get("seccompProfile") or {}).get("type") not in SECCOMP:
        yield "Seccomp: no profile"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()):
        yield "Capabilities: ALL is not dropped"
    if set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield "Capabilities: added"
    yield from (f"Host Ports: {port}" for port in container.get("ports", ()) if port.get("hostPort"))
    yield from _of_handlers(container)


def _of_handlers(container: dict[str, Any]) -> Iterator[str]:
    hooks = container.get("lifecycle", {}).values()
    probes = [container.get(key, {}) for key in ("startupProbe", "readinessProbe", "livenessProbe")]
    for handler in (*hooks, *probes):
        for kind in ("httpGet", "tcpSocket"):
            if handler.get(kind, {}).get("host"):
                yield f"Host Probes / Lifecycle Hooks: {kind}"
