"""Requests to an API server, and what its errors say to the person who runs the program."""

import re
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from rehearsal.backend import Log, Properties, ResourceFailedError
from rehearsal.kubernetes_backend.kubeconfig import Access, access
from rehearsal.kubernetes_backend.settings import Settings

TRIES = 4
"""All requests made here may be repeated: reads, applies and deletions by uid."""

BUSY = (429, 503, 504)
LONGEST_PAUSE = 10.0
TIMEOUT = httpx.Timeout(30, connect=10)
UNREACHABLE = "Start the cluster, or choose another by KUBECONFIG or the provider's context"
NEXT_STEPS = {
    "Unauthorized": " Next step: renew the credentials in the kubeconfig.",
    "AlreadyExists": " Next step: delete it or choose another name.",
}
_WARNING = re.compile(r'\b299 [^ ]+ "((?:[^"\\]|\\.)*)"')


class ApiError(ResourceFailedError):
    """An answer that is an error. `reason` is the server's word, e.g. NotFound, Invalid, Forbidden."""

    def __init__(self, doing: str, code: int, status: Mapping[str, Any], *, private: bool) -> None:
        self.code = code
        self.reason = str(status.get("reason") or code)
        self.details: Mapping[str, Any] = status.get("details") or {}
        said = _fields(self) if private else str(status.get("message") or self.reason)
        super().__init__(f"Could not {doing}: {said}{NEXT_STEPS.get(self.reason, '')}")

    @property
    def namespace_missing(self) -> bool:
        """Whether not the object but its namespace was not found."""
        return self.code == httpx.codes.NOT_FOUND and self.details.get("kind") == "namespaces"


def _fields(error: ApiError) -> str:
    """Without the server's message, which may quote the object: only which fields it is about."""
    fields = ", ".join(
        str(each.get("field")) for each in error.details.get("causes") or [] if each.get("field")
    )
    return f"{error.reason}{f' ({fields})' if fields else ''}; the rest is not shown, since it may be secret."


class Connection:
    """One pooled client for all threads, made on first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._access: Access | None = None
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    @property
    def namespace(self) -> str:
        """Where an object goes that names no namespace."""
        return self._settings.namespace or self._open()[0].namespace

    def close(self) -> None:
        """Close the connections; the next use opens them again."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def request(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        kind: str = "application/json",
        private: bool = False,
        log: Log | None = None,
    ) -> Properties:
        """One request with a JSON answer. `private` keeps the server's words, which may quote the object,
        out of errors. Raises ApiError, or ResourceFailedError when no server answers."""
        answer = self._sent(method, path, doing, query=query, body=body, kind=kind)
        if answer.is_error:
            raise ApiError(doing, answer.status_code, _json(answer), private=private)
        for warning in _WARNING.findall(", ".join(answer.headers.get_list("warning"))):
            if log is not None and not private:
                log(f"the API server warns: {warning}")
        return _json(answer)

    def text(self, path: str, query: Mapping[str, str]) -> str | None:
        """A text such as a log, or None where the server has none."""
        answer = self._sent("GET", path, "read a log", query=query)
        return answer.text if answer.is_success else None

    def _sent(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        kind: str = "application/json",
    ) -> httpx.Response:
        found, client = self._open()
        headers = {"Content-Type": kind, "Accept": "application/json, */*"}
        renewed = False
        for pause in _pauses():
            if authorization := found.authorization():
                headers["Authorization"] = authorization
            sni = {"sni_hostname": found.server_name} if found.server_name else {}
            try:
                answer = client.request(
                    method, path, params=query, json=body, headers=headers, extensions=sni
                )
            except httpx.TransportError as error:
                if pause is None:
                    raise ResourceFailedError(
                        f"Could not {doing}: no Kubernetes API server answers at {found.server} "
                        f"({error or type(error).__name__}). Next step: {UNREACHABLE}."
                    ) from error
            else:
                refused = answer.status_code == httpx.codes.UNAUTHORIZED and pause is not None
                if refused and not renewed and found.renew(headers.get("Authorization")):
                    renewed = True
                    continue
                if answer.status_code not in BUSY or pause is None:
                    return answer
                pause = _asked_pause(answer, pause)
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _open(self) -> tuple[Access, httpx.Client]:
        with self._lock:
            if self._access is None:
                self._access = access(self._settings.kubeconfig, self._settings.context)
            if self._client is None:
                self._client = httpx.Client(
                    base_url=self._access.server, verify=self._access.tls, timeout=TIMEOUT
                )
            return self._access, self._client


def _pauses() -> Iterator[float | None]:
    """Seconds before each next try; None after the last."""
    yield from (0.5 * 2**tried for tried in range(TRIES - 1))
    yield None


def _asked_pause(answer: httpx.Response, usual: float) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), LONGEST_PAUSE) if asked.isdigit() else usual


def _json(answer: httpx.Response) -> Properties:
    try:
        found = answer.json()
    except ValueError:
        found = {"message": f"HTTP {answer.status_code} without a JSON body"}
    return found if isinstance(found, dict) else {"items": found}
