"""The converter's own process: `python -m model_tools.conversion JOB FD`, run by `model_tools.convert`.

Steps go to the file descriptor FD, everything that the libraries print to stdout and stderr (a log).
"""

from __future__ import annotations

import os
import sys

from model_tools.conversion.job import UNUSABLE_CODE, Job, Tell, UnusableModelError
from model_tools.progress import bar


def main(arguments: list[str]) -> int:
    job = Job.load(arguments[0])
    with os.fdopen(int(arguments[1]), "w", encoding="utf-8", buffering=1) as steps:

        def tell(fraction: float, text: str) -> None:
            steps.write(f"{bar(fraction)} {100 * fraction:.0f}% {text}\n")

        try:
            run(job, tell)
        except UnusableModelError as error:
            print(error, flush=True)
            return UNUSABLE_CODE
    return 0


def run(job: Job, tell: Tell) -> None:
    """Imports what the job needs only: each of the libraries takes seconds to load."""
    if job.task == "check":
        from model_tools.conversion.quality_check import check_quality

        check_quality(job, tell)
    elif job.to == "gguf":
        from model_tools.conversion.to_gguf import build_gguf

        build_gguf(job, tell)
    else:
        from model_tools.conversion.to_onnx import build_onnx

        build_onnx(job, tell)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
