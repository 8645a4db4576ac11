"""Makes ``tiny-random-llama-onnx``: 107,000 random fp32 weights in the shape of a real model.

Two layers, 4 heads on 2 KV heads, 512 tokens of vocabulary and context; the graph is the one
that onnxruntime-genai's builder writes for every Llama (GroupQueryAttention, shared key/value
buffers). In fp32 a batch computes exactly what a single run computes, so tests can compare token
for token; int4 kernels differ by row count and cannot be compared that way.

Run it where torch, transformers, onnx, onnx-ir, onnxruntime and onnxruntime-genai are installed
(the ``convert`` stage of docker/model-tools has them); it needs no network:

    python make_tiny_random_llama.py OUTPUT_FOLDER

Weights come from ``torch.manual_seed(0)``; another version of torch or transformers may draw
others, which changes the model's answers but no test: none has an answer written down.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

VOCABULARY = 512
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CORPUS = [
    "the quick brown fox jumps over the lazy dog ",
    "small language models run at the edge ",
    "hello world ",
] * 50
TEMPLATE = (
    "{% for m in messages %}"
    "{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE: every byte is a token, so any text and any broken UTF-8 can occur."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    raw.train_from_iterator(CORPUS, trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token=SPECIAL[1],
        eos_token=SPECIAL[2],
        pad_token=SPECIAL[0],
        unk_token=SPECIAL[0],
    )
    wrapped.chat_template = TEMPLATE
    return wrapped


def model() -> LlamaForCausalLM:
    """The random model."""
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            max_position_embeddings=512,
            rope_theta=10000.0,
            tie_word_embeddings=True,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
        )
    )


def main(output: Path) -> None:
    """Save as Hugging Face folder, convert to ONNX with fp32 weights."""
    with tempfile.TemporaryDirectory() as folder:
        model().save_pretrained(folder)
        tokenizer().save_pretrained(folder)
        builder = [sys.executable, "-m", "onnxruntime_genai.models.builder"]
        arguments = ["-i", folder, "-o", str(output), "-p", "fp32", "-e", "cpu"]
        subprocess.run([*builder, *arguments, "-c", folder], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
