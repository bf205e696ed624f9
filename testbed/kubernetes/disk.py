"""Where Docker's data lies."""

from pathlib import Path

IMAGE = "docker.img"
"""File with the disk."""
DISK = Path("/run/disk")
"""Where the guest has the folder that the file is in."""
