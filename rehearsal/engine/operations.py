"""The operations on resources: for real with a journal, and as a preview without touching anything."""

import time
from dataclasses import replace
from typing import Any

from rehearsal.backend import RefusedError, ResourceFailedError
from rehearsal.engine.plan import Op, existing
from rehearsal.engine.providers import Providers
from rehearsal.engine.report import Reporter
from rehearsal.state.checkpoint import Operation, Resource, now
from rehearsal.state.journal import Journal
from rehearsal.urns import STACK_TYPE
from rehearsal.values import mark_secrets, plain, secret_paths


def marked_outputs(resource: Resource, outputs: dict[str, Any]) -> dict[str, Any]:
    """Outputs with secrets marked: where an input is secret, and what the program named."""
    paths = [
        *secret_paths(resource.inputs),
        *((each,) for each in resource.additional_secret_outputs),
    ]
    return mark_secrets(plain(outputs), paths)


def has_backend(resource: Resource) -> bool:
    """Whether something outside the state belongs to this entry."""
    is_engine_s = resource.type.startswith("pulumi:providers:") or resource.type == STACK_TYPE
    return resource.custom and not resource.external and not is_engine_s


class Preview:
    """Says what an update would lead to, in memory."""

    def __init__(self, journal: Journal, providers: Providers, reporter: Reporter) -> None:
        self.journal = journal
        self.providers = providers
        self.reporter = reporter
        self.unsettled: dict[str, str] = {}
        """Why the state does not say what there is, by URN: nothing more is done with these in this run."""

    def create(self, new: Resource, old: Resource | None) -> Resource:
        """`old`: what stays until the end of the run, marked for deletion."""
        backend = self.providers.backend(new.provider, new.type)
        known = {**plain(new.inputs), **backend.preview(new.type, plain(new.inputs))}
        new = replace(new, outputs=marked_outputs(new, known))
        self.journal.settle(add=new, drop=old, keep=replace(old, delete=True) if old else None)
        return new

    def update(self, new: Resource, old: Resource) -> Resource:
        backend = self.providers.backend(new.provider, new.type)
        inputs = plain(new.inputs)
        known = {**plain(old.outputs), **inputs, **backend.preview(new.type, inputs)}
        new = replace(new, id=old.id, outputs=marked_outputs(new, known))
        self.journal.settle(add=new, drop=old)
        return new

    def delete(self, resource: Resource) -> None:
        self.journal.settle(drop=resource)


class Update(Preview):
    """The same for real. Every operation is on disk before it begins."""

    def create(self, new: Resource, old: Resource | None) -> Resource:
        backend = self.providers.backend(new.provider, new.type)
        inputs = plain(new.inputs)
        op: Op = "replace" if old else "create"
        before = backend.find(new.type, inputs) or ""
        operation = self.journal.begin(Operation("creating", new, existed=before))
        self.reporter.progress(op, new.urn, "creating")
        started = time.monotonic()
        log = self.reporter.log_for(new.urn)
        try:
            made = backend.create(new.type, new.urn, inputs, log, new.custom_timeouts.get("create"))
        except (ResourceFailedError, RefusedError) as error:
            # After any other exception the operation stays pending: the next run looks for what it left.
            self._keep_leftover(operation, error)
            raise
        new = replace(new, id=made.id, created=now(), modified=now())
        new = replace(new, outputs=marked_outputs(new, made.outputs))
        self.journal.settle(
            operation=operation, add=new, drop=old, keep=replace(old, delete=True) if old else None
        )
        self.reporter.progress(op, new.urn, f"created ({time.monotonic() - started:.1f} s)")
        return new

    def _keep_leftover(self, operation: Operation, error: Exception) -> None:
        """What a failed creation left stays to be looked at; the next run begins with deleting it."""
        left = None
        created = getattr(error, "created", None)
        if created:
            left = replace(
                operation.resource,
                id=created,
                delete=True,
                init_errors=(str(error).splitlines()[0],),
                outputs=operation.resource.inputs,
            )
        self.journal.settle(operation=operation, keep=left)

    def update(self, new: Resource, old: Resource) -> Resource:
        backend = self.providers.backend(new.provider, new.type)
        operation = self.journal.begin(Operation("updating", old))
        self.reporter.progress("update", new.urn, "updating")
        log, seconds = self.reporter.log_for(new.urn), new.custom_timeouts.get("update")
        try:
            made = backend.update(new.type, existing(old), plain(new.inputs), log, seconds)
        except (ResourceFailedError, RefusedError):
            self.journal.settle(operation=operation)
            raise
        new = replace(new, id=made.id, created=old.created, modified=now())
        new = replace(new, outputs=marked_outputs(new, made.outputs))
        self.journal.settle(operation=operation, add=new, drop=old)
        self.reporter.progress("update", new.urn, "updated")
        return new

    def delete(self, resource: Resource) -> None:
        if not has_backend(resource) or resource.retain_on_delete:
            self.journal.settle(drop=resource)
            return
        backend = self.providers.backend(resource.provider, resource.type)
        operation = self.journal.begin(Operation("deleting", resource))
        self.reporter.progress("delete", resource.urn, "deleting")
        try:
            backend.delete(
                resource.type,
                resource.id,
                plain(resource.outputs),
                self.reporter.log_for(resource.urn),
                resource.custom_timeouts.get("delete"),
            )
        except (ResourceFailedError, RefusedError):
            self.journal.settle(operation=operation)
            raise
        self.journal.settle(operation=operation, drop=resource)
        self.reporter.progress("delete", resource.urn, "deleted")
