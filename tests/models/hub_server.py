"""A server that speaks the part of the Hugging Face hub's API by which a model is fetched, for the hub's own client."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

COMMIT = "c0ffee" + "0" * 34


@dataclass
class Hub:
    """Repositories by name, each with its files; `large` ones are known by sha256, as LFS keeps them."""

    repositories: dict[str, dict[str, bytes]]
    url: str = ""
    served: list[str] = field(default_factory=list)
    lies: set[str] = field(default_factory=set)  # files that come with other bytes than the hub names
    breaks: set[str] = field(default_factory=set)  # files that can't be had

    def listing(self, name: str) -> dict[str, object]:
        siblings = []
        for file, content in self.repositories[name].items():
            entry: dict[str, object] = {"rfilename": file, "size": len(content), "blobId": git_hash(content)}
            if is_large(file):
                entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
            siblings.append(entry)
        return {"id": name, "modelId": name, "sha": COMMIT, "private": False, "tags": [], "siblings": siblings}


def is_large(file: str) -> bool:
    return file.endswith((".safetensors", ".bin", ".onnx"))


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def serving_hub(repositories: dict[str, dict[str, bytes]]) -> Iterator[Hub]:
    hub = Hub(repositories)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def _answer(self, *, body: bool) -> None:
            path = urlsplit(self.path).path.strip("/")
            if path.startswith("api/models/"):
                name = path.removeprefix("api/models/").partition("/revision/")[0]
                known = name in hub.repositories
                content = json.dumps(hub.listing(name) if known else {"error": "Repository not found"}).encode()
                self._send(200 if known else 404, content, {"content-type": "application/json"}, body)
                return
            name, _, rest = path.partition("/resolve/")
            file = rest.partition("/")[2]
            content = hub.repositories.get(name, {}).get(file)
            if content is None or file in hub.breaks:
                self._send(404, b"", {"x-error-code": "EntryNotFound"}, body)
                return
            if body:
                hub.served.append(file)
            etag = hashlib.sha256(content).hexdigest() if is_large(file) else git_hash(content)
            headers = {"x-repo-commit": COMMIT, "etag": f'"{etag}"', "accept-ranges": "bytes"}
            if file in hub.lies:
                content = content[::-1]
            self._send(200, content, headers, body)

        def _send(self, status: int, content: bytes, headers: dict[str, str], body: bool) -> None:
            self.send_response(status)
            for key, value in {**headers, "content-length": str(len(content))}.items():
                self.send_header(key, value)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
