"""A server that answers as vLLM 0.32.0 does, without a model: for tests of what is in front of it.

`python3 -m tests.docker.vllm_stand_in RECORDED <arguments of vllm serve>`. It serves every route of
RECORDED/routes.txt and exports the series of RECORDED/metrics.txt. The answer is a fixed sentence, cut at
`max_tokens`, or with `ignore_eos` repeated up to it. Forms and texts are those of vLLM's sources, folders
entrypoints and renderers. Port 9000 has what reached it: GET /log, GET /clear.
"""

import json
import os
import signal
import sys
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.docker.vllm_stand_in_engine import Arguments, Engine, RefusalError
from tests.docker.vllm_stand_in_metrics import Metrics, Request
from tests.docker.vllm_stand_in_shapes import Shape

END_SECONDS = 0.05
ANSWERED = ("/v1/chat/completions", "/v1/completions")


class Handler(BaseHTTPRequestHandler):
    """One connection of the engine's port."""

    protocol_version = "HTTP/1.1"
    engine: Engine
    routes: dict[str, list[str]]
    log: list[dict[str, Any]]

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if self.path != "/health":
            self.log.append({"line": self.requestline, "headers": list(self.headers.items())})
        try:
            self._route(body)
        except RefusalError as refusal:
            self.reply(refusal.status, refusal.body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _route(self, body: bytes) -> None:
        methods = self.routes.get(self.path)
        if methods is None:
            self.reply(404, {"detail": "Not Found"})
        elif self.command not in methods:
            self.reply(405, {"detail": "Method Not Allowed"})
        elif self.path in ANSWERED:
            self._generate(body)
        elif self.path == "/v1/models":
            self.reply(200, {"object": "list", "data": [self._card(name) for name in self.engine.names]})
        elif self.path == "/metrics":
            text = self.engine.metrics.render().encode()
            self.reply(200, text, "text/plain; version=1.0.0; charset=utf-8")
        elif self.path in ("/health", "/ping"):
            self.reply(200, b"", "text/plain")
        else:
            # The rest is open in vLLM; what it says does not matter here, that it is reached does.
            self.reply(200, {"reached": self.path})

    def _generate(self, raw: bytes) -> None:
        try:
            body = json.loads(raw)
        except ValueError as problem:
            raise RefusalError(
                400, "Bad Request", f"1 validation error:\n  body: {problem}", "body"
            ) from problem
        shape = Shape(self.path, body, calls_tools=self.engine.calls_tools)
        request = self.engine.admit(shape.prompt, body)
        with closing(self.engine.words(request, body)) as words:
            if not body.get("stream"):
                text = "".join(words)
                self.reply(200, shape.whole(text, request))
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream; charset=utf-8")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for event in shape.opening():
                self._event(event)
            for word in words:
                for event in shape.piece(word):
                    self._event(event)
        self._end(shape, request, body)

    def _end(self, shape: Shape, request: Request, body: dict[str, Any]) -> None:
        self._event(shape.last(request))
        if self.engine.always_usage or (body.get("stream_options") or {}).get("include_usage"):
            self._event(shape.usage(request))
        self._chunk(b"data: [DONE]\n\n")
        # The end of the body is a write of its own, and OpenAI's client has left by then.
        time.sleep(END_SECONDS)
        self._chunk(b"")

    def _event(self, event: dict[str, Any]) -> None:
        self._chunk(f"data: {json.dumps(event)}\n\n".encode())

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _card(self, name: str) -> dict[str, Any]:
        card = {"id": name, "object": "model", "created": int(time.time()), "owned_by": "vllm"}
        return {**card, "max_model_len": self.engine.context}

    def reply(self, status: int, body: dict[str, Any] | bytes, kind: str = "application/json") -> None:
        """A whole answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """No access log: /log has it."""


class Control(Handler):
    """What reached the engine's port."""

    def _route(self, _: bytes) -> None:
        del self.log[-1]
        if self.path == "/clear":
            self.log.clear()
            self.engine.peak = 0
        self.reply(200, {"log": self.log, "peak": self.engine.peak})


def main() -> None:
    recorded, arguments = Path(sys.argv[1]), Arguments(Path(sys.argv[1]), sys.argv[2:])
    if not Path(arguments.model).is_dir():
        sys.exit(f"{arguments.model} is no folder, and HF_HUB_OFFLINE={os.environ['HF_HUB_OFFLINE']}")
    # As vLLM does at its start.
    Path(os.environ["VLLM_CACHE_ROOT"]).mkdir(parents=True, exist_ok=True)
    metrics = Metrics(recorded / "metrics.txt", arguments.flags["--served-model-name"][0])
    Handler.engine, Handler.log = Engine(arguments, metrics), []
    lines = (recorded / "routes.txt").read_text().split("\n")
    Handler.routes = {path: m.split(",") for path, _, m in (line.partition(" ") for line in lines if line)}
    host = arguments.flags["--host"][0]
    for port, handler in ((9000, Control), (arguments.number("--port"), Handler)):
        server = ThreadingHTTPServer((host, port), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    stopped.wait()
    # As vLLM 0.32: /health and the port stay as they are until the last answer has ended.
    Handler.engine.draining = True
    deadline = time.monotonic() + arguments.number("--shutdown-timeout")
    while Handler.engine.inside and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)


if __name__ == "__main__":
    main()
