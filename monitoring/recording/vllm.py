"""vLLM 0.32. Its own label `engine` (a number) is `exported_engine` in what Prometheus keeps."""

from monitoring.recording.engines import Names, common, risen
from monitoring.rules import Record
from monitoring.watched import Watched

NAMES = Names(
    running="vllm:num_requests_running",
    waiting="vllm:num_requests_waiting",
    first_token="vllm:time_to_first_token_seconds_bucket",
    inter_token="vllm:inter_token_latency_seconds_bucket",
    kv_cache="vllm:kv_cache_usage_perc",
)


def records(watched: Watched) -> list[Record]:
    """Its series."""
    made = common("vllm", NAMES, watched)
    if made:
        made.append(risen("vllm", "slm:preemptions:rate5m", "vllm:num_preemptions_total"))
    return made
