"""An engine that does what a request's body tells it to, and logs everything that reaches it.

Engine on port 8000, control on port 9000. A body may hold "stub": {
    "delay_s": wait before the headers,          "token_delay_s": wait before the first chunk,
    "chunks": number of streamed chunks,         "interval_s": wait between two,
    "die": "before_headers" | "before_body" | "mid_body",
    "split_usage": send the usage object in two writes,   "bytes": size of a plain answer's text,
    "text": a plain answer's text,               "behind": bytes of it behind its usage,
    "type": a plain answer's content type,       "raw": all of the answer, as it goes out }
Control: GET /log (JSON list of requests), GET /ready/true|false, GET /clear, GET /secret/VALUE.

As an endpoint outside of a stack: STUB_TLS=FOLDER (chain.pem and key.pem) speaks TLS, STUB_HEADER=HEADER and
STUB_SECRET=VALUE|VALUE answer 401 to who does not send that header with such a value; any GET is as /ready.
"""

import asyncio
import hashlib
import json
import os
import socket
import ssl
from dataclasses import dataclass, field
from typing import Any

NAME = os.environ.get("STUB_NAME", socket.gethostname())


@dataclass
class State:
    ready: bool = os.environ.get("STUB_READY", "true") == "true"
    log: list[dict[str, Any]] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    secret: str = os.environ.get("STUB_SECRET", "")
    running: int = 0
    peak: int = 0


STATE = State()
HEADER = os.environ.get("STUB_HEADER", "authorization")


def refusal(headers: list[tuple[str, str]]) -> bytes:
    """What somebody without the credential gets; as real ones do, it tells what was sent."""
    sent = dict(headers).get(HEADER, "")
    if not STATE.secret or sent in STATE.secret.split("|"):
        return b""
    data = json.dumps({"error": {"message": f"Incorrect API key provided: {sent}"}}).encode()
    return head("401 Unauthorized", "application/json", len(data)) + data


async def read_request(reader: asyncio.StreamReader) -> tuple[str, list[tuple[str, str]], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.split("\r\n")
    headers = [(n.lower(), v.strip()) for n, _, v in (h.partition(":") for h in rest if h)]
    fields = dict(headers)
    if fields.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readline()
        while (trailer := await reader.readline()).strip():
            headers.append(("trailer", trailer.decode()))
    else:
        body = await reader.readexactly(int(fields.get("content-length", "0")))
    return line, headers, body


def head(status: str, kind: str, length: int | None) -> bytes:
    size = f"Content-Length: {length}" if length is not None else "Transfer-Encoding: chunked"
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{size}\r\n\r\n".encode()


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def usage(prompt: int, completion: int) -> dict[str, int]:
    total = prompt + completion
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}


class Answer:
    """One request's answer; `wait` ends it early when the client goes away."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.gone = asyncio.create_task(reader.read(1))

    async def wait(self, seconds: float) -> None:
        done, _ = await asyncio.wait({self.gone}, timeout=seconds)
        if done:
            raise ConnectionResetError("client left")

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def plain(self, body: dict[str, Any], plan: dict[str, Any]) -> None:
        text = plan.get("text") or "x" * plan.get("bytes", 0) or f"from {NAME}"
        choice = {"index": 0, "message": {"role": "assistant", "content": text}}
        answer = {"model": body["model"], "choices": [choice], "usage": usage(7, 11)}
        answer |= {"prompt_logprobs": "x" * plan.get("behind", 0)}
        data = json.dumps(answer).encode()
        await self.wait(plan.get("delay_s", 0))
        if plan.get("die") == "before_headers":
            return
        await self.write(head("200 OK", plan.get("type", "application/json"), len(data)))
        if plan.get("die") == "before_body":
            return
        await self.write(data)

    async def stream(self, plan: dict[str, Any]) -> None:
        await self.wait(plan.get("delay_s", 0))
        if plan.get("die") == "before_headers":
            return
        await self.write(head("200 OK", "text/event-stream", None))
        await self.wait(plan.get("token_delay_s", 0))
        if plan.get("die") == "before_body":
            return
        for number in range(plan.get("chunks", 3)):
            if number:
                await self.wait(plan.get("interval_s", 0))
            if plan.get("die") == "mid_body" and number:
                return
            event = {"choices": [{"delta": {"content": f"t{number} "}}], "usage": None}
            await self.write(chunk(f"data: {json.dumps(event)}\n\n".encode()))
        last = f"data: {json.dumps({'choices': [], 'usage': usage(5, 3)})}\n\n".encode()
        cut = last.index(b"completion") + 4 if plan.get("split_usage") else len(last)
        await self.write(chunk(last[:cut]))
        if last[cut:]:
            await self.wait(0.05)
            await self.write(chunk(last[cut:]))
        await self.write(chunk(b"data: [DONE]\n\n"))
        # As web servers do: the end of the body is a write of its own.
        await self.wait(0.02)
        await self.write(b"0\r\n\r\n")


async def engine(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    entry: dict[str, Any] = {}
    try:
        line, headers, raw = await read_request(reader)
        if refused := refusal(headers):
            STATE.checks.append("401")
            writer.write(refused)
            return await writer.drain()
        if line.startswith("GET "):
            STATE.checks.append(line)
            writer.write(head("200 OK" if STATE.ready else "503 Not Ready", "text/plain", 0))
            return await writer.drain()
        digest = hashlib.sha256(raw).hexdigest()
        entry.update(line=line, headers=headers, bytes=len(raw), sha256=digest, aborted=False)
        STATE.log.append(entry)
        STATE.running += 1
        STATE.peak = max(STATE.peak, STATE.running)
        try:
            body = json.loads(raw)
            entry["model"] = body["model"]
            answer = Answer(reader, writer)
            plan = body.get("stub", {})
            if raw := plan.get("raw"):
                return await answer.write(raw.encode())
            await (answer.stream(plan) if body.get("stream") else answer.plain(body, plan))
        finally:
            STATE.running -= 1
    except (ConnectionError, asyncio.IncompleteReadError):
        entry["aborted"] = True
    finally:
        writer.close()


async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    line, _, _ = await read_request(reader)
    path = line.split()[1]
    if path.startswith("/ready/"):
        STATE.ready = path == "/ready/true"
    if path.startswith("/secret/"):
        STATE.secret = path.removeprefix("/secret/").replace("%20", " ")
    if path == "/clear":
        STATE.log.clear()
        STATE.checks.clear()
        STATE.peak = 0
    shown = {"name": NAME, "log": STATE.log, "checks": STATE.checks, "peak": STATE.peak}
    data = json.dumps(shown).encode()
    writer.write(head("200 OK", "application/json", len(data)) + data)
    await writer.drain()
    writer.close()


def tls() -> ssl.SSLContext | None:
    if (folder := os.environ.get("STUB_TLS")) is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{folder}/chain.pem", f"{folder}/key.pem")
    return context


async def main() -> None:
    await asyncio.start_server(control, "0.0.0.0", 9000)
    server = await asyncio.start_server(engine, "0.0.0.0", 8000, limit=4 << 20, ssl=tls())
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
