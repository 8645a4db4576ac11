"""Finishing what a run left that was killed, before anything new is begun."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rehearsal.backend import Backend, RefusedError, ResourceFailedError
from rehearsal.engine.operations import Update, has_backend, marked_outputs
from rehearsal.engine.providers import Providers
from rehearsal.state.checkpoint import Operation, Resource
from rehearsal.state.journal import Journal
from rehearsal.values import plain


def repair(update: Update) -> dict[str, str]:
    """Settle every pending operation and delete what failed creations left.

    Returns why not, by URN, where a target does not let it: the next run tries again, and what is on other
    targets must not wait for that.
    """
    failures: dict[str, str] = {}
    for operation in update.journal.pending():
        _tried(failures, operation.resource, partial(_settle, update, operation))
    for resource in update.journal.left():
        if resource.delete and resource.init_errors:
            update.reporter.progress("delete", resource.urn, "left by a failed creation")
            _tried(failures, resource, partial(update.delete, resource))
    update.journal.flush()
    return failures


def _tried(failures: dict[str, str], resource: Resource, action: Callable[[], None]) -> None:
    try:
        action()
    except (ResourceFailedError, RefusedError) as error:
        failures[resource.urn] = f"what an earlier run left is not settled: {error}"


def _settle(update: Update, operation: Operation) -> None:
    resource = operation.resource
    journal, reporter = update.journal, update.reporter
    entry = _entry(journal, resource)
    backend = _backend(update.providers, resource)
    log = reporter.log_for(resource.urn)
    if operation.type == "creating" and backend is not None:
        found = backend.find(resource.type, plain(resource.inputs))
        # What had the name before the creation began is somebody else's.
        if found and found != operation.existed and not _owned(journal, resource.type, found):
            reporter.progress("delete", resource.urn, f"half created ({found[:12]})")
            backend.delete(resource.type, found, plain(resource.inputs), log)
        journal.settle(operation=operation)
    elif operation.type == "deleting" and backend is not None:
        reporter.progress("delete", resource.urn, "finishing its deletion")
        backend.delete(resource.type, resource.id, plain(resource.outputs), log)
        journal.settle(operation=operation, drop=entry)
    elif entry is not None and backend is not None:
        refreshed = read_again(backend, entry)
        journal.exchange(entry, refreshed)
        journal.settle(operation=operation)
    else:
        journal.settle(operation=operation)


def _owned(journal: Journal, type_: str, id_: str) -> bool:
    return any(each.type == type_ and each.id == id_ for each in journal.all())


def _entry(journal: Journal, resource: Resource) -> Resource | None:
    return next(
        (
            each
            for each in journal.left()
            if (each.urn, each.id, each.delete) == (resource.urn, resource.id, resource.delete)
        ),
        None,
    )


def _backend(providers: Providers, resource: Resource) -> Backend | None:
    return providers.backend(resource.provider, resource.type) if has_backend(resource) else None


def read_again(backend: Backend, resource: Resource) -> Resource | None:
    """The entry as the target has it now; None when it is gone."""
    known = {**plain(resource.inputs), **plain(resource.outputs)}
    found = backend.read(resource.type, resource.id, known)
    if found is None:
        return None
    outputs = marked_outputs(resource, found.outputs)
    inputs = marked_outputs(resource, found.inputs)
    return replace(resource, id=found.id, inputs=inputs, outputs=outputs)
