"""Bodies that are as large as the gateway lets through, and wrong: nobody else may suffer from one."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from server_process import NAME, ServerProcess

MANY = 340_000


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/completions", '"prompt": [' + "{}," * MANY + "{}]"),
        ("/v1/completions", '"prompt": [[' + '"",' * MANY + '""]]'),
        ("/v1/completions", '"n": 128, "prompt": [' + "[1]," * (MANY * 3 // 4) + "[1]]"),
        ("/v1/completions", '"prompt": [' + '"a",' * (MANY * 3 // 4) + '"a"]'),
        ("/v1/completions", '"prompt": "' + "a " * (MANY * 3 // 2) + '"'),
        ("/v1/chat/completions", '"messages": [' + "{}," * MANY + "{}]"),
        (
            "/v1/chat/completions",
            '"messages": [{"role": "user", "content": [' + "{}," * MANY + "{}]}]",
        ),
    ],
    ids=["objects", "no ids", "many times many", "texts", "one text", "messages", "parts"],
)
def test_a_large_wrong_body_costs_neither_time_nor_memory(
    start_server: Callable[..., ServerProcess], path: str, fields: str
) -> None:
    server = start_server("--slots", "4", "--queue", "4")
    started, before = time.monotonic(), peak_mib(server)
    assert server.http.post(path, content=f'{{"model": "{NAME}", {fields}}}').status_code == 400
    assert time.monotonic() - started < 5
    assert peak_mib(server) - before < 150
    assert server.chat().status_code == 200


def peak_mib(server: ServerProcess) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) >> 10
