"""Ollama, as the kit's front before it counts (docker/ollama/front/web/metrics.go)."""

from monitoring.recording.engines import Names, common
from monitoring.rules import Record
from monitoring.watched import Watched

NAMES = Names(
    up="ollama_engine_up",
    running="ollama_requests_running",
    waiting="ollama_requests_waiting",
    slots="ollama_slots",
    first_token="ollama_time_to_first_token_seconds_bucket",
    inter_token="ollama_inter_token_seconds_bucket",
    memory="ollama_container_memory_bytes",
    oom_kills="ollama_container_oom_kills_total",
)


def records(watched: Watched) -> list[Record]:
    """Its series."""
    return common("ollama", NAMES, watched)
