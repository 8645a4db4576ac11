"""The pods of every kind of workload that the kit has: confined, started, watched and ended well."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal import Rendering
from tests.components.kubernetes_pod_security import violations
from tests.components.kubernetes_program import (
    DEPLOYMENT,
    JOB,
    MODEL,
    containers,
    main_container,
    one,
    pods,
    rendered,
)

STORE_JOB = f"models-{MODEL}-onnx-int4"
KINDS = {"gateway", MODEL, "ollama", "qwen3-0-6b", STORE_JOB, "prometheus", "loki"}


@pytest.fixture(scope="module")
def rendering(tmp_path_factory: pytest.TempPathFactory) -> Rendering:
    return rendered(tmp_path_factory.mktemp("program"))


def test_every_kind_of_workload_is_admitted_by_a_restricted_namespace(rendering: Rendering) -> None:
    found = pods(rendering)
    assert found.keys() >= KINDS
    assert {name: broken for name, pod in found.items() if (broken := violations(pod))} == {}


BROKEN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "Host Namespaces": lambda spec: spec.update(hostNetwork=True),
    "Volume Types": lambda spec: spec["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
    "Privilege Escalation": lambda spec: spec["containers"][0]["securityContext"].pop(
        "allowPrivilegeEscalation"
    ),
    "Running as Non-root": lambda spec: spec["securityContext"].pop("runAsNonRoot"),
    "Running as Non-root user": lambda spec: spec["securityContext"].update(runAsUser=0),
    "Seccomp": lambda spec: spec["securityContext"].pop("seccompProfile"),
    "Capabilities": lambda spec: spec["containers"][0]["securityContext"].pop("capabilities"),
    "Host Ports": lambda spec: spec["containers"][0].update(ports=[{"containerPort": 80, "hostPort": 80}]),
    "Privileged Containers": lambda spec: spec["containers"][0]["securityContext"].update(privileged=True),
    "Host Probes": lambda spec: spec["containers"][0]["readinessProbe"].update(
        httpGet={"host": "example.com", "path": "/", "port": 80}
    ),
}


@pytest.mark.parametrize("control", BROKEN)
def test_a_pod_that_breaks_a_control_would_be_found(rendering: Rendering, control: str) -> None:
    pod = copy.deepcopy(pods(rendering)["gateway"])
    BROKEN[control](pod["spec"])
    assert any(control in each for each in violations(pod))


def test_every_container_has_a_read_only_root_and_bounded_memory(rendering: Rendering) -> None:
    for name, pod in pods(rendering).items():
        for each in containers(pod):
            assert each["securityContext"]["readOnlyRootFilesystem"] is True, name
            resources = each["resources"]
            assert resources["requests"]["memory"] == resources["limits"]["memory"], name
            assert resources["requests"]["cpu"], name
        assert all(each["emptyDir"]["sizeLimit"] for each in pod["spec"]["volumes"] if "emptyDir" in each), (
            name
        )


def test_no_pod_has_a_token_or_the_names_of_services_in_its_environment(rendering: Rendering) -> None:
    accounts = rendering.of_type("kubernetes:core/v1:ServiceAccount")
    assert {each.name for each in accounts} == pods(rendering).keys()
    assert all(each.inputs["automountServiceAccountToken"] is False for each in accounts)
    for pod in pods(rendering).values():
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["enableServiceLinks"] is False


def test_files_on_volumes_belong_to_one_group_whoever_runs(rendering: Rendering) -> None:
    contexts = {name: pod["spec"]["securityContext"] for name, pod in pods(rendering).items()}
    assert {each["fsGroup"] for each in contexts.values()} == {10001}
    assert contexts["qwen3-0-6b"]["runAsUser"] == 2000
    assert contexts["gateway"]["runAsUser"] == 10001


def test_a_gpu_is_asked_for_where_its_taint_is_and_nowhere_else(rendering: Rendering) -> None:
    asking = {
        name
        for name, pod in pods(rendering).items()
        for each in containers(pod)
        if "nvidia.com/gpu" in each["resources"]["limits"]
    }
    assert asking == {"qwen3-0-6b"}
    tolerated = pods(rendering)["qwen3-0-6b"]["spec"]["tolerations"]
    assert {(each["key"], each.get("value"), each["effect"]) for each in tolerated} == {
        ("sku", "gpu", "NoSchedule"),
        ("nvidia.com/gpu", None, "NoSchedule"),
    }
    assert not pods(rendering)["gateway"]["spec"].get("tolerations")


def test_the_start_budget_is_what_the_startup_probe_allows(rendering: Rendering) -> None:
    startup = main_container(rendering, "qwen3-0-6b")["startupProbe"]
    # 600 s and 16 GB at 50 MB/s (components/engines/vllm/recipe.py).
    assert startup["periodSeconds"] * startup["failureThreshold"] == 920
    deployment = one(rendering, DEPLOYMENT, "qwen3-0-6b")
    assert deployment.inputs["spec"]["progressDeadlineSeconds"] > 920


def test_a_pod_has_time_to_leave_lists_and_to_drain_before_it_is_killed(rendering: Rendering) -> None:
    gateway = pods(rendering)["gateway"]["spec"]
    (container,) = gateway["containers"]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert gateway["terminationGracePeriodSeconds"] == pause + 600 + 5
    loki = pods(rendering)["loki"]["spec"]
    assert "lifecycle" not in loki["containers"][0]
    assert loki["terminationGracePeriodSeconds"] == 15 + 5


def test_a_configuration_is_checked_before_the_program_starts(rendering: Rendering) -> None:
    (check,) = pods(rendering)["gateway"]["spec"]["initContainers"]
    assert check["command"] == ["gateway-check", "/etc/slm/config"]
    assert {each["mountPath"] for each in check["volumeMounts"]} >= {"/etc/slm/config", "/etc/slm/secrets"}


def test_secret_files_are_readable_by_the_pods_group_only(rendering: Rendering) -> None:
    volumes = {each["name"]: each for each in pods(rendering)["gateway"]["spec"]["volumes"]}
    assert volumes["secrets"]["secret"]["defaultMode"] == 0o440
    mounts = {each["name"]: each for each in main_container(rendering, "gateway")["volumeMounts"]}
    assert mounts["secrets"]["readOnly"] is True


def test_an_engine_reads_the_store_and_the_job_writes_it(rendering: Rendering) -> None:
    for name, read_only in ((MODEL, True), (STORE_JOB, False)):
        (claim,) = [
            each["persistentVolumeClaim"]
            for each in pods(rendering)[name]["spec"]["volumes"]
            if "persistentVolumeClaim" in each
        ]
        assert claim == {"claimName": "slm-kit-test-models", "readOnly": read_only}


def test_a_gpu_engine_gets_shared_memory_and_a_cache_of_its_own(rendering: Rendering) -> None:
    mounts = {
        each["mountPath"]: each["name"] for each in main_container(rendering, "qwen3-0-6b")["volumeMounts"]
    }
    volumes = {each["name"]: each for each in pods(rendering)["qwen3-0-6b"]["spec"]["volumes"]}
    assert volumes[mounts["/dev/shm"]]["emptyDir"] == {"medium": "Memory", "sizeLimit": "1Gi"}
    assert "persistentVolumeClaim" in volumes[mounts["/home/vllm"]]


def test_a_job_runs_once_and_another_one_takes_its_place(rendering: Rendering) -> None:
    job = one(rendering, JOB, STORE_JOB)
    assert job.inputs["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert job.inputs["spec"]["podReplacementPolicy"] == "Failed"
    assert "ttlSecondsAfterFinished" not in job.inputs["spec"]
    assert "name" not in job.inputs["metadata"], "a fixed name could not be replaced by another job"
    assert job.options["deleteBeforeReplace"] is True


def test_a_deployment_whose_pods_cannot_be_there_twice_leaves_before_its_replacement_comes(
    rendering: Rendering,
) -> None:
    found = {
        each.name: each.options.get("deleteBeforeReplace")
        for each in rendering.of_type("kubernetes:apps/v1:Deployment")
    }
    assert found["qwen3-0-6b"] is True
    assert not found["gateway"]


def test_less_of_a_processor_can_be_reserved_without_changing_the_limit(tmp_path: Path) -> None:
    resources = main_container(rendered(tmp_path, cpu_share=0.25), MODEL)["resources"]
    assert resources["requests"]["cpu"] == "375m"
    assert resources["limits"]["cpu"] == "1500m"
