"""Staff users for the tests of this room."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from bot.staff import service
from bot.staff.models import Role, StaffUser

PASSWORD = "four words are enough"

AddUser = Callable[..., StaffUser]


@pytest.fixture
def add_user() -> AddUser:
    def add(db: Session, role: Role = Role.EDITOR, email: str = "thato@example.org") -> StaffUser:
        return service.add(db, email, "Thato", role, password=PASSWORD)[0]

    return add
