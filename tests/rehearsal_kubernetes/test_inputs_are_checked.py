"""What a program may ask for, and what the rehearsal fills in."""

import re
from typing import Any

import pytest

from rehearsal.backend import UNKNOWN, RefusedError
from rehearsal.backends import factories
from rehearsal.kubernetes_backend import KubernetesBackend, settings_of
from tests.rehearsal_kubernetes.conftest import CONFIG_MAP, NAMESPACE, Hands


@pytest.mark.parametrize(
    "token",
    [
        "kubernetes:core/v1:Service",
        "kubernetes:apps/v1:Deployment",
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        "kubernetes:keda.sh/v1alpha1:ScaledObject",
        "kubernetes:example.org/v1:AllowList",
    ],
)
def test_every_kind_of_object_is_served(token: str) -> None:
    assert KubernetesBackend().supports(token)


@pytest.mark.parametrize(
    "token",
    [
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:helm.sh/v4:Chart",
        "kubernetes:yaml/v2:ConfigGroup",
        "kubernetes:kustomize/v2:Directory",
        "kubernetes:apps/v1:DeploymentPatch",
        "kubernetes:core/v1:ConfigMapList",
        "docker:index/container:Container",
    ],
)
def test_what_is_no_object_is_not(token: str) -> None:
    assert not KubernetesBackend().supports(token)


def test_the_command_line_knows_the_package() -> None:
    made = factories([])["kubernetes"]({"namespace": "mine", "enableServerSideApply": "true"})
    assert made.supports(CONFIG_MAP)


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"renderYamlToDirectory": "out"}, "renderYamlToDirectory"),
        ({"deleteUnreachable": "true"}, "deleteUnreachable"),
        ({"enableServerSideApply": "false"}, "always applies on the server"),
        ({"enableSecretMutable": "yes"}, "enableSecretMutable is true or false"),
        ({"context": 3}, "context must be text"),
    ],
)
def test_a_providers_input_that_is_not_implemented_is_refused_by_name(
    inputs: dict[str, Any], named: str
) -> None:
    with pytest.raises(RefusedError, match=named):
        settings_of(inputs)


def test_a_provider_may_say_how_a_secret_changes_and_which_cluster_it_is() -> None:
    found = settings_of({"enableSecretMutable": "true", "clusterIdentifier": "c", "kubeconfig": "/k"})
    assert found.mutable_secrets is True
    assert found.mutable_config_maps is False
    assert found.kubeconfig == "/k"


def test_an_automatic_name_is_the_logical_one_and_eight_hex_digits_and_is_kept(wire: Hands) -> None:
    first = wire.check(CONFIG_MAP, "settings", data={"a": "1"})
    assert re.fullmatch(r"settings-[0-9a-f]{8}", first["metadata"]["name"])
    assert first["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
    assert (first["apiVersion"], first["kind"]) == ("v1", "ConfigMap")
    again = wire.backend.check(CONFIG_MAP, "settings", {"data": {"a": "2"}}, first)
    assert again["metadata"]["name"] == first["metadata"]["name"]


def test_a_name_that_was_given_is_not_kept_when_it_is_left_out(wire: Hands) -> None:
    first = wire.check(CONFIG_MAP, "settings", metadata={"name": "fixed"})
    assert "annotations" not in first["metadata"]
    again = wire.backend.check(CONFIG_MAP, "settings", {}, first)
    assert again["metadata"]["name"] != "fixed"


def test_a_kind_without_namespaces_gets_none(wire: Hands) -> None:
    assert "namespace" not in wire.check(NAMESPACE, "space", metadata={"name": "x"})["metadata"]
    assert wire.check(CONFIG_MAP, "x")["metadata"]["namespace"] == "space"


def test_unknown_metadata_is_left_as_it_is(wire: Hands) -> None:
    assert wire.backend.check(CONFIG_MAP, "x", {"metadata": UNKNOWN}, None)["metadata"] == UNKNOWN


@pytest.mark.parametrize(
    ("metadata", "named"),
    [
        ({"generateName": "x-"}, "generateName"),
        ({"annotations": {"pulumi.com/waitFor": "condition=Ready"}}, "waitFor"),
        ({"annotations": {"pulumi.com/patchForce": "true"}}, "patchForce"),
    ],
)
def test_metadata_that_is_not_implemented_is_refused_by_name(
    wire: Hands, metadata: dict[str, Any], named: str
) -> None:
    with pytest.raises(RefusedError, match=named):
        wire.check(CONFIG_MAP, "x", metadata=metadata)


def test_a_kind_that_contradicts_its_type_is_refused(wire: Hands) -> None:
    with pytest.raises(RefusedError, match="'Pod', but its type says 'ConfigMap'"):
        wire.check(CONFIG_MAP, "x", kind="Pod")


def test_nulls_are_left_out(wire: Hands) -> None:
    checked = wire.check(CONFIG_MAP, "x", immutable=None, data={"a": None, "b": "1"})
    assert checked["data"] == {"b": "1"}
    assert "immutable" not in checked
