"""Reading a kubeconfig: where the API server is and how to prove who asks."""

import base64
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal.backend import RefusedError
from rehearsal.kubernetes_backend.exec_plugin import ExecPlugin
from rehearsal.kubernetes_backend.tls import content, context_of, load_client

USUAL = "~/.kube/config"

REFUSED_USER = {
    "auth-provider": "auth-provider plugins",
    "username": "user names with passwords",
    "password": "user names with passwords",
    "as": "impersonation",
    "as-groups": "impersonation",
    "as-uid": "impersonation",
    "as-user-extra": "impersonation",
}
REFUSED_CLUSTER = {"proxy-url": "a proxy of one cluster (HTTPS_PROXY is respected)"}
TOLD = ("server", "tls-server-name", "insecure-skip-tls-verify")
EXTENSION = "client.authentication.k8s.io/exec"
NEXT = "Use a context whose user has a client certificate or a token"


@dataclass(frozen=True, repr=False)
class Access:
    """How to reach one API server. Not shown: it holds credentials."""

    server: str
    namespace: str
    tls: ssl.SSLContext
    token: str | None = None
    token_file: Path | None = None
    server_name: str | None = None
    plugin: ExecPlugin | None = None

    def authorization(self) -> str | None:
        """The header's value; a token file is read anew, since its content is renewed."""
        if self.plugin is not None:
            token = self.plugin.token()
        else:
            token = self.token_file.read_text().strip() if self.token_file else self.token
        return f"Bearer {token}" if token else None

    def renew(self, refused: str | None) -> bool:
        """The server refused this header's value; whether the next may be another one."""
        if self.plugin is not None:
            self.plugin.forget(refused.removeprefix("Bearer ") if refused else None)
        return self.plugin is not None


def access(kubeconfig: str | None, context: str | None) -> Access:
    """Access by a context (default: the current one). Raises RefusedError with the next step."""
    config = _loaded(kubeconfig)
    name = context or config["current-context"]
    if not name:
        raise RefusedError("the kubeconfig has no current-context. Next step: name a context")
    found = _named(config, "contexts", "context", name)
    cluster = _named(config, "clusters", "cluster", found.get("cluster", ""))
    user = _named(config, "users", "user", found["user"]) if found.get("user") else {}
    _refuse(user, REFUSED_USER, f"user {found.get('user')!r}")
    _refuse(cluster, REFUSED_CLUSTER, f"cluster {found.get('cluster')!r}")
    server = str(cluster.get("server", ""))
    if not server.startswith(("https://", "http://")):
        raise RefusedError(
            f"the kubeconfig's cluster {found.get('cluster')!r} has the server {server!r}; it is an "
            "https:// address. Next step: correct it"
        )
    tls = context_of(cluster, user)
    return Access(
        server=server.rstrip("/"),
        namespace=found.get("namespace") or "default",
        tls=tls,
        token=user.get("token"),
        token_file=Path(user["tokenFile"]) if user.get("tokenFile") else None,
        server_name=cluster.get("tls-server-name"),
        plugin=_plugin(user, cluster, tls),
    )


def _plugin(user: Mapping[str, Any], cluster: Mapping[str, Any], tls: ssl.SSLContext) -> ExecPlugin | None:
    """The program that gives the user's credential, told of the cluster in the words of ExecCredential."""
    if not user.get("exec"):
        return None
    told = {key: cluster[key] for key in TOLD if cluster.get(key)}
    if authority := content(cluster, "certificate-authority"):
        told["certificate-authority-data"] = base64.b64encode(authority.encode()).decode()
    for each in cluster.get("extensions") or ():
        if each.get("name") == EXTENSION:
            told["config"] = each.get("extension")
    return ExecPlugin(user["exec"], told, lambda pem: load_client(tls, pem))


def _loaded(given: str | None) -> dict[str, Any]:
    """All files merged: of two entries of one name the first counts, as kubectl does it."""
    merged: dict[str, Any] = {"current-context": "", "contexts": [], "clusters": [], "users": []}
    for text, folder in _texts(given):
        try:
            found = yaml.safe_load(text) or {}
        except yaml.YAMLError as error:
            # The parser's message would quote the file.
            raise RefusedError("the kubeconfig is not YAML. Next step: correct it") from error
        if not isinstance(found, dict):
            raise RefusedError("the kubeconfig is not a kubeconfig. Next step: correct it")
        merged["current-context"] = merged["current-context"] or found.get("current-context") or ""
        for kind in ("contexts", "clusters", "users"):
            merged[kind] += [_with_folder(each, folder) for each in found.get(kind) or []]
    return merged


def _texts(given: str | None) -> list[tuple[str, Path]]:
    if given and ("\n" in given or given.lstrip().startswith("{")):
        return [(given, Path.cwd())]
    named = given or os.environ.get("KUBECONFIG") or USUAL
    paths = [Path(each).expanduser() for each in named.split(os.pathsep) if each]
    there = [each for each in paths if each.is_file()]
    if not there:
        raise RefusedError(
            f"there is no kubeconfig at {named}. Next step: set KUBECONFIG, or the provider's kubeconfig"
        )
    return [(each.read_text(), each.parent) for each in there]


def _with_folder(entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Files that an entry names are relative to the kubeconfig."""
    paths = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
    made = dict(entry)
    for part in ("cluster", "user"):
        inner = dict(made.get(part) or {})
        inner |= {key: str(folder / Path(inner[key]).expanduser()) for key in paths if inner.get(key)}
        command = str((inner.get("exec") or {}).get("command") or "")
        if os.sep in command:
            inner["exec"] = {**inner["exec"], "command": str(folder / command)}
        made[part] = inner if part in entry else made.get(part)
    return made


def _named(config: Mapping[str, Any], many: str, one: str, name: str) -> dict[str, Any]:
    for each in config[many]:
        if each.get("name") == name:
            return dict(each.get(one) or {})
    known = ", ".join(str(each.get("name")) for each in config[many]) or "none"
    raise RefusedError(f"the kubeconfig has no {one} {name!r} (it has: {known}). Next step: name one of them")


def _refuse(entry: Mapping[str, Any], refused: Mapping[str, str], where: str) -> None:
    for key, what in refused.items():
        if entry.get(key):
            detail = entry[key].get("command") if isinstance(entry[key], Mapping) else ""
            raise RefusedError(
                f"the kubeconfig's {where}: the rehearsal does not implement "
                f"{what.format(detail=detail)}. Next step: {NEXT}"
            )
