"""The access log once more, over TCP, for a platform without a log driver that hands it to the collector.

The collector may be away: HAProxy keeps lines in memory until it is back, and no request waits for it.
Births of counters (usage.py) are sent by docker/gateway/bin/gateway; it learns where to from the file
`collector`.
"""

from components.gateway.checks import HOST, check_match, check_whole

COLLECTOR = "collector"
"""Config file: host and port, separated by a blank."""
BUFFER_BYTES = 4 * 1024 * 1024
"""Of lines that wait for a collector: about 9,000 requests, at some 450 bytes a line. What is more is lost.
HAProxy's own default is 16 KiB, about 37 lines (`log-bufsize` in its manual)."""


def _host_and_port(collector: str) -> tuple[str, str]:
    """Of host:port. Raises KitError for what is neither, or could leave its place in HAProxy's language."""
    host, _, port = collector.rpartition(":")
    check_match(HOST, host, "collector")
    check_whole("the collector's port", int(port) if port.isdecimal() else -1, 1, 65535)
    return host, port


def log_target(collector: str | None) -> str:
    """The further target of all logs, to follow the first; none without a collector."""
    return "\n    log backend@_collector len 8192 format raw daemon info" if collector else ""


def backend(collector: str | None) -> str:
    """Where that leads: whatever address the name has, asked for again and again."""
    if collector is None:
        return ""
    host, port = _host_and_port(collector)
    return f"""
# Whether it is there shows when lines are sent: it is not asked.
defaults log
    mode log
    timeout connect 2s
    timeout server 10s

backend _collector from log
    server collector tcp@{host}:{port} init-addr none resolvers containers log-bufsize {BUFFER_BYTES}
"""


def collector_files(collector: str | None) -> dict[str, str]:
    """For the script that runs HAProxy; none without a collector."""
    return {COLLECTOR: " ".join(_host_and_port(collector)) + "\n"} if collector else {}
