"""Models behind a real server on this machine: ranged reads, redirects, and servers that misbehave."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dokja.checkpoint import digest_tensors, open_checkpoint
from dokja.errors import InvalidInput, Unavailable, UnreadableArtifact
from tests.checkpoint.model_files import small_weights, write_model


class Server(http.server.ThreadingHTTPServer):
    """Serves a folder by ranges; `manner` makes it misbehave."""

    daemon_threads = True
    folder: Path
    manner = "honest"
    sent_bytes = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        prefix = "/org/name/resolve/main/"
        if self.path.startswith(prefix):
            return self.answer(302, b"", Location="/" + self.path.removeprefix(prefix))
        if self.server.manner == "loops":
            return self.answer(302, b"", Location=self.path)
        if self.server.manner == "escapes":
            return self.answer(302, b"", Location="file:///etc/passwd")
        path = self.server.folder / self.path.lstrip("/")
        if not path.is_file():
            return self.answer(404, b"")
        data = path.read_bytes()
        if self.server.manner == "whole":
            return self.answer(200, data)
        first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"]).groups())
        body = data[first : last + 1]
        size = len(data) + (self.server.manner == "grows" and first > 0)
        self.server.sent_bytes += len(body)
        return self.answer(206, body, **{"Content-Range": f"bytes {first}-{first + len(body) - 1}/{size}"})

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.folder = tmp_path
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def address(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize("kind", ["safetensors", "torch", "gguf", "onnx"])
def test_a_remote_file_reads_like_the_local_one(server, tmp_path, kind):
    suffix = "pt" if kind == "torch" else kind
    path = write_model(tmp_path / f"m.{suffix}", kind, small_weights())
    with open_checkpoint(path) as local, open_checkpoint(f"{address(server)}/m.{suffix}") as remote:
        assert digest_tensors(remote) == digest_tensors(local)
        for name in local.tensors:
            np.testing.assert_array_equal(remote.read(name, 1, 3), local.read(name, 1, 3))


def test_a_repository_address_is_resolved_and_redirects_are_followed(server, tmp_path):
    write_model(tmp_path / "model.safetensors", "safetensors", small_weights())
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "vocab.txt").write_text("a\nb\n")
    with open_checkpoint("hf://org/name", endpoint=address(server)) as checkpoint:
        assert checkpoint.config == {"model_type": "llama"}
        assert checkpoint.vocabulary == {"a": 0, "b": 1}
        assert set(checkpoint.tensors) == set(small_weights())


def test_only_the_rows_asked_for_travel(server, tmp_path):
    import torch

    write_model(tmp_path / "m.safetensors", "safetensors", {"w": torch.zeros(1000, 1000)})
    with open_checkpoint(f"{address(server)}/m.safetensors") as checkpoint:
        before = server.sent_bytes
        checkpoint.read("w", 500, 510)
        assert server.sent_bytes - before == 10 * 4000


@pytest.mark.parametrize(
    ("manner", "error", "match"),
    [
        ("whole", Unavailable, "does not honour ranges"),
        ("loops", Unavailable, "redirects more than"),
        ("escapes", Unavailable, "no https"),
        ("grows", UnreadableArtifact, "changed on the server"),
    ],
)
def test_a_server_that_misbehaves_is_named(server, tmp_path, manner, error, match):
    write_model(tmp_path / "m.safetensors", "safetensors", small_weights())
    server.manner = manner
    with pytest.raises(error, match=match):
        open_checkpoint(f"{address(server)}/m.safetensors")


def test_what_is_not_there_is_said_so(server):
    with pytest.raises(InvalidInput, match="has no file"):
        open_checkpoint(f"{address(server)}/absent.safetensors")
    with pytest.raises(InvalidInput, match="holds no weights"):
        open_checkpoint(address(server) + "/absent")
    with pytest.raises(Unavailable, match="cannot be read"):
        open_checkpoint("http://127.0.0.1:9/m.safetensors")


@pytest.mark.parametrize(
    "source",
    [
        "http://example.org/m.gguf",
        "https://user:secret@example.org/m.gguf",
        "https:///m.gguf",
        "hf://a",
        "hf://a/b@../c",
    ],
)
def test_an_address_that_may_not_be_read_is_refused_before_any_request(source):
    with pytest.raises(InvalidInput):
        open_checkpoint(source)
