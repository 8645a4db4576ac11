"""What is waited for, and what a failure says. The statuses are as a kubelet and controllers write them."""

from typing import Any

import pytest

from rehearsal.backend import ResourceFailedError
from tests.rehearsal_kubernetes.apiserver import ApiServer, Request
from tests.rehearsal_kubernetes.conftest import CLAIM, DEPLOYMENT, JOB, NAMESPACE, SERVICE, Hands

SPACE = "/api/v1/namespaces/space"
APPS = "/apis/apps/v1/namespaces/space"
REVISION = "deployment.kubernetes.io/revision"
SPEC = {"replicas": 1, "selector": {"matchLabels": {"app": "x"}}, "template": {}}
AVAILABLE = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
BEHIND = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1}


def _pod(server: ApiServer, name: str, owner: str, **status: Any) -> None:
    server.objects[f"{SPACE}/pods/{name}"] = {
        "metadata": {"name": name, "namespace": "space", "ownerReferences": [{"uid": owner}]},
        "spec": {"containers": [{"name": "main"}]},
        "status": status,
    }


def _waits(why: str, message: str = "", restarts: int = 0, /, **last: Any) -> dict[str, Any]:
    return {
        "name": "main",
        "ready": False,
        "restartCount": restarts,
        "state": {"waiting": {"reason": why, "message": message}},
        "lastState": {"terminated": last} if last else {},
    }


def _rollout(server: ApiServer, container: dict[str, Any], status: dict[str, Any] = BEHIND) -> None:
    """A controller that makes one new pod, beside one of an older revision that crashes."""

    def made(live: dict[str, Any]) -> None:
        live["status"] = status
        live["metadata"].setdefault("annotations", {})[REVISION] = "2"
        for name, revision in (("old", "1"), ("new", "2")):
            owner = [{"uid": live["metadata"]["uid"]}]
            meta = {"uid": f"rs-{name}", "annotations": {REVISION: revision}, "ownerReferences": owner}
            server.objects[f"{APPS}/replicasets/{name}"] = {"metadata": meta}
        _pod(server, "old", "rs-old", containerStatuses=[_waits("CrashLoopBackOff", "", 9)])
        _pod(server, "new", "rs-new", containerStatuses=[container])

    server.controller = made


def _create(wire: Hands, token: str, seconds: float = 600, /, **inputs: Any) -> ResourceFailedError:
    checked = wire.check(token, "x", metadata={"name": "x"}, **inputs)
    with pytest.raises(ResourceFailedError) as failure:
        wire.backend.create(token, "urn", checked, wire.said.append, seconds)
    return failure.value


def test_a_rollout_is_over_when_its_replicas_are_available(wire: Hands, server: ApiServer) -> None:
    steps: list[dict[str, Any]] = [{}, {"observedGeneration": 1}, BEHIND, AVAILABLE]

    def made(live: dict[str, Any]) -> None:
        live["status"] = steps.pop(0)

    def looked(request: Request) -> None:
        found = server.objects.get(request.path)
        if request.method == "GET" and found and found["kind"] == "Deployment":
            made(found)

    server.controller, server.looked = made, looked
    found = wire.create(DEPLOYMENT, "x", metadata={"name": "x"}, spec=SPEC)
    assert found.outputs["status"] == AVAILABLE
    assert steps == []


def test_no_replicas_are_available_at_once(wire: Hands, server: ApiServer) -> None:
    server.controller = lambda live: live.update(status={"observedGeneration": 1})
    assert wire.create(DEPLOYMENT, "x", metadata={"name": "x"}, spec={**SPEC, "replicas": 0})


def test_a_new_pod_that_crashes_fails_the_rollout_with_its_last_lines(wire: Hands, server: ApiServer) -> None:
    _rollout(server, _waits("CrashLoopBackOff", "back-off 20s", 2, exitCode=3, reason="Error"))
    server.texts[f"{SPACE}/pods/new/log"] = "loading\nno such model\n"
    failure = _create(wire, DEPLOYMENT, spec=SPEC)
    assert failure.created == "space/x"
    assert str(failure) == (
        "Deployment space/x: Pod new, container main: CrashLoopBackOff, exit code 3 (Error): back-off 20s\n"
        "Its last lines:\nloading\nno such model"
    )
    (log,) = [each for each in server.requests if each.path.endswith("/log")]
    assert log.query == {"container": "main", "tailLines": "20", "previous": "true"}


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"])
def test_an_image_that_does_not_come_fails_the_rollout(wire: Hands, server: ApiServer, reason: str) -> None:
    _rollout(server, _waits(reason, 'Back-off pulling image "no/such:image"'))
    assert f"{reason}: Back-off pulling image" in str(_create(wire, DEPLOYMENT, spec=SPEC))


def test_a_first_crash_is_waited_out(wire: Hands, server: ApiServer) -> None:
    _rollout(server, _waits("CrashLoopBackOff", "back-off 10s", 1, exitCode=1))
    failure = str(_create(wire, DEPLOYMENT, 1e-9, spec=SPEC))
    assert "is not usable after 0 s: 0 of 1 replicas are available" in failure
    assert "custom_timeouts" in failure


def test_a_pod_that_cannot_be_placed_is_named_when_time_is_up(wire: Hands, server: ApiServer) -> None:
    _rollout(server, _waits("ContainerCreating"))
    pod = server.objects

    def unplaced(live: dict[str, Any]) -> None:
        made(live)
        message = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        pod[f"{SPACE}/pods/new"]["status"] = {"phase": "Pending", "conditions": [condition]}

    made, server.controller = server.controller, unplaced
    failure = str(_create(wire, DEPLOYMENT, 1e-9, spec=SPEC))
    assert "Pod new is not scheduled: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu." in failure


def test_pods_that_a_policy_refuses_fail_the_rollout_at_once(wire: Hands, server: ApiServer) -> None:
    message = 'pods "x" is forbidden: violates PodSecurity "restricted:latest"'
    condition = {"type": "ReplicaFailure", "status": "True", "message": message}
    status = {"observedGeneration": 1, "conditions": [condition]}
    _rollout(server, _waits("ContainerCreating"), status)
    assert "violates PodSecurity" in str(_create(wire, DEPLOYMENT, spec=SPEC))


def test_a_deadline_of_the_rollout_itself_counts(wire: Hands, server: ApiServer) -> None:
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    status = {**BEHIND, "conditions": [{**condition, "message": "timed out progressing"}]}
    _rollout(server, _waits("ContainerCreating"), status)
    assert "timed out progressing" in str(_create(wire, DEPLOYMENT, spec=SPEC))


def test_an_annotation_gives_the_time_or_skips_the_wait(wire: Hands, server: ApiServer) -> None:
    _rollout(server, _waits("ContainerCreating"))
    skip = {"name": "x", "annotations": {"pulumi.com/skipAwait": "true"}}
    assert wire.create(DEPLOYMENT, "x", metadata=skip, spec=SPEC).id == "space/x"
    soon = {"name": "y", "annotations": {"pulumi.com/timeoutSeconds": "0"}}
    checked = wire.check(DEPLOYMENT, "y", metadata=soon, spec=SPEC)
    with pytest.raises(ResourceFailedError, match="not usable after 0 s"):
        wire.backend.create(DEPLOYMENT, "urn", checked, wire.said.append)


def test_a_job_is_over_when_it_is_complete(wire: Hands, server: ApiServer) -> None:
    condition = {"type": "Complete", "status": "True"}
    server.controller = lambda live: live.update(status={"conditions": [condition]})
    assert wire.create(JOB, "x", metadata={"name": "x"}, spec={}).id == "space/x"


def test_a_job_that_failed_fails_with_the_last_lines_of_its_pods(wire: Hands, server: ApiServer) -> None:
    condition = {
        "type": "Failed",
        "status": "True",
        "reason": "BackoffLimitExceeded",
        "message": "limit",
    }

    def made(live: dict[str, Any]) -> None:
        live["status"] = {"conditions": [condition]}
        ended = {"terminated": {"exitCode": 4, "reason": "Error"}}
        container = {"name": "main", "restartCount": 0, "state": ended}
        _pod(server, "job", live["metadata"]["uid"], containerStatuses=[container])

    server.controller = made
    server.texts[f"{SPACE}/pods/job/log"] = "checksum differs\n"
    failure = str(_create(wire, JOB, spec={}))
    assert "it failed (BackoffLimitExceeded: limit)" in failure
    assert "failed, exit code 4 (Error)\nIts last lines:\nchecksum differs" in failure


def test_crashes_of_a_job_are_its_own_to_count(wire: Hands, server: ApiServer) -> None:
    def made(live: dict[str, Any]) -> None:
        crashed = _waits("CrashLoopBackOff", "", 5, exitCode=1)
        _pod(server, "job", live["metadata"]["uid"], containerStatuses=[crashed])

    server.controller = made
    assert "has not completed" in str(_create(wire, JOB, 1e-9, spec={}))


def test_claims_and_services_without_a_load_balancer_are_not_waited_for(wire: Hands) -> None:
    assert wire.create(CLAIM, "c", metadata={"name": "c"}, spec={}).id == "space/c"
    assert wire.create(SERVICE, "s", metadata={"name": "s"}, spec={"clusterIP": "None"}).id == "space/s"
    assert "no address" in str(_create(wire, SERVICE, 1e-9, spec={"type": "LoadBalancer"}))


def test_a_namespace_is_waited_for(wire: Hands, server: ApiServer) -> None:
    server.controller = lambda live: live.update(status={"phase": "Active"})
    assert wire.create(NAMESPACE, "mine", metadata={"name": "mine"}).id == "mine"
    server.controller = lambda _: None
    assert "it is not active" in str(_create(wire, NAMESPACE, 1e-9))


def test_an_object_that_goes_away_while_it_is_waited_for_is_an_error(wire: Hands, server: ApiServer) -> None:
    server.controller = lambda _: server.objects.clear()
    assert "was deleted by somebody" in str(_create(wire, NAMESPACE))
