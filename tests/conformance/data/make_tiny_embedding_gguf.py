"""Makes ``tiny-embedding-gguf/model.gguf``: random weights in the shape of a small embedding model.

Two layers of a Llama that pools the mean of its last states and says so, as GGUF files of embedding models
do; the tokenizer is that of tests/data/tiny-random-llama-onnx. Vectors of random weights mean nothing, but
they are computed like real ones: equal texts give equal vectors, other texts other ones.

Run it where the packages gguf and numpy are installed; it needs no network:

    python make_tiny_embedding_gguf.py
"""

import json
from pathlib import Path

import gguf
import numpy

HERE = Path(__file__).parent
TOKENIZER = HERE.parents[1] / "data/tiny-random-llama-onnx/tokenizer.json"
WIDTH, INNER, LAYERS, HEADS, KV_HEADS, CONTEXT = 64, 128, 2, 4, 2, 512


def main() -> None:
    """Write the file."""
    writer = gguf.GGUFWriter(str(HERE / "tiny-embedding-gguf/model.gguf"), "llama")
    _shape(writer)
    vocabulary = _tokenizer(writer)
    _weights(writer, vocabulary)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _shape(writer: gguf.GGUFWriter) -> None:
    writer.add_name("tiny embedding")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_pooling_type(gguf.PoolingType.MEAN)


def _tokenizer(writer: gguf.GGUFWriter) -> int:
    content = json.loads(TOKENIZER.read_text())
    ids = content["model"]["vocab"] | {each["content"]: each["id"] for each in content["added_tokens"]}
    special = {each["id"] for each in content["added_tokens"]}
    tokens = sorted(ids, key=ids.__getitem__)
    merges = [each if isinstance(each, str) else " ".join(each) for each in content["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    kinds = (gguf.TokenType.CONTROL, gguf.TokenType.NORMAL)
    writer.add_token_types([kinds[ids[token] not in special] for token in tokens])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(ids["<|im_start|>"])
    writer.add_eos_token_id(ids["<|im_end|>"])
    writer.add_add_bos_token(False)
    return len(tokens)


def _weights(writer: gguf.GGUFWriter, vocabulary: int) -> None:
    random = numpy.random.default_rng(0)
    kv_width = WIDTH // HEADS * KV_HEADS
    shapes = {"token_embd": (vocabulary, WIDTH), "output_norm": (WIDTH,)}
    for layer in range(LAYERS):
        shapes |= {
            f"blk.{layer}.attn_norm": (WIDTH,),
            f"blk.{layer}.attn_q": (WIDTH, WIDTH),
            f"blk.{layer}.attn_k": (kv_width, WIDTH),
            f"blk.{layer}.attn_v": (kv_width, WIDTH),
            f"blk.{layer}.attn_output": (WIDTH, WIDTH),
            f"blk.{layer}.ffn_norm": (WIDTH,),
            f"blk.{layer}.ffn_gate": (INNER, WIDTH),
            f"blk.{layer}.ffn_up": (INNER, WIDTH),
            f"blk.{layer}.ffn_down": (WIDTH, INNER),
        }
    for name, shape in shapes.items():
        drawn = random.normal(0, WIDTH**-0.5, shape) if len(shape) > 1 else numpy.ones(shape)
        writer.add_tensor(f"{name}.weight", drawn.astype(numpy.float32))


if __name__ == "__main__":
    main()
