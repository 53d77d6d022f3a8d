"""What tests of stacks on clouds have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clouds import PROXMOX_TOKEN, PUBLIC_KEY, TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An SSH key by its path, with credentials of every cloud that wants a token."""
    folder = tmp_path_factory.mktemp("ssh")
    (folder / "id.pub").write_text(PUBLIC_KEY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HCLOUD_TOKEN", TOKEN)
        patch.setenv("PROXMOX_VE_API_TOKEN", PROXMOX_TOKEN)
        yield str(folder / "id")
