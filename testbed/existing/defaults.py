"""What a run on an existing cluster takes unless told otherwise. Loads nothing heavy: the command line shows it."""

from testbed.plan.compile_clusters import REGION

SITE_LABEL = REGION
"""Which label of nodes tells sites apart."""
NAMESPACE = "testbed-probes"
IMAGE = "docker.io/library/python:3.12-slim"
"""For clusters that are not the testbed's own: anything with Python 3.11 or newer, and sleep."""
