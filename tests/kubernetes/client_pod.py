"""A Python script in a pod of the stack's namespace: what people and other workloads see from there."""

import contextlib
from collections.abc import Iterator, Sequence

from lightkube.codecs import load_all_yaml
from lightkube.resources.core_v1 import Pod, Secret

from tests.kubernetes.cluster import Cluster

OBJECTS = """
apiVersion: v1
kind: Secret
metadata: {name: "{{ name }}", namespace: "{{ namespace }}"}
stringData: {key: "{{ key }}"}
---
apiVersion: v1
kind: Pod
metadata:
  name: "{{ name }}"
  namespace: "{{ namespace }}"
  labels: {slm-kit.stack: "{{ stack }}", slm-kit.role: "{{ role }}"}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 0
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: main
      image: "{{ image }}"
      imagePullPolicy: Never
      command: [python, -c, {{ script | tojson }}{% for each in arguments %}, {{ each | tojson }}{% endfor %}]
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts: [{name: key, mountPath: /key, readOnly: true}]
  volumes: [{name: key, secret: {secretName: "{{ name }}"}}]
"""


@contextlib.contextmanager
def client_pod(
    cluster: Cluster,
    namespace: str,
    name: str,
    role: str,
    script: str,
    arguments: Sequence[str],
    **values: str,
) -> Iterator[None]:
    """Run the script until the end; `values` are key (in the file /key/key), stack, and image (with Python).

    `role` is a workload's (components/platforms/kubernetes_names.py): NetworkPolicies go by it.
    """
    context = {
        "namespace": namespace, "name": name, "role": role, "script": script, "arguments": list(arguments),
        **values,
    }  # fmt: skip
    for each in load_all_yaml(OBJECTS, context=context):
        cluster.client.create(each)
    try:
        yield
    finally:
        for kind in (Pod, Secret):
            cluster.client.delete(kind, name, namespace=namespace)
