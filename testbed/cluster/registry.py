"""Fetch images from registries with skopeo: no daemon, no root, each by its digest and each blob only once.

skopeo refuses a manifest or a blob that is not what its digest says, knows the user's credentials and the machine's
list of registries and policies, and speaks to a registry without TLS only where it is told that it may.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.cluster.layout import Pulled, read_layout
from testbed.cluster.sources import Mirror, Sources, Wanted
from testbed.errors import MachineError, Problem
from testbed.kernel.command import CommandFailed, run
from testbed.kernel.make import run_logged
from testbed.kernel.programs import find_program, install_line
from testbed.kernel.source import sha256

Progress = Callable[[str], None]

SKOPEO = "skopeo"
"""The program, and the package that brings it."""
BLOBS = "blobs"
ASK_LIMIT_S = 60.0  # arbitrary: a few answers of some kilobytes, on a slow line
FETCH_LIMIT_S = 3600.0  # arbitrary: half a gigabyte on a line of 1 Mbit/s
_SAID = re.compile(r'msg="(?P<words>(?:[^"\\]|\\.)*)"')
_PREFIX = re.compile(r'^Error parsing image name "[^"]*": ')  # which image it is, we say ourselves
_MANIFEST_AS_ASKED = "Manifest does not match provided manifest digest"
UNREACHED = (
    "pinging container registry",
    "did not end within",
    "deadline exceeded",
    "i/o timeout",
    "connection refused",
)
HINTS: Mapping[str, str] = {
    "manifest unknown": "no such name, tag or digest there; a mirror of the names' own registries: --registry",
    "name unknown": "no such name there; a mirror of the names' own registries: --registry",
    "HTTP response to HTTPS client": "only a registry on this machine may do without TLS: give that one a certificate",
    "x509:": "let this machine trust its certificate: /etc/containers/certs.d, see containers-certs.d(5)",
    "unauthorized": "sign in: skopeo login, or docker login",
    "authentication required": "sign in: skopeo login, or docker login",
    "denied": "no such name there, or it wants you to sign in: skopeo login, or docker login",
    "toomanyrequests": "the registry wants you to wait, or to sign in: skopeo login, or docker login",
    _MANIFEST_AS_ASKED: "this registry has something else under that digest: take another one, with --registry",
    "Digest did not match": "this registry's data are spoilt: take another one, with --registry",
    "no space left": "free some, or set XDG_CACHE_HOME to a folder on a larger disk",
    "no image found in manifest list": "this release has no image for this machine",
}
"""What to do, by words that skopeo's end with. Source: skopeo 1.9, run against docker-registry 2.8."""


@dataclass(frozen=True)
class Registry:
    """What registries have. ``folder``: of what was fetched, a layout for each digest beside their blobs."""

    folder: Path
    mirror: Mirror
    env: Mapping[str, str]
    log: Path

    @property
    def blobs(self) -> Path:
        """Every blob, by its SHA-256 in hex."""
        return self.folder / BLOBS / "sha256"

    def problems(self, where: str) -> list[Problem]:
        """What keeps this machine from asking registries."""
        if find_program(SKOPEO, self.env) is not None:
            return []
        return [Problem(where, f"pulling it needs {SKOPEO}", install_line([SKOPEO]))]

    def found(self, one: Wanted) -> Pulled | None:
        """An image that has been fetched, by its digest."""
        return read_layout(self._layout(one), self.blobs, one.tagged) if one.digest else None

    def resolved(self, sources: Sources, progress: Progress) -> Sources:
        """The same images, each with the digest that it has there.

        Raises:
            MachineError: with every image that cannot be had, before anything is fetched.
        """
        digests, problems = dict[str, str](), dict[str, Problem]()
        for one in sources.wanted:
            if self.found(one):
                continue
            place = self.mirror.place(one.name)
            host = place.partition("/")[0]
            if host in problems and _unreached(problems[host].what):
                continue  # it will not answer the next question either
            progress(f"{one.tagged}: ask {host} for its digest")
            try:
                digests[one.tagged] = self._ask(one)
            except CommandFailed as error:
                told = explained(str(error), one, place)
                problems[host if _unreached(told.what) else one.tagged] = told
        if problems:
            raise MachineError(problems.values())
        unbound = {one.tagged: digests[one.tagged] for one in sources.wanted if not one.digest}
        return sources.bound_to(unbound, "nothing")

    def fetch(self, one: Wanted, scratch: Path, progress: Progress) -> Pulled:
        """An image by its digest, fetched first where it is not there yet.

        Raises:
            MachineError: the registry has no such thing, or something else; what was fetched whole stays.
        """
        if there := self.found(one):
            return there
        progress(f"{one.tagged}: fetch {one.digest}; log: {self.log}")
        self.blobs.mkdir(parents=True, exist_ok=True)
        layout = scratch / self._layout(one).name
        argv = (
            SKOPEO, "--tmpdir", str(scratch), "copy", *self._tls("--src-tls-verify"), "--dest-shared-blob-dir",
            str(self.blobs.parent), f"docker://{self._at(one)}", f"oci:{layout}:{one.tag}",
        )  # fmt: skip
        try:
            run_logged(argv, cwd=scratch, env=self.env, log=self.log, on_line=_ignore, limit_s=FETCH_LIMIT_S)
        except CommandFailed as error:
            raise MachineError(explained(str(error), one, self.mirror.place(one.name))) from error
        shutil.rmtree(self._layout(one), ignore_errors=True)  # one whose blobs are gone
        layout.rename(self._layout(one))
        fetched = self.found(one)
        assert fetched is not None
        return fetched

    def remove_spoilt(self, progress: Progress) -> None:
        """Remove blobs that are not what their names say, so that they are fetched again."""
        kept = list(self.blobs.iterdir()) if self.blobs.is_dir() else []
        if kept:
            progress("registry: check what was fetched before")
        for path in kept:
            if sha256(path) != path.name:
                progress(f"registry: spoilt on this disk, to be fetched again: {path}")
                path.unlink()

    def forget_others(self, images: Sequence[Pulled]) -> None:
        """Remove what no image of these has: of releases before, and of what was not fetched to its end."""
        wanted = {image.path(digest) for image in images for digest in image.digests}
        for path in self.blobs.iterdir():
            if path not in wanted:
                path.unlink()

    def _ask(self, one: Wanted) -> str:
        argv = [SKOPEO, "inspect", "--no-tags", *self._tls("--tls-verify"), "--format", "{{.Digest}}"]
        return run([*argv, f"docker://{self._at(one)}"], env=self.env, timeout_s=ASK_LIMIT_S).stdout.strip()

    def _at(self, one: Wanted) -> str:
        place = self.mirror.place(one.name)
        return f"{place}@{one.digest}" if one.digest else f"{place}:{one.tag}"

    def _tls(self, option: str) -> tuple[str, ...]:
        return (f"{option}=false",) if self.mirror.is_here else ()

    def _layout(self, one: Wanted) -> Path:
        return self.folder / one.digest.replace(":", "-")


def explained(said: str, one: Wanted, place: str) -> Problem:
    """What skopeo's last words mean for an image. Pure."""
    found = _SAID.findall(said)
    words = _PREFIX.sub("", found[-1].replace('\\"', '"')) if found else said
    hint = next((hint for sign, hint in HINTS.items() if sign in words), "")
    if not hint and _unreached(words):
        hint = "connect to the network, or name a mirror that can be reached: --registry"
    return Problem(f"{one.tagged}, from {place}", words, hint or "the words are skopeo's")


def _unreached(words: str) -> bool:
    return any(sign in words for sign in UNREACHED)


def _ignore(_line: str) -> None:
    pass
