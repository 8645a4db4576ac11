"""Deleting many resources: dependents first, what does not depend on each other at the same time."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from rehearsal.backend import RefusedError, ResourceFailedError
from rehearsal.errors import RehearsalError
from rehearsal.state.checkpoint import Resource


def delete_all(doomed: list[Resource], delete: Callable[[Resource], None], parallel: int) -> dict[str, str]:
    """Delete in reverse order of dependency. What a resource that failed still needs is left alone.

    Returns what failed, by URN.
    """
    remaining = list(doomed)
    stuck: list[Resource] = []
    failures: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=max(parallel, 1)) as pool:
        while ready := _unused(remaining, stuck):
            remaining = [each for each in remaining if each not in ready]
            for resource, error in zip(ready, pool.map(_tried(delete), ready), strict=True):
                if error is not None:
                    failures[resource.urn] = error
                    stuck.append(resource)
    return failures


def _unused(remaining: list[Resource], stuck: list[Resource]) -> set[Resource]:
    users = Counter(urn for each in (*remaining, *stuck) for urn in each.needs() if urn != each.urn)
    return {each for each in remaining if not users[each.urn]}


def _tried(delete: Callable[[Resource], None]) -> Callable[[Resource], str | None]:
    def one(resource: Resource) -> str | None:
        try:
            delete(resource)
        except (ResourceFailedError, RefusedError, RehearsalError) as error:
            return str(error)
        except Exception as error:  # one backend mistake must not leave the rest undeleted
            return f"{type(error).__name__}: {error}"
        return None

    return one
