"""Where Docker finds what a run brings, in the guest and in the namespaces of a run on the host's kernel alike."""

from pathlib import Path

IMAGE = "docker.img"
"""File with the disk of Docker's data."""
DISK = Path("/run/disk")
"""The folder that the file is in."""
MATERIAL = Path("/run/material")
"""What lies in the engine's tree besides programs: the nodes' image, its name, and manifests."""
