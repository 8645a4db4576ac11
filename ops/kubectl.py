"""kubectl's part: the way from this machine to a stack's gateway and logs on a cluster.

The kit needs no kubectl to bring a stack up. Where there is none, the command line is the result.
"""

import contextlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import HostError, KitError
from components.gateway.types import PUBLIC_PORT
from ops.logs import TAIL_LINES, about

SERVICE = "service/gateway-published"
_FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class Kubectl:
    """kubectl for one stack's namespace. `kubeconfig` None: KUBECONFIG, else ~/.kube/config."""

    namespace: str | None
    """None where a command is not about things of one."""
    kubeconfig: Path | None = None
    context: str | None = None
    gateway_port: int = PUBLIC_PORT
    """Of the gateway's Service."""

    def command(self, *arguments: str) -> list[str]:
        """The whole command line."""
        where = [] if self.kubeconfig is None else ["--kubeconfig", str(self.kubeconfig.expanduser())]
        where += [] if self.context is None else ["--context", self.context]
        where += [] if self.namespace is None else ["--namespace", self.namespace]
        return ["kubectl", *where, *arguments]

    def shown(self, *arguments: str) -> str:
        """The command line for somebody to type."""
        return shlex.join(self.command(*arguments))

    def port_forward(self) -> str:
        """The command that brings the gateway to this machine's port 8080."""
        return self.shown("port-forward", SERVICE, f"{PUBLIC_PORT}:{self.gateway_port}")

    @contextlib.contextmanager
    def forwarded(self) -> Iterator[str]:
        """The gateway's endpoint on a free port of this machine, while the block runs. Raises HostError."""
        command = self.command("port-forward", SERVICE, f":{self.gateway_port}")
        with subprocess.Popen(
            command, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            try:
                yield f"http://127.0.0.1:{_port(process)}/v1"
            finally:
                process.terminate()

    def logs(self, stack: str, request: str | None) -> None:
        """The last lines of every container of the stack, or all that the cluster keeps of one request.

        Raises HostError without kubectl or an answer, KitError where no line names the request.
        """
        tail = "-1" if request else str(TAIL_LINES)
        limit = ["--prefix", "--all-containers", "--max-log-requests", "100", "--tail", tail]
        # The namespace is the stack's alone, and kubectl wants some label.
        command = self.command("logs", "--selector", "slm-kit.stack", *limit)
        if not present():
            raise HostError("kubectl", "is not on this machine", f"Install it: {shlex.join(command)}")
        done = subprocess.run(command, text=True, capture_output=True, check=False)
        if done.returncode:
            raise HostError("kubectl logs", f"failed with exit code {done.returncode}", done.stderr.strip())
        lines = done.stdout.splitlines()
        found = about(lines, request) if request else lines
        if request and not found:
            where = f"no pod of stack {stack} has a line with it"
            raise KitError(f"request {request!r}", where, "Its pod may be gone, or its log turned over.")
        print(*found, sep="\n")


def present() -> bool:
    """Whether kubectl is on PATH."""
    return shutil.which("kubectl") is not None


def _port(process: "subprocess.Popen[str]") -> int:
    said: list[str] = []
    for line in process.stdout or ():
        found = _FORWARDING.search(line)
        if found:
            return int(found[1])
        said.append(line)
    raise HostError("kubectl port-forward", "ended", "".join(said).strip() or "It said nothing.")
