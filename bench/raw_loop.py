"""The plain onnxruntime-genai loop, run inside the converter's image: one request after another.

Reads JSON lines {"requests": N, "tokens": N} and answers each with the seconds it took.
"""

import json
import sys
import time
from typing import Any


def main() -> None:
    """Load the model folder given as argument, warm up, then serve lines until the input ends."""
    import onnxruntime_genai as og

    folder, prompt = sys.argv[1:3]
    model = og.Model(folder)
    tokenizer = og.Tokenizer(model)
    ids = tokenizer.encode(prompt)
    _generate(og, model, ids, 8)
    print(json.dumps({"ready": len(ids)}), flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        started = time.perf_counter()
        for _ in range(wanted["requests"]):
            _generate(og, model, ids, wanted["tokens"])
        print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)


def _generate(og: Any, model: Any, ids: Any, tokens: int) -> None:
    parameters = og.GeneratorParams(model)
    length = len(ids) + tokens
    # As the service does with a fixed number of tokens: the end of the text does not stop it early.
    parameters.set_search_options(max_length=length, min_length=length, do_sample=False)
    generator = og.Generator(model, parameters)
    generator.append_tokens(ids)
    for _ in range(tokens):
        generator.generate_next_token()


if __name__ == "__main__":
    main()
