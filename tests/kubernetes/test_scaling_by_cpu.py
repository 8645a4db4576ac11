"""Without KEDA: the rendered HPA on a real API server."""

import pytest
from lightkube.codecs import from_dict
from lightkube.resources.autoscaling_v2 import HorizontalPodAutoscaler

from tests.components.kubernetes_stack import MODEL, render_stack
from tests.kubernetes.cluster import Cluster

pytestmark = pytest.mark.docker


def test_a_cluster_takes_the_hpa_of_a_model_as_it_is_rendered(cluster: Cluster, namespace: str) -> None:
    model = {"name": MODEL, "contextLength": 1024, "scaling": {"minReplicas": 1, "maxReplicas": 3}}
    stack = render_stack(models=[model], autoscaling={"keda": False})
    (rendered,) = stack.of_type("kubernetes:autoscaling/v2:HorizontalPodAutoscaler")
    wanted = {**rendered.inputs["spec"]}
    wanted["scaleTargetRef"] = {**wanted["scaleTargetRef"], "name": "engine"}
    made = from_dict(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "engine", "namespace": namespace},
            "spec": wanted,
        }
    )
    cluster.client.create(made)
    kept = cluster.client.get(HorizontalPodAutoscaler, "engine", namespace=namespace).to_dict()["spec"]
    assert {name: kept[name] for name in wanted if name != "behavior"} == {
        name: value for name, value in wanted.items() if name != "behavior"
    }
    for direction, rules in wanted["behavior"].items():
        assert rules.items() <= kept["behavior"][direction].items()
