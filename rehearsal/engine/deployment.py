"""`up` and `preview`: the program's registrations against the state."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import RLock
from typing import Any

from rehearsal.backend import UNKNOWN, Diff, ResourceFailedError
from rehearsal.engine.core import PROVIDER_PREFIX, BaseEngine
from rehearsal.engine.deletions import delete_all
from rehearsal.engine.operations import Preview, has_backend, marked_outputs
from rehearsal.engine.plan import Op, Plan, existing, must_go_first, plan
from rehearsal.engine.report import Step
from rehearsal.errors import RehearsalError
from rehearsal.model import Answer, Registration
from rehearsal.state.checkpoint import Resource
from rehearsal.state.entries import entry, outputs_of
from rehearsal.urns import former_urns
from rehearsal.values import has_unknown, plain

References = Callable[[str], dict[str, Any]]
"""The outputs of another stack, secrets marked."""


class Deployment(BaseEngine):
    """Decides what each registration means; `operations` does it or only says so."""

    def __init__(
        self,
        project: str,
        stack: str,
        config: Mapping[str, str],
        operations: Preview,
        references: References,
    ) -> None:
        super().__init__(project, stack, config)
        self._do = operations
        self._journal = operations.journal
        self._report = operations.reporter
        self._references = references
        self._gone: dict[str, Resource] = {}
        self._taken: set[Resource] = set()
        self._cascade = RLock()
        self.cancelled = False

    def step(self, urn: str, wanted: Registration) -> Answer:
        if self.cancelled:
            raise RehearsalError("interrupted", "nothing new is begun", "run again to continue")
        old = self._old(urn, wanted)
        if wanted.type.startswith(PROVIDER_PREFIX):
            return self._provider(urn, wanted, old)
        if not wanted.custom:
            self._keep(entry(urn, wanted), old)
            return Answer(urn)
        return self._custom(urn, wanted, old)

    def _old(self, urn: str, wanted: Registration) -> Resource | None:
        """The entry from before, found under this URN or a former one."""
        former = former_urns(urn, wanted.parent, wanted.aliases, self._journal.renamed)
        for each in (urn, *former):
            with self._cascade:
                old = self._journal.find(each) or self._gone.get(each)
                if old is not None:
                    self._taken.add(old)
            if old is not None:
                if each != urn:
                    self._journal.rename(urn, each)
                return old
        return None

    def _keep(self, new: Resource, old: Resource | None) -> None:
        """An entry that only the state knows."""
        self._journal.settle(add=new, drop=old)
        same = old is not None and plain(old.inputs) == plain(new.inputs)
        op: Op = "same" if same else ("update" if old else "create")
        changed = tuple(sorted(new.inputs)) if op == "update" else ()
        before = old.inputs if old else {}
        self._report.add(Step(op, new.urn, changed, old=before, new=new.inputs))

    def _provider(self, urn: str, wanted: Registration, old: Resource | None) -> Answer:
        self._do.providers.require_package(wanted.type)
        self._do.providers.configure(urn, wanted.inputs)
        id_ = old.id if old is not None else str(uuid.uuid4())
        self._keep(replace(entry(urn, wanted), id=id_, outputs=wanted.inputs), old)
        return Answer(urn, id=id_, outputs=wanted.inputs)

    def _custom(self, urn: str, wanted: Registration, old: Resource | None) -> Answer:
        if urn in self._do.unsettled:
            raise ResourceFailedError(self._do.unsettled[urn])
        backend = self._do.providers.backend(wanted.provider, wanted.type)
        decided = plan(backend, wanted, old, gone=old in self._gone.values())
        new = replace(entry(urn, wanted), inputs=decided.inputs)
        self._report.add(self._as_step(urn, decided, old))
        if old is None or decided.op == "create":
            new = self._do.create(new, None)
        elif decided.op == "same":
            new = replace(new, id=old.id, created=old.created, modified=old.modified)
            new = replace(new, outputs=marked_outputs(new, old.outputs))
            self._journal.settle(add=new, drop=old)
        elif decided.op == "update":
            new = self._do.update(new, old)
        else:
            new = self._replace(new, old, decided)
        return Answer(urn, id=new.id, outputs=new.outputs)

    @staticmethod
    def _as_step(urn: str, decided: Plan, old: Resource | None) -> Step:
        before = old.inputs if old is not None else {}
        return Step(decided.op, urn, decided.changed, decided.reasons, before, decided.inputs)

    def _replace(self, new: Resource, old: Resource, decided: Plan) -> Resource:
        if old in self._gone.values():
            return self._do.create(new, None)
        _refuse_protected(old, "replaced")
        if not decided.delete_first:
            return self._do.create(new, old)
        with self._cascade:
            # What is being registered right now no longer needs `old`: it would be waiting for it.
            others = [each for each in self._journal.left() if each is old or each not in self._taken]
            first = must_go_first(old, others, self._diff)
            for each in first:
                _refuse_protected(each, f"replaced, because {old.urn} is")
            for each in (*first, old):
                self._do.delete(each)
                if each is not old and not each.delete:
                    self._gone[each.urn] = each
        return self._do.create(new, None)

    def _diff(self, resource: Resource, inputs: dict[str, Any]) -> Diff:
        backend = self._do.providers.backend(resource.provider, resource.type)
        return backend.diff(resource.type, existing(resource), inputs)

    def finish(self, urn: str, outputs: dict[str, Any]) -> None:
        self._journal.finish(urn, outputs)

    def reference(self, urn: str, wanted: Registration, id_: str) -> Answer:
        name = plain(wanted.inputs.get("name", id_))
        if has_unknown(name):
            outputs: dict[str, Any] = {
                "name": name,
                "outputs": UNKNOWN,
                "secretOutputNames": UNKNOWN,
            }
        else:
            outputs = self._references(str(name))
        old = self._old(urn, wanted)
        new = replace(entry(urn, wanted), id=id_, external=True, outputs=outputs)
        self._journal.settle(add=new, drop=old)
        self._report.add(Step("read", urn))
        return Answer(urn, id=id_, outputs=outputs)

    def message(self, severity: str, text: str, urn: str) -> None:
        if severity != "debug":
            name = urn.rsplit("::", 1)[-1] + ": " if urn else ""
            self._report.line(f"   {severity}: {name}{text}")

    def delete_rest(self, parallel: int) -> None:
        """After the program: what was replaced, and what it no longer asks for. Not after a failure."""
        if self.failures or self.skipped or self.cancelled or self._do.unsettled:
            return
        doomed = self._journal.left()
        for each in doomed:
            if not each.delete:
                self._report.add(Step("delete", each.urn, old=each.inputs))
        self.failures |= delete_all(doomed, self._delete, parallel)

    def _delete(self, resource: Resource) -> None:
        if has_backend(resource) and not resource.delete:
            _refuse_protected(resource, "deleted")
        self._do.delete(resource)

    def stack_outputs(self) -> dict[str, Any]:
        """The outputs of the stack, secrets marked."""
        return outputs_of(self._journal.all())


def _refuse_protected(resource: Resource, what: str) -> None:
    if resource.protect:
        raise RehearsalError(
            f"{resource.urn} would be {what}",
            "it is protected",
            "set protect=False on it, run `up`, then make the change",
        )
