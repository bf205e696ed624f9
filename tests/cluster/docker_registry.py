"""A real registry for a test: Debian's, on this machine alone, at a port that is free."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LISTENING = re.compile(r'listening on (127\.0\.0\.1:\d+)"')

LOOK_EVERY_S = 0.02
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
USER = "user:secret"
HASHED = "user:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
"""The same as htpasswd's file has it, by bcrypt."""


@dataclass(frozen=True)
class DockerRegistry:
    """One that answers at ``address``, and keeps what it has below ``folder``."""

    address: str
    folder: Path
    process: subprocess.Popen[bytes]
    credentials: tuple[str, ...] = ()

    def push(self, archive: Path, name: str, within: str = "") -> str:
        """Give it an image of an archive of ``docker save``'s; ``within``: which one of several.

        Returns:
            The digest that it has there.
        """
        source = f"docker-archive:{archive}{':' if within else ''}{within}"
        said = self.folder / "digest"
        argv = ["skopeo", "copy", "--quiet", "--digestfile", str(said), "--dest-tls-verify=false", *self.credentials]
        subprocess.run([*argv, source, f"docker://{self.address}/{name}"], check=True, capture_output=True)
        return said.read_text()

    def push_list(self, name: str, images: Mapping[str, str]) -> str:
        """Let a tag name images that it has for several machines, as projects do: digests by architecture.

        Returns:
            The digest of the list.
        """
        path, _, tag = name.partition(":")
        listed = [
            {
                "mediaType": json.loads(self.blob(digest).read_bytes())["mediaType"],
                "digest": digest, "size": self.blob(digest).stat().st_size,
                "platform": {"architecture": architecture, "os": "linux"},
            }
            for architecture, digest in images.items()
        ]  # fmt: skip
        data = json.dumps({"schemaVersion": 2, "mediaType": LIST, "manifests": listed}).encode()
        where = f"http://{self.address}/v2/{path}/manifests/{tag}"
        asked = urllib.request.Request(where, data, {"Content-Type": LIST}, method="PUT")
        with urllib.request.urlopen(asked) as answer:
            return str(answer.headers["Docker-Content-Digest"])

    def blob(self, digest: str) -> Path:
        """The file in which it keeps a blob or a manifest."""
        algorithm, _, name = digest.partition(":")
        return self.folder / "docker" / "registry" / "v2" / "blobs" / algorithm / name[:2] / name / "data"


@contextlib.contextmanager
def served(folder: Path, *, closed: bool = False) -> Iterator[DockerRegistry]:
    """A registry that answers for as long as the block lasts. ``closed``: to :data:`USER` alone."""
    folder.mkdir()
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}}}}}\nhttp: {{addr: '127.0.0.1:0'}}\n"
    )
    if closed:
        (folder / "users").write_text(HASHED + "\n")
        with config.open("a") as more:
            more.write(f"auth: {{htpasswd: {{realm: test, path: {folder / 'users'}}}}}\n")
    log = folder / "log"
    with (
        log.open("wb") as out,
        subprocess.Popen(["docker-registry", "serve", config], stdout=out, stderr=out) as process,
    ):
        try:
            while (found := LISTENING.search(log.read_text())) is None:
                assert process.poll() is None, log.read_text()
                time.sleep(LOOK_EVERY_S)
            yield DockerRegistry(found[1], folder, process, (f"--dest-creds={USER}",) if closed else ())
        finally:
            process.kill()
