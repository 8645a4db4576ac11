"""Credentials from a program that the kubeconfig names (`exec`), run as client-go runs it.

The contract: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
What the program writes to standard output is a credential and is never shown; its standard error goes to
the terminal.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from rehearsal.backend import RefusedError, ResourceFailedError

V1 = "client.authentication.k8s.io/v1"
VERSIONS = (V1, f"{V1}beta1")
MODES = ("Never", "IfAvailable", "Always")
SECONDS = 600
"""Longest run: somebody may have to type a code into a browser."""


@dataclass(frozen=True, repr=False)
class Credential:
    """What the program gave. Not shown."""

    token: str | None
    expires: datetime | None
    """None: as long as the server takes it."""

    def is_over(self) -> bool:
        """Whether its time has passed."""
        return self.expires is not None and self.expires <= datetime.now(UTC)


class ExecPlugin:
    """One user's program; run at first use, when its credential is over, and when the server refuses it.

    `cluster` is what the program is told of the cluster where it asks (`provideClusterInfo`);
    `present` is given a client certificate with its key (PEM), before the next connection.
    """

    def __init__(
        self, spec: Mapping[str, Any], cluster: Mapping[str, Any], present: Callable[[str], None]
    ) -> None:
        self._spec = spec
        self._command = str(spec.get("command") or "")
        self._version = str(spec.get("apiVersion") or "")
        # Optional in v1beta1 only.
        self._mode = spec.get("interactiveMode") or ("" if self._version == V1 else "IfAvailable")
        self._cluster = cluster if spec.get("provideClusterInfo") else None
        self._present = present
        self._found: Credential | None = None
        self._lock = Lock()
        if not self._command or self._version not in VERSIONS or self._mode not in MODES:
            raise RefusedError(
                f"the kubeconfig's exec needs a command, an apiVersion ({' or '.join(VERSIONS)}) and, with "
                f"the first, an interactiveMode ({', '.join(MODES)}). Next step: fetch the kubeconfig anew"
            )

    def token(self) -> str | None:
        """The bearer token, None where the program gives a certificate alone."""
        with self._lock:
            if self._found is None or self._found.is_over():
                self._found = self._credential(self._status())
            return self._found.token

    def forget(self, token: str | None) -> None:
        """The server refused this token: the next use runs the program, unless somebody did meanwhile."""
        with self._lock:
            if self._found is not None and self._found.token == token:
                self._found = None

    def _status(self) -> Mapping[str, Any]:
        output = self._run()
        try:
            said = json.loads(output)
            status = said["status"]
            if said["kind"] == "ExecCredential" and said["apiVersion"] == self._version:
                return dict(status)
        except (ValueError, KeyError, TypeError):
            pass
        raise self._failed(f"did not print an ExecCredential of {self._version}")

    def _credential(self, status: Mapping[str, Any]) -> Credential:
        token, text = status.get("token"), status.get("expirationTimestamp")
        certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
        if bool(certificate) != bool(key) or not (token or certificate):
            raise self._failed("gave no token, nor a certificate with its key")
        try:
            expires = datetime.fromisoformat(text) if text else None
        except (TypeError, ValueError) as error:
            raise self._failed("gave an expirationTimestamp that is no time") from error
        if certificate:
            self._present(f"{certificate}\n{key}")
        return Credential(token, expires)

    def _run(self) -> str:
        interactive = self._mode != "Never" and sys.stdin is not None and sys.stdin.isatty()
        if self._mode == "Always" and not interactive:
            raise self._failed("wants to ask somebody, and there is no terminal")
        info: dict[str, Any] = {"interactive": interactive}
        if self._cluster is not None:
            info["cluster"] = self._cluster
        asked = {"apiVersion": self._version, "kind": "ExecCredential", "spec": info}
        named = {str(each["name"]): str(each["value"]) for each in self._spec.get("env") or ()}
        try:
            done = subprocess.run(
                [self._command, *map(str, self._spec.get("args") or ())],
                env={**os.environ, **named, "KUBERNETES_EXEC_INFO": json.dumps(asked)},
                stdin=None if interactive else subprocess.DEVNULL, stdout=subprocess.PIPE,
                text=True, timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise self._failed(f"did not end within {SECONDS} s") from error
        except OSError as error:
            hint = str(self._spec.get("installHint") or "install it").strip()
            raise self._failed(f"cannot be run ({error.strerror})", hint) from error
        if done.returncode:
            raise self._failed(f"failed with exit code {done.returncode}; what it said is above")
        return done.stdout

    def _failed(self, what: str, step: str = "run `kubectl get nodes`, which runs it too") -> Exception:
        return ResourceFailedError(f"the kubeconfig's program {self._command} {what}. Next step: {step}")
