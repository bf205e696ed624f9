"""The user's pytest: tests of a lab are handed to a pytest in it, and reported as if they had run here.

Where no test takes a lab, nothing of the testbed but this is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from testbed.pytest_plugin import takes_lab

if TYPE_CHECKING:
    from testbed.pytest_plugin.labs import Labs


class Outside:
    """Hooks of the user's pytest."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._labs: Labs | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a test of a lab, and with it all others that share the lab."""
        if not takes_lab(item):
            return None
        if self._labs is None:
            from testbed.pytest_plugin.labs import Labs

            self._labs = Labs(self._config)
        self._labs.play(item)
        # What tests before it left set up for longer than themselves ends here, as it would with any other test.
        item.session._setupstate.teardown_exact(nextitem)
        return True
