"""One onnxruntime session over the shared key/value buffers: prefill a row, decode many rows."""

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from onnx_server.core.errors import ModelRefusedError
from onnx_server.core.kv import KvCache
from onnx_server.core.model import ModelInfo

Logits = NDArray[np.float32]
_FLOAT, _INT64 = "tensor(float)", "tensor(int64)"


class Runner:
    """Runs the graph. Not thread-safe: one engine thread owns it.

    The buffers are bound as past **and** present, so a step copies nothing. Rows ``0..n`` decode
    together in one ragged batch: row i's attention mask has ones for its own length + 1.
    onnxruntime takes several new tokens on top of past ones only in a batch of one, so a prompt
    is prefilled alone, into a view of its own row.
    """

    def __init__(self, info: ModelInfo, *, slots: int, context_length: int, chunk: int, threads: int) -> None:
        self.info = info
        self.chunk = chunk
        self.kv = KvCache(info, slots, context_length)
        self._session = _open(info, threads)
        self._positions = np.arange(context_length, dtype=np.int64)
        self._decode_logits: Logits = np.zeros((slots, 1, info.vocab_size), np.float32)
        self._prefill_logits: Logits = np.zeros((1, chunk, info.vocab_size), np.float32)
        # A binding names 4 tensors a layer; making one takes longer than a small step, so each
        # number of rows (decode) and each row (prefill) keeps its own.
        self._decode_bindings = [self._bind(0, rows + 1) for rows in range(slots)]
        self._prefill_bindings = [self._bind(row, row + 1) for row in range(slots)]
        for rows, binding in enumerate(self._decode_bindings, start=1):
            binding.bind_ortvalue_output("logits", _share(self._decode_logits[:rows]))

    def prefill(self, row: int, tokens: Sequence[int]) -> Logits:
        """Append ``tokens`` (1 to ``chunk``) to ``row``; the logits after the last, ``[1, vocab]``.

        The result is a view that the next call overwrites.
        """
        count, past = len(tokens), int(self.kv.lengths[row])
        binding = self._prefill_bindings[row]
        logits = self._prefill_logits[:, :count]
        ids = np.array([tokens], np.int64)
        mask = np.ones((1, past + count), np.int64)
        binding.bind_ortvalue_output("logits", _share(logits))
        self._run(binding, ids, mask)
        self.kv.lengths[row] = past + count
        return logits[:, -1]

    def decode(self, tokens: Sequence[int]) -> Logits:
        """Append ``tokens[i]`` to row i for the first rows; logits ``[rows, vocab]``.

        The result is a view that the next call overwrites.
        """
        rows = len(tokens)
        lengths = self.kv.lengths[:rows]
        positions = self._positions[: int(lengths.max()) + 1]
        mask = (positions <= lengths[:, None]).astype(np.int64)
        self._run(self._decode_bindings[rows - 1], np.array(tokens, np.int64)[:, None], mask)
        lengths += 1
        return self._decode_logits[:rows, 0]

    def warm_up(self) -> None:
        """Run one prompt and one step, so that what cannot run is found before anybody waits."""
        try:
            self.prefill(0, [0] * min(2, self.chunk))
            self.decode([0])
        except Exception as error:  # onnxruntime raises a dozen unrelated types here
            raise ModelRefusedError(f"{self.info.graph_file} cannot run: {error}") from error
        self.kv.lengths[0] = 0

    def _run(self, binding: ort.IOBinding, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> None:
        binding.bind_ortvalue_input("input_ids", _share(ids))
        binding.bind_ortvalue_input("attention_mask", _share(mask))
        self._session.run_with_iobinding(binding)

    def _bind(self, start: int, stop: int) -> ort.IOBinding:
        binding = self._session.io_binding()
        past, present = self.info.kv_names("past_key_values"), self.info.kv_names("present")
        views = self.kv.rows(start, stop)
        for past_name, present_name, view in zip(past, present, views, strict=True):
            value = _share(view)
            binding.bind_ortvalue_input(past_name, value)
            binding.bind_ortvalue_output(present_name, value)
        return binding


def _share(array: NDArray[np.generic]) -> ort.OrtValue:
    """An OrtValue over the array's own memory (onnxruntime shares contiguous CPU arrays)."""
    return ort.OrtValue.ortvalue_from_numpy(array)


def _open(info: ModelInfo, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Within a step threads wait actively, between steps not at all: on two cores this gave 1.25 times
    # the speed of never spinning at one request (make bench), and an idle server takes no processor.
    # Where more threads than cores want to run it costs: lower --threads there.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(str(info.graph_file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen unrelated types here
        raise ModelRefusedError(f"onnxruntime cannot open {info.graph_file}: {error}") from error
    _check_tensors(info, session)
    return session


def _check_tensors(info: ModelInfo, session: ort.InferenceSession) -> None:
    inputs = {i.name: i for i in session.get_inputs()}
    outputs = {o.name: o for o in session.get_outputs()}
    wanted_in = {"input_ids", "attention_mask", *info.kv_names("past_key_values")}
    wanted_out = {"logits", *info.kv_names("present")}
    for kind, found, wanted in (("input", inputs, wanted_in), ("output", outputs, wanted_out)):
        for name in sorted(found.keys() ^ wanted):
            problem = "is not supported" if name in found else "is missing"
            raise ModelRefusedError(f"{info.graph_file}: {kind} {name!r} {problem}")
    for name, tensor in {**inputs, **outputs}.items():
        expected = _INT64 if name in {"input_ids", "attention_mask"} else _FLOAT
        if tensor.type != expected:
            raise ModelRefusedError(f"{info.graph_file}: {name!r} is {tensor.type}, supported is {expected}")
        if name.startswith("past_key_values") and tensor.shape[1] != info.kv_heads:
            raise ModelRefusedError(
                f"{info.graph_file}: {name!r} has shape {tensor.shape}, genai_config.json says "
                f"num_key_value_heads = {info.kv_heads}"
            )
    shape = outputs["logits"].shape
    if shape[1] == 1 or shape[2] != info.vocab_size:
        raise ModelRefusedError(
            f"{info.graph_file}: 'logits' has shape {shape}, supported is one row a token of "
            f"{info.vocab_size} (genai_config.json vocab_size)"
        )
