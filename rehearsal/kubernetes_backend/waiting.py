"""Waiting until an object is usable or gone."""

import time
from collections.abc import Mapping
from typing import Any

from rehearsal.backend import Log, Properties, ResourceFailedError
from rehearsal.kubernetes_backend.cluster import Cluster
from rehearsal.kubernetes_backend.manifest import (
    PROPAGATION,
    SKIP_AWAIT,
    Ref,
    annotation,
    metadata,
    timeout_of,
)
from rehearsal.kubernetes_backend.pods import new_pods, why_not_ready
from rehearsal.kubernetes_backend.readiness import CHECKS, WITH_PODS, BrokenError

USUAL_SECONDS = 600.0
"""As the real provider waits for a rollout or a deletion."""

LOOK_SECONDS = 1.0
PROGRESS_SECONDS = 10.0
PROPAGATIONS = {"orphan": "Orphan", "background": "Background"}
LONGER = "Next step: mend it and run again, or give it longer (custom_timeouts, pulumi.com/timeoutSeconds)"


def wait_usable(cluster: Cluster, ref: Ref, live: Properties, log: Log, seconds: float | None) -> Properties:
    """The object once it is usable. Raises ResourceFailedError with what its pods say."""
    check = CHECKS.get((ref.kind.group, ref.kind.kind))
    if check is None or annotation(live, SKIP_AWAIT) == "true":
        return live
    limit = timeout_of(live, seconds, USUAL_SECONDS)
    end, quiet_until = time.monotonic() + limit, time.monotonic() + LOOK_SECONDS
    while True:
        try:
            waiting = check(cluster, live)
        except BrokenError as error:
            raise ResourceFailedError(f"{ref}: {error}", ref.id) from error
        if waiting is None:
            return live
        if time.monotonic() >= end:
            pods = (
                f"\n{why_not_ready(cluster, new_pods(cluster, live))}" if ref.kind.kind in WITH_PODS else ""
            )
            raise ResourceFailedError(
                f"{ref} is not usable after {limit:.0f} s: {waiting}.{pods}\n{LONGER}.", ref.id
            )
        if time.monotonic() >= quiet_until:
            log(f"waiting: {waiting}")
            quiet_until = time.monotonic() + PROGRESS_SECONDS
        time.sleep(LOOK_SECONDS)
        found = cluster.get(ref)
        if found is None:
            raise ResourceFailedError(f"{ref} was deleted by somebody while it was waited for. Run again.")
        live = found


def delete_and_wait(
    cluster: Cluster, ref: Ref, outputs: Mapping[str, Any], log: Log, seconds: float | None
) -> None:
    """Delete with what belongs to it, and wait until it is gone. An object made anew since is not ours.

    Waited for with `pulumi.com/skipAwait` too: a successor of the same name would be lost with it.
    """
    live = cluster.get(ref)
    uid = metadata(outputs).get("uid") or metadata(live or {}).get("uid")
    if live is None or metadata(live)["uid"] != uid:
        return
    asked = (annotation(outputs, PROPAGATION) or "").lower()
    cluster.delete(ref, uid, PROPAGATIONS.get(asked, "Foreground"))
    limit = timeout_of(outputs, seconds, USUAL_SECONDS)
    end, quiet_until = time.monotonic() + limit, time.monotonic() + PROGRESS_SECONDS
    while (live := cluster.get(ref)) is not None and metadata(live)["uid"] == uid:
        if time.monotonic() >= end:
            raise ResourceFailedError(f"{ref} is not gone after {limit:.0f} s: {_holding(live)}.")
        if time.monotonic() >= quiet_until:
            log(f"waiting until it is gone: {_holding(live)}")
            quiet_until = time.monotonic() + PROGRESS_SECONDS
        time.sleep(LOOK_SECONDS / 2)


def _holding(live: Properties) -> str:
    """What keeps a deleted object: its finalizers, and in a namespace what is left in it."""
    finalizers = [*(metadata(live).get("finalizers") or []), *(live.get("spec", {}).get("finalizers") or [])]
    left = [
        each["message"]
        for each in live.get("status", {}).get("conditions") or []
        if each["type"].startswith("Namespace") and each["status"] == "True" and "message" in each
    ]
    return "; ".join((f"finalizers {', '.join(finalizers) or 'none'}", *left))
