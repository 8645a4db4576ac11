"""A web server of the tests' own that can do what servers and networks do to a download."""

from __future__ import annotations

import hashlib
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Resource:
    """What a path answers. Each request takes the first of `faults`, then there are none.

    Faults: `status:503`, `cut:N` (close after N bytes of the body), `stall:N` (then silence),
    `corrupt` (one byte differs), `extra` (more bytes than announced size allows), or a function
    that is called in mid-body.
    """

    content: bytes = b""
    etag: str | None = ""
    ranges: bool = True
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/octet-stream"
    faults: list[str | Callable[[], None]] = field(default_factory=list)
    needs: dict[str, str] = field(default_factory=dict)
    refusal: dict[str, str] = field(default_factory=dict)


@dataclass
class Seen:
    """One request as it came in."""

    path: str
    headers: dict[str, str]


class Origin:
    """`put` what it serves; `seen` tells what was asked."""

    def __init__(self) -> None:
        self.resources: dict[str, Resource] = {}
        self.seen: list[Seen] = []
        self.released = threading.Event()
        handler = type("Handler", (_Handler,), {"origin": self})
        self.server = _Server(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self._thread.start()

    def put(self, path: str, content: bytes = b"", **rest: Any) -> Resource:
        resource = Resource(content, **rest)
        if resource.etag == "":
            resource.etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        self.resources[path] = resource
        return resource

    def asked(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path.partition("?")[0] == path]

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away or broke off is what several tests are about."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    origin: Origin

    def log_message(self, *_: Any) -> None:
        return

    def do_GET(self) -> None:
        self.origin.seen.append(Seen(self.path, {k.lower(): v for k, v in self.headers.items()}))
        path = self.path.partition("?")[0]
        resource = self.origin.resources.get(path)
        if resource is None:
            return self._plain(404, {})
        for name, value in resource.needs.items():
            if self.headers.get(name) != value:
                return self._plain(401, resource.refusal)
        fault = resource.faults.pop(0) if resource.faults else ""
        if isinstance(fault, str) and fault.startswith("status:"):
            return self._plain(int(fault[7:]), {"Retry-After": "0"})
        if resource.status != 200:
            return self._plain(resource.status, resource.headers)
        return self._body(resource, fault)

    def _plain(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _body(self, resource: Resource, fault: str | Callable[[], None]) -> None:
        start = self._start(resource)
        body = resource.content[start:]
        if fault == "corrupt":
            body = bytes([body[0] ^ 1]) + body[1:]
        if fault == "extra":
            body += b"more"
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", resource.content_type)
        self.send_header("Content-Length", str(len(body)))
        if start:
            total = len(resource.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if resource.etag:
            self.send_header("ETag", resource.etag)
        for name, value in resource.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self._send(body, fault)

    def _start(self, resource: Resource) -> int:
        asked = self.headers.get("Range", "")
        condition = self.headers.get("If-Range")
        if not resource.ranges or not asked or condition not in (None, resource.etag):
            return 0
        return int(asked.removeprefix("bytes=").partition("-")[0])

    def _send(self, body: bytes, fault: str | Callable[[], None]) -> None:
        kind, _, count = fault.partition(":") if isinstance(fault, str) else ("call", "", "")
        cut = int(count) if count else (len(body) // 2 if kind == "call" else len(body))
        self.wfile.write(body[:cut])
        self.wfile.flush()
        if callable(fault):
            fault()
            self.wfile.write(body[cut:])
        if kind == "stall":
            self.origin.released.wait(30)
        if kind == "cut":
            # A reset, as a dying network gives it, and not an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if kind in ("cut", "stall"):
            self.close_connection = True
