"""Who a visitor is, as the service says."""

from __future__ import annotations

from typing import NamedTuple, Optional

# The service's ids are those of a BIGINT column.
MAX_USER_ID = 2**63 - 1


class Identity(NamedTuple):
    """A signed-in user of the service."""

    user_id: int
    """Never given to anybody else, and never changed."""

    username: str


def parse_user_id(text: str) -> Optional[int]:
    """None: not an id of a user."""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAX_USER_ID)):
        return None
    user_id = int(text)
    return user_id if 0 < user_id <= MAX_USER_ID else None
