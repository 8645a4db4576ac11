"""What of an API server's wire a test looks at: discovery, apply, dry run, deletion, scripted answers.

It stores what is applied and validates nothing: what a manifest means is tested on a real server.
"""

import json
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KINDS = {
    "/api/v1": {
        "ConfigMap": ("configmaps", True),
        "Secret": ("secrets", True),
        "Service": ("services", True),
        "Namespace": ("namespaces", False),
        "Pod": ("pods", True),
        "PersistentVolumeClaim": ("persistentvolumeclaims", True),
    },
    "/apis/apps/v1": {"Deployment": ("deployments", True), "ReplicaSet": ("replicasets", True)},
    "/apis/batch/v1": {"Job": ("jobs", True)},
}
PLURALS = {plural for kinds in KINDS.values() for plural, _ in kinds.values()}


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class ApiServer:
    """`objects` by path; `scripted` answers go out first, in order: status, headers, body."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    scripted: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    controller: Callable[[dict[str, Any]], None] = lambda _: None
    """Called with each object after its apply, to do a controller's part."""

    looked: Callable[[Request], None] = lambda _: None
    """Called before each request, for what happens meanwhile."""

    def fail(self, code: int, reason: str, message: str = "", **details: Any) -> None:
        """The next request that is no discovery is answered with this error."""
        status = {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}
        self.scripted.append((code, {}, status))

    def sent(self, method: str) -> list[Request]:
        """The requests of one method."""
        return [each for each in self.requests if each.method == method]

    def answer(self, request: Request) -> tuple[int, dict[str, str], Any]:
        if request.path in KINDS:
            kinds = KINDS[request.path].items()
            found = [{"name": each[0], "kind": kind, "namespaced": each[1]} for kind, each in kinds]
            return 200, {}, {"resources": [*found, {"name": "pods/log", "kind": "Pod", "namespaced": True}]}
        self.looked(request)
        if self.scripted:
            return self.scripted.pop(0)
        if request.method == "PATCH":
            return 200, {}, self._applied(request)
        if request.path in self.texts:
            return 200, {}, self.texts[request.path]
        found_object = self.objects.get(request.path)
        if found_object is None:
            inside = [each for path, each in self.objects.items() if path.rpartition("/")[0] == request.path]
            if request.path.rpartition("/")[2] in PLURALS:
                return 200, {}, {"items": inside}
            return 404, {}, {"reason": "NotFound", "details": {}}
        if request.method == "DELETE":
            del self.objects[request.path]
        return 200, {}, found_object

    def _applied(self, request: Request) -> dict[str, Any]:
        before = self.objects.get(request.path, {}).get("metadata", {})
        made = {
            **request.body,
            "metadata": {
                **request.body["metadata"],
                "uid": before.get("uid", str(uuid.uuid4())),
                "generation": 1,
                "managedFields": [{"manager": request.query["fieldManager"], "operation": "Apply"}],
            },
            "status": {},
        }
        if "dryRun" not in request.query:
            self.objects[request.path] = made
            self.controller(made)
        return made


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[ApiServer]:
    """A server on a free port of the loopback address."""
    api = ApiServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            url = urlsplit(self.path)
            headers = {key.lower(): value for key, value in self.headers.items()}
            request = Request(self.command, url.path, dict(parse_qsl(url.query)), headers, body)
            api.requests.append(request)
            code, more, answer = api.answer(request)
            content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(code)
            for key, value in {**more, "Content-Length": str(len(content))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    for method in ("GET", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.serve)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    api.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield api
    server.shutdown()
    server.server_close()
    thread.join()
