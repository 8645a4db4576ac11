"""Nodes that exist as objects only: the real scheduler places pods on them, and nothing runs.

A thread does what the cluster waits for: it renews the nodes' leases, says that pods are ready and those of
jobs done, and lets go of those that are to be deleted.
"""

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lightkube import Client
from lightkube.codecs import load_all_yaml
from lightkube.core.exceptions import ApiError
from lightkube.resources.coordination_v1 import Lease
from lightkube.resources.core_v1 import Node, PersistentVolume, Pod

from tests.kubernetes.cluster import Cluster, connect, is_ready
from tests.kubernetes.waiting import until

LEASES = "kube-node-lease"
STORAGE_CLASS = "slm-test-anywhere"
VOLUMES = 12
BEAT_SECONDS = 0.5
OBJECTS = """
apiVersion: v1
kind: Node
metadata: {name: "{{ name }}", labels: {{ labels | tojson }}}
spec: {taints: {{ taints | tojson }}}
status:
  capacity: {{ room | tojson }}
  allocatable: {{ room | tojson }}
  conditions: [{type: Ready, status: "True", reason: Fake, message: there is no such machine}]
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: "{{ name }}", namespace: "{{ leases }}"}
spec: {holderIdentity: "{{ name }}", leaseDurationSeconds: 40, renewTime: "{{ now }}"}
"""
# A volume of any node, as a file server's is.
VOLUME = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: "{{ name }}"}
spec:
  storageClassName: "{{ storage_class }}"
  capacity: {storage: 1Ti}
  accessModes: [ReadWriteOnce, ReadWriteMany]
  persistentVolumeReclaimPolicy: Retain
  hostPath: {path: /nowhere}
"""


@dataclass(frozen=True)
class FakeNode:
    """What a node says of itself."""

    name: str
    labels: Mapping[str, str]
    gpus: int = 0
    taints: Sequence[Mapping[str, str]] = ()

    def as_values(self) -> dict[str, Any]:
        """For its objects."""
        room = {"cpu": "64", "memory": "512Gi", "pods": "110"}
        return {
            "name": self.name,
            "labels": {"kubernetes.io/hostname": self.name, **self.labels},
            "taints": list(self.taints),
            "room": {**room, "nvidia.com/gpu": str(self.gpus)} if self.gpus else room,
            "leases": LEASES,
            "now": _now(),
        }


@contextlib.contextmanager
def fake_nodes(cluster: Cluster, nodes: Sequence[FakeNode]) -> Iterator[None]:
    """Nothing but these nodes takes pods inside; a StorageClass's name stands for volumes of any node."""
    client, names = cluster.client, [node.name for node in nodes]
    real = [str(each.metadata.name) for each in client.list(Node) if each.metadata]
    volumes = [f"{STORAGE_CLASS}-{number}" for number in range(VOLUMES)]
    stopped = threading.Event()
    kubelets = threading.Thread(target=_beat, args=(cluster.kubeconfig, names, stopped))
    try:
        cordon(client, real, cordoned=True)
        for each in nodes:
            _create(client, OBJECTS, each.as_values())
        for name in volumes:
            _create(client, VOLUME, {"name": name, "storage_class": STORAGE_CLASS})
        kubelets.start()
        until("all nodes Ready and open", lambda: all(_is_open(client.get(Node, name)) for name in names))
        yield
    finally:
        stopped.set()
        if kubelets.is_alive():
            kubelets.join()
        for kind, made in ((Node, names), (PersistentVolume, volumes)):
            for name in made:
                with contextlib.suppress(ApiError):
                    client.delete(kind, name)
        cordon(client, real, cordoned=False)


def _create(client: Client, text: str, values: Mapping[str, Any]) -> None:
    for each in load_all_yaml(text, context=dict(values)):
        client.create(each)


def cordon(client: Client, names: Sequence[str], *, cordoned: bool) -> None:
    """Whether the nodes take no more pods."""
    for name in names:
        client.patch(Node, name, {"spec": {"unschedulable": cordoned}})


def _is_open(node: Node) -> bool:
    """Whether the cluster has taken the taint of a new node away."""
    taints = (node.spec.taints if node.spec else None) or ()
    return is_ready(node) and not any(each.key == "node.kubernetes.io/not-ready" for each in taints)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _beat(kubeconfig: Path, names: Sequence[str], stopped: threading.Event) -> None:
    with connect(kubeconfig) as client:
        while not stopped.wait(BEAT_SECONDS):
            for name in names:
                client.patch(Lease, name, {"spec": {"renewTime": _now()}}, namespace=LEASES)
            for pod in client.list(Pod, namespace="*"):
                if pod.spec and pod.spec.nodeName in names:
                    # The pod may be gone since it was listed.
                    with contextlib.suppress(ApiError):
                        _act(client, pod)


def _act(client: Client, pod: Pod) -> None:
    assert pod.metadata
    assert pod.metadata.name
    assert pod.status
    name, namespace = pod.metadata.name, pod.metadata.namespace
    if pod.metadata.deletionTimestamp:
        client.delete(Pod, name, namespace=namespace, grace_period=0)
    elif pod.status.phase == "Pending":
        done = any(each.kind == "Job" for each in pod.metadata.ownerReferences or ())
        conditions = [{"type": kind, "status": str(not done)} for kind in ("Ready", "ContainersReady")]
        status = {"phase": "Succeeded" if done else "Running", "conditions": conditions}
        client.patch(Pod.Status, name, {"status": status}, namespace=namespace)
