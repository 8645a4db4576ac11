"""The kit's ONNX server (docker/onnx-server/onnx_server/web/metrics.py)."""

from monitoring.recording.engines import Names, common
from monitoring.rules import Record
from monitoring.watched import Watched

NAMES = Names(
    up="onnx_engine_up",
    running="onnx_requests_running",
    waiting="onnx_requests_waiting",
    slots="onnx_slots",
    first_token="onnx_time_to_first_token_seconds_bucket",
    inter_token="onnx_inter_token_seconds_bucket",
    kv_cache="onnx_kv_usage_ratio",
    memory="onnx_container_memory_bytes",
    oom_kills="onnx_container_oom_kills_total",
)


def records(watched: Watched) -> list[Record]:
    """Its series."""
    return common("onnx", NAMES, watched)
