"""The other side of `rehearsal.api.render`: a request as JSON on stdin, the rendering as JSON on stdout."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rehearsal.config.configuration import resolve_config
from rehearsal.config.project import check_stack_name, load_project
from rehearsal.config.stackconfig import StackFile
from rehearsal.engine.rendering import RenderEngine
from rehearsal.errors import RehearsalError
from rehearsal.program.runs import ProgramFailedError, keep_stdout_for_results, run
from rehearsal.program.sdk import require_sdk
from rehearsal.state.crypto import Vault, take_passphrase
from rehearsal.values import Secret, map_children

_PARALLEL = 16


def _secure(value: Any) -> Any:
    if isinstance(value, Mapping) and set(value) == {"secure"}:
        return Secret(value["secure"])
    return map_children(value, _secure)


def _render(request: dict[str, Any]) -> dict[str, Any]:
    require_sdk()
    vault = Vault(take_passphrase(os.environ))
    project = load_project(Path(request["project"]))
    stack = check_stack_name(request["stack"])
    stored = {}
    if request["use_stack_file"]:
        stored = StackFile(project.stack_file(stack), project.name).values(vault)
    overrides = {key: _secure(value) for key, value in request["config"].items()}
    config = resolve_config(project, stack, stored, overrides, frozenset(request["secrets"]))
    engine = RenderEngine(project.name, stack, config.values, lambda line: print(line, file=sys.stderr))
    run(project, stack, config, engine, dry_run=True, parallel=_PARALLEL)
    return engine.document(mask=None)


def main() -> int:
    """Exit code 0 and a document, or the error's code and its message on stderr."""
    results = keep_stdout_for_results()
    try:
        document = _render(json.load(sys.stdin))
    except (RehearsalError, ProgramFailedError) as error:
        print(error, file=sys.stderr)
        return error.exit_code
    with results:
        json.dump(document, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
