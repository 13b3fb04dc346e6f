"""What starts a Ray cluster takes ten seconds, and is slow."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "launcher:ray: answers" in item.nodeid or "launcher:ray: nothing to do" in item.nodeid:
            item.add_marker(pytest.mark.slow)
