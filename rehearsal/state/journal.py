"""The state while a run changes it: what is done, what is left from before, what is under way."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock, RLock, Timer
from typing import Any

from rehearsal.errors import RehearsalError
from rehearsal.state.atomic import write_atomically
from rehearsal.state.checkpoint import Operation, Resource, Snapshot, document, encode
from rehearsal.state.crypto import Crypter
from rehearsal.values import secret_paths

_MODE = 0o600
_SAVE_EVERY_SECONDS = 0.5


class Journal:
    """Keeps the state file true enough for the next run, whenever this one is killed.

    An operation is on disk before it begins (`begin`); what it led to is written with the next begin or
    half a second later at most. Many threads waiting for a write share one.
    """

    def __init__(self, path: Path | None, snapshot: Snapshot, crypter: Callable[[], Crypter]) -> None:
        """`path` None keeps everything in memory (a preview)."""
        self._path = path
        self._stack = snapshot.stack
        self._salt = snapshot.salt
        self._crypter = crypter
        self._left = dict.fromkeys(snapshot.resources)
        self._live = {each.urn: each for each in snapshot.resources if not each.delete}
        self._done: dict[str, Resource] = {}
        self._pending = list(snapshot.pending)
        self.renamed: dict[str, str] = {}
        self.lock = RLock()
        self._write_lock = Lock()
        self._encoded: dict[Resource, dict[str, Any]] = {}
        self._version = 0
        self._written = 0
        self._last_save = 0.0
        self._timer: Timer | None = None

    def all(self) -> list[Resource]:
        """Dependencies before dependents: done in order of completion, then what was there before."""
        with self.lock:
            return [*self._done.values(), *self._left]

    def left(self) -> list[Resource]:
        """What this run has not come to yet, dependencies before dependents."""
        with self.lock:
            return list(self._left)

    def find(self, urn: str) -> Resource | None:
        """The live entry from before this run."""
        with self.lock:
            found = self._live.get(urn)
            return found if found in self._left else None

    def begin(self, operation: Operation) -> Operation:
        """Record an operation; returns when it is on disk."""
        with self.lock:
            self._pending.append(operation)
            self._version += 1
        self.flush()
        return operation

    def settle(
        self,
        *,
        operation: Operation | None = None,
        add: Resource | None = None,
        keep: Resource | None = None,
        drop: Resource | None = None,
    ) -> None:
        """One step: an operation ends, an entry is done (`add`), left for later (`keep`), or gone."""
        with self.lock:
            if operation is not None:
                self._pending = [each for each in self._pending if each is not operation]
            if drop is not None:
                self._left.pop(drop, None)
            if keep is not None:
                self._left[keep] = None
            if add is not None:
                self._done[add.urn] = add
            self._version += 1
        self._save_soon()

    def _save_soon(self) -> None:
        """Write now if the last write is long ago, else in a moment, together with what follows."""
        if time.monotonic() - self._last_save > _SAVE_EVERY_SECONDS:
            self.flush()
            return
        with self.lock:
            if self._timer is None and self._path is not None:
                self._timer = Timer(_SAVE_EVERY_SECONDS, self._late)
                self._timer.daemon = True
                self._timer.start()

    def _late(self) -> None:
        with self.lock:
            self._timer = None
        # What keeps this write from succeeding keeps the next one too, and that one is heard.
        with suppress(OSError, RehearsalError):
            self.flush()

    def exchange(self, old: Resource, new: Resource | None) -> None:
        """Put `new` in the place of an entry from before, or nothing."""
        with self.lock:
            places = [(new if each is old else each) for each in self._left]
            self._left = {each: None for each in places if each is not None}
            if new is not None and not new.delete:
                self._live[new.urn] = new
            self._version += 1

    def finish(self, urn: str, outputs: dict[str, Any]) -> None:
        """Give a component that is done its outputs."""
        with self.lock:
            if urn in self._done:
                self._done[urn] = replace(self._done[urn], outputs=outputs)
                self._version += 1

    def pending(self) -> list[Operation]:
        with self.lock:
            return list(self._pending)

    def rename(self, new: str, old: str) -> None:
        """An entry was found under another URN: what still points there is corrected when written."""
        with self.lock:
            self.renamed[new] = old

    def flush(self) -> None:
        """Write everything up to now; returns at once when another thread already did."""
        with self.lock:
            wanted = self._version
        with self._write_lock:
            if self._path is None or self._written >= wanted:
                return
            with self.lock:
                version, text = self._version, self._text()
            write_atomically(self._path, text, _MODE)
            self._written, self._last_save = version, time.monotonic()

    def _text(self) -> str:
        entries = self.all()
        present = {each.urn for each in entries}
        old_to_new = {old: new for new, old in self.renamed.items()}
        encoded: dict[Resource, dict[str, Any]] = {}
        for each in entries:
            encoded[each] = self._encoded.get(each) or self._encode(each)
        self._encoded = encoded
        resources = [_consistent(each, present, old_to_new) for each in encoded.values()]
        pending = [
            {"resource": self._encode(each.resource), "type": each.type, "existed": each.existed}
            for each in self._pending
        ]
        return document(self._stack, self._salt, resources, pending)

    def _encode(self, resource: Resource) -> dict[str, Any]:
        has_secret = any(True for _ in secret_paths([resource.inputs, resource.outputs]))
        crypter = self._crypter() if has_secret else None
        if crypter is not None:
            self._salt = crypter.salt_state
        return encode(resource, crypter)


def _consistent(entry: dict[str, Any], present: set[str], renamed: dict[str, str]) -> dict[str, Any]:
    """No entry points at a URN that is not there: the real CLI refuses such a state."""

    def current(urns: Iterable[str]) -> list[str]:
        return [urn for urn in (renamed.get(each, each) for each in urns) if urn in present]

    fixed = dict(entry)
    if "dependencies" in fixed:
        fixed["dependencies"] = current(fixed["dependencies"])
    if "propertyDependencies" in fixed:
        fixed["propertyDependencies"] = {
            key: current(urns) for key, urns in fixed["propertyDependencies"].items()
        }
    if "provider" in fixed:
        urn, _, id_ = fixed["provider"].rpartition("::")
        fixed["provider"] = f"{renamed.get(urn, urn)}::{id_}"
    if "parent" in fixed:
        fixed["parent"] = renamed.get(fixed["parent"], fixed["parent"])
        if fixed["parent"] not in present:
            del fixed["parent"]
    return fixed
