"""Files behind a web server, read by ranges: opening a model of hundreds of gigabytes moves its header only."""

from __future__ import annotations

import http.client
import re
import ssl
import threading
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from dokja.checkpoint.bytesource import ByteSource
from dokja.checkpoint.folder import Folder
from dokja.checkpoint.limits import unreadable
from dokja.errors import InvalidInput, Unavailable

HUGGING_FACE = "https://huggingface.co"

_TIMEOUT_SECONDS = 30.0
_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_ABSENT = (401, 403, 404, 410)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")
_REPOSITORY = re.compile(r"hf://(?P<name>[\w.-]+/[\w.-]+)(@(?P<revision>[\w.-]+(/[\w.-]+)*))?")
_AGENT = "dokja (ranged reader of model weights)"


class _Absent(Exception):  # never leaves this module
    """The server has no such file, or does not show it to us."""


@dataclass(slots=True)
class _Answer:
    """What a ranged request gave: how many bytes came, of how large a file, of which version."""

    count: int
    size: int
    etag: str


def resolve_repository(source: str, endpoint: str) -> str:
    """Return the folder URL of `hf://org/name[@revision]`.

    Raises:
        InvalidInput: The address is not of that form.
    """
    match = _REPOSITORY.fullmatch(source)
    revision = match["revision"] or "main" if match else ""
    if not match or ".." in revision or ".." in match["name"]:
        raise InvalidInput(f"{source!r} is not of the form hf://org/name or hf://org/name@revision.")
    return f"{endpoint.rstrip('/')}/{match['name']}/resolve/{quote(revision, safe='')}"


def require_address(url: str) -> str:
    """Return a URL that may be read: https, or http of this very machine.

    Raises:
        InvalidInput: It is neither, or names no host.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidInput(f"{url!r} is no address: {error}.") from error
    if (
        not host
        or parts.username
        or (parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK))
    ):
        raise InvalidInput(f"{url!r} is no https:// address without credentials.")
    return url


class RemoteFile(ByteSource):
    """A file behind a server that honours ranges; connections are kept open, one per thread."""

    remote = True
    piece_bytes = 16 << 20

    def __init__(self, url: str, name: str) -> None:
        """Ask the server for the file's size.

        Args:
            url: Its address.
            name: How messages call it.

        Raises:
            InvalidInput: There is no such file.
            Unavailable: The server cannot be reached or does not honour ranges.
        """
        self.name = name
        self._url = require_address(url)
        self._target = self._url  # where redirects led; asked for anew when it expires
        self._connections = threading.local()
        self._etag = ""
        try:
            answer = self._ask(0, memoryview(bytearray(1)))
        except _Absent as error:
            raise InvalidInput(f"{url} is not there, or not public.") from error
        self.size, self._etag = answer.size, answer.etag

    def _fill(self, offset: int, buffer: memoryview) -> int:
        try:
            answer = self._ask(offset, buffer)
        except _Absent as error:
            raise Unavailable(f"{self._url} can no longer be read.") from error
        if answer.size != self.size or answer.etag != self._etag:
            raise unreadable(self.name, "it changed on the server while it was read")
        return answer.count

    def close(self) -> None:
        connection = getattr(self._connections, "connection", None)
        if connection is not None:
            connection.close()
            self._connections.connection = None

    def _ask(self, offset: int, buffer: memoryview) -> _Answer:
        """Fill the buffer by one ranged request, following redirects and renewing what went stale."""
        last: Exception | None = None
        for _ in range(2):
            fresh = self._target == self._url
            try:
                return self._ask_once(offset, buffer)
            except _Absent:
                if fresh:
                    raise
                self._target = self._url  # a signed address expired
            except (OSError, http.client.HTTPException) as error:
                self.close()
                last = error
        raise Unavailable(
            f"{self._url} cannot be read: {last}.",
            hint="Check the network and try again.",
        ) from last

    def _ask_once(self, offset: int, buffer: memoryview) -> _Answer:
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._send(self._target, offset, buffer.nbytes)
            if response.status not in _REDIRECTS:
                return self._receive(response, offset, buffer)
            location = response.getheader("Location") or ""
            self.close()
            self._target = _redirected(self._target, location)
        raise Unavailable(f"{self._url} redirects more than {_MOST_REDIRECTS} times.")

    def _send(self, url: str, offset: int, length: int) -> http.client.HTTPResponse:
        parts = urlsplit(url)
        origin = (parts.scheme, parts.hostname, parts.port)
        connection = getattr(self._connections, "connection", None)
        if connection is None or self._connections.origin != origin:
            self.close()
            host = str(parts.hostname)
            if parts.scheme == "https":
                context = ssl.create_default_context()
                connection = http.client.HTTPSConnection(
                    host, parts.port, timeout=_TIMEOUT_SECONDS, context=context
                )
            else:
                connection = http.client.HTTPConnection(host, parts.port, timeout=_TIMEOUT_SECONDS)
            self._connections.connection, self._connections.origin = connection, origin
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        wanted = {
            "Range": f"bytes={offset}-{offset + length - 1}",
            "Accept-Encoding": "identity",
            "User-Agent": _AGENT,
        }
        connection.request("GET", path, headers=wanted)
        response: http.client.HTTPResponse = connection.getresponse()
        return response

    def _receive(self, response: http.client.HTTPResponse, offset: int, buffer: memoryview) -> _Answer:
        if response.status != 206:
            self.close()  # its body may be the whole file
            if response.status in _ABSENT:
                raise _Absent
            if response.status == 416 and offset == 0:
                raise unreadable(self.name, "it is empty")
            what = "does not honour ranges" if response.status == 200 else f"answers {response.status}"
            raise Unavailable(f"The server of {self._url} {what}.")
        match = _CONTENT_RANGE.fullmatch(response.getheader("Content-Range") or "")
        if not match or int(match[1]) != offset or int(match[2]) - offset >= buffer.nbytes:
            self.close()
            raise Unavailable(f"The server of {self._url} answers with another range than it was asked for.")
        expected = int(match[2]) - offset + 1
        done = 0
        while done < expected:
            count = response.readinto(buffer[done:expected])
            if not count:
                raise http.client.IncompleteRead(b"", expected - done)
            done += count
        response.read()  # nothing is left; the connection may be used again
        return _Answer(done, int(match[3]), response.getheader("ETag") or "")


def _redirected(url: str, location: str) -> str:
    """Return where a redirect leads, never from the network into this machine or out of https."""
    target = urljoin(url, location)
    try:
        require_address(target)
    except InvalidInput as error:
        raise Unavailable(f"{url} redirects to what is no https:// address.") from error
    if urlsplit(target).hostname in _LOOPBACK and urlsplit(url).hostname not in _LOOPBACK:
        raise Unavailable(f"{url} redirects to this machine itself.")
    return target


class RemoteFolder(Folder):
    """A folder of files behind a server; it is not listed, files are asked for by name."""

    def __init__(self, url: str) -> None:
        """Take a folder.

        Args:
            url: Its address, without the file.
        """
        self.name = require_address(url).rstrip("/")
        self._files: dict[str, RemoteFile | None] = {}

    def names(self) -> None:
        return None

    def has(self, name: str) -> bool:
        if name not in self._files:
            try:
                self._files[name] = RemoteFile(f"{self.name}/{quote(name)}", name)
            except InvalidInput:
                self._files[name] = None
        return self._files[name] is not None

    def open(self, name: str) -> ByteSource:
        file = self._files.get(name) if self.has(name) else None
        if file is None:
            raise InvalidInput(f"{self.name} has no file {name}.")
        return file
