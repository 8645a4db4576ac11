"""The workload layer on the cluster that another stack made."""

import pytest

from rehearsal.errors import RehearsalError
from tests.components.kubernetes_stack import CLUSTER, render_stack


@pytest.mark.parametrize(
    ("named", "asked"),
    [("aks", "organization/slm-kit/aks"), ("acme/infrastructure/prod", "acme/infrastructure/prod")],
)
def test_the_kubeconfig_is_the_output_of_the_stack_that_made_the_cluster(named: str, asked: str) -> None:
    rendering = render_stack(kubernetes={**CLUSTER, "cluster": named})
    (reference,) = rendering.of_type("pulumi:pulumi:StackReference")
    assert reference.inputs == {"name": asked}
    providers = rendering.of_type("pulumi:providers:kubernetes")
    assert len(providers) == 2
    for each in providers:
        assert each.property_dependencies == {"kubeconfig": [reference.urn]}
        assert each.secret_paths == ()


def test_a_cluster_is_named_in_one_way() -> None:
    both = {**CLUSTER, "cluster": "aks", "kubeconfig": "/etc/kubeconfig"}
    with pytest.raises(RehearsalError, match="Keep one of them"):
        render_stack(kubernetes=both)
