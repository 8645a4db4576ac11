"""How fast at most, about: a token is not decoded before weights and cache have been read from memory once.

It leaves out computing, which comes first where many requests are batched and while a prompt is read, and
everything between two steps. It can be passed: by the input embedding of a model that does not tie it to the
output, of which a token reads one row and all is counted here, and where the weights fit into a processor's
cache.
"""

from catalog.engines import engines
from catalog.models import Model
from catalog.sizing.demand import NOTHING_ASKED, Demand
from catalog.sizing.fit import Fit
from catalog.sizing.memory import kv_bytes, kv_element_bytes, loaded_bytes


def bytes_a_step(
    model: Model, variant: str, context: int, requests: int, demand: Demand = NOTHING_ASKED
) -> int:
    """Bytes read for one token of each of `requests` requests: weights once, every request's cache.

    The cache is counted at the full context. Of a mixture of experts a token passes the active part;
    several requests are taken to choose their experts independently.
    """
    chosen = model.variants[variant]
    facts = engines()[chosen.engine]
    active = (model.active_parameters or model.parameters) / model.parameters
    weights = loaded_bytes(chosen, demand) * (1 - (1 - active) ** requests)
    if facts.kv is None:
        return int(weights)
    # What is read is neither padded nor a batch ahead of the window.
    layout = facts.kv.model_copy(update={"pads_layers": False, "batch_tokens": 0, "extra_tokens": 0})
    element = kv_element_bytes(facts, demand.kv_type)
    return int(weights) + kv_bytes(layout, model.attention, context, requests, element)


def tokens_per_second(found: Fit, requests: int | None = None) -> float | None:
    """At most, about; of all requests together (default: the asked concurrency).

    None where the bandwidth is unknown, and for an embedding model, which decodes nothing.
    """
    bandwidth = found.hardware.bandwidth
    if bandwidth is None or found.model.task == "embedding":
        return None
    count = found.load.concurrency if requests is None else requests
    together = found.gpus if engines()[found.engine].tensor_parallel else 1
    read = bytes_a_step(found.model, found.variant, found.load.context, count, found.demand)
    return count * bandwidth * 1e9 * max(together, 1) / read
