"""Pods on a real node: what is waited for, and what is said when they do not come up."""

from typing import Any

import pytest

from rehearsal.backend import ResourceFailedError
from tests.rehearsal_kubernetes.conftest import DEPLOYMENT, JOB, Hands


def _pods(command: list[str], image: str, **more: Any) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        "command": command,
        "resources": {"requests": {"cpu": "0.01", "memory": "16384Ki"}},
    }
    return {
        "metadata": {"labels": {"app": "x"}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1, **more},
    }


def _rolled(command: list[str], image: str) -> dict[str, Any]:
    selector = {"matchLabels": {"app": "x"}}
    return {"replicas": 1, "selector": selector, "template": _pods(command, image)}


def test_a_rollout_is_waited_for_and_its_quantities_are_no_change_after_a_refresh(
    on_cluster: Hands, image: str
) -> None:
    made = on_cluster.create(DEPLOYMENT, "web", spec=_rolled(["/pause"], image))
    assert made.outputs["status"]["availableReplicas"] == 1
    seen = on_cluster.refreshed(DEPLOYMENT, made)
    assert seen is not None
    assert seen.inputs == made.inputs
    assert seen.outputs["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "10m"
    none = {**made.inputs, "spec": {**made.inputs["spec"], "replicas": 0}}
    changed = on_cluster.backend.update(DEPLOYMENT, made, none, on_cluster.said.append)
    assert changed.outputs["status"].get("replicas", 0) == 0


def test_a_rollout_that_cannot_start_fails_with_the_reason_of_its_pod(on_cluster: Hands, image: str) -> None:
    for command, picture, named in (
        (["/no/such/program"], image, r"(CrashLoopBackOff|RunContainerError).*no/such/program"),
        (["/pause"], "slm-kit/absent:1", r"ErrImageNeverPull.*slm-kit/absent:1"),
    ):
        inputs = on_cluster.check(DEPLOYMENT, "web", spec=_rolled(command, picture))
        with pytest.raises(ResourceFailedError, match=named) as failure:
            on_cluster.backend.create(DEPLOYMENT, "urn", inputs, on_cluster.said.append, 60)
        assert failure.value.created == on_cluster.backend.find(DEPLOYMENT, inputs)


def test_a_pod_that_fits_nowhere_is_named_when_time_is_up(on_cluster: Hands, image: str) -> None:
    spec = _rolled(["/pause"], image)
    spec["template"]["spec"]["nodeSelector"] = {"no-such": "node"}
    inputs = on_cluster.check(DEPLOYMENT, "web", spec=spec)
    with pytest.raises(ResourceFailedError, match=r"not scheduled: 0/\d+ nodes"):
        on_cluster.backend.create(DEPLOYMENT, "urn", inputs, on_cluster.said.append, 5)


def test_a_job_is_waited_for_to_its_end(on_cluster: Hands, image: str) -> None:
    pods = _pods(["/pause", "-v"], image, restartPolicy="Never")
    made = on_cluster.create(JOB, "load", spec={"backoffLimit": 0, "template": pods})
    assert made.outputs["status"]["succeeded"] == 1
    seen = on_cluster.refreshed(JOB, made)
    assert seen is not None
    assert seen.inputs == made.inputs


def test_a_job_that_cannot_end_well_fails(on_cluster: Hands, image: str) -> None:
    pods = _pods(["/no/such/program"], image, restartPolicy="Never")
    inputs = on_cluster.check(JOB, "load", spec={"backoffLimit": 0, "template": pods})
    with pytest.raises(ResourceFailedError, match=r"it failed \(BackoffLimitExceeded"):
        on_cluster.backend.create(JOB, "urn", inputs, on_cluster.said.append, 60)
