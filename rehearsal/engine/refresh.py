"""`refresh`: make the state say what is there."""

from concurrent.futures import ThreadPoolExecutor

from rehearsal.engine.operations import Preview, has_backend
from rehearsal.engine.plan import Op
from rehearsal.engine.repair import read_again
from rehearsal.engine.report import Step
from rehearsal.state.checkpoint import Resource
from rehearsal.values import plain


def refresh(operations: Preview, parallel: int) -> dict[str, str]:
    """Read every resource again. Gone ones leave the state. Returns what could not be read, by URN."""
    failures: dict[str, str] = {}

    def one(resource: Resource) -> None:
        backend = operations.providers.backend(resource.provider, resource.type)
        try:
            found = read_again(backend, resource)
        except Exception as error:  # the rest is read all the same
            failures[resource.urn] = str(error) or type(error).__name__
            return
        operations.reporter.add(_step(resource, found))
        operations.journal.exchange(resource, found)

    entries = [each for each in operations.journal.left() if has_backend(each)]
    with ThreadPoolExecutor(max_workers=max(parallel, 1)) as pool:
        list(pool.map(one, entries))
    return failures


def _step(before: Resource, after: Resource | None) -> Step:
    if after is None:
        return Step("delete", before.urn, old=before.inputs)
    changed = tuple(
        sorted(
            key
            for key in {*before.inputs, *after.inputs}
            if plain(before.inputs.get(key)) != plain(after.inputs.get(key))
        )
    )
    op: Op = "update" if changed else "same"
    return Step(op, before.urn, changed, old=before.inputs, new=after.inputs)
