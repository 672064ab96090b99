"""Staff users: added, invited, changed; and what each role may do."""

from datetime import datetime

import pytest

from bot import clock
from bot.db import Database
from bot.staff import passwords, roles, service, sessions
from bot.staff.models import Role, StaffUser
from bot.staff.roles import ROLES, Permission
from tests.staff.conftest import PASSWORD, AddUser


def test_a_one_time_link_sets_a_password_once(database: Database, frozen: datetime) -> None:
    with database.begin() as db:
        user, token = service.add(db, "lineo@example.org", "Lineo", Role.ADMINISTRATOR)
        assert token is not None
        assert isinstance(sessions.sign_in(db, "lineo@example.org", ""), sessions.Denied)
        assert service.user_of_link(db, token) is user
        assert service.accept_link(db, token, PASSWORD) is user
        assert service.accept_link(db, token, "another long password") is None
        assert isinstance(sessions.sign_in(db, "lineo@example.org", PASSWORD), sessions.SignedIn)


def test_a_link_ends_with_its_time_with_a_newer_one_and_with_its_user(database: Database, frozen: datetime) -> None:
    with database.begin() as db:
        user, first = service.add(db, "lineo@example.org", "Lineo", Role.EDITOR)
        second = service.invite(db, user, by=None)
        assert first is not None
        assert service.user_of_link(db, first) is None
        assert service.user_of_link(db, second) is user
        service.set_active(db, user, False, by=None)
        assert service.user_of_link(db, second) is None
        service.set_active(db, user, True, by=None)
        clock.advance(service.LINK_VALID)
        assert service.accept_link(db, second, PASSWORD) is None


def test_a_new_password_signs_out_whoever_had_the_old_one(database: Database, add_user: AddUser) -> None:
    with database.begin() as db:
        user = add_user(db)
        opened = sessions.sign_in(db, user.email, PASSWORD)
        assert isinstance(opened, sessions.SignedIn)
        service.accept_link(db, service.invite(db, user, by=None), "quite another password")
        assert sessions.find_session(db, opened.token) is None


def test_a_short_password_is_refused(database: Database) -> None:
    with database.begin() as db, pytest.raises(passwords.TooShort):
        service.add(db, "a@example.org", "A", Role.EDITOR, password="short")


def test_nobody_is_added_twice(database: Database, add_user: AddUser) -> None:
    with database.begin() as db:
        add_user(db)
        with pytest.raises(service.AlreadyStaff):
            service.add(db, "THATO@example.org", "Other", Role.EDITOR)


def test_the_last_administrator_stays(database: Database, add_user: AddUser) -> None:
    with database.begin() as db:
        first = add_user(db, Role.ADMINISTRATOR, "first@example.org")
        with pytest.raises(service.LastAdministrator):
            service.set_active(db, first, False, by=None)
        with pytest.raises(service.LastAdministrator):
            service.set_role(db, first, Role.EDITOR, by=None)
        add_user(db, Role.ADMINISTRATOR, "second@example.org")
        service.set_role(db, first, Role.EDITOR, by=None)
        assert not roles.allows(first, Permission.STAFF_MANAGE)


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        (Permission.BROADCAST_WRITE, {Role.ADMINISTRATOR, Role.EDITOR}),
        (Permission.BROADCAST_APPROVE, {Role.ADMINISTRATOR, Role.APPROVER}),
        (Permission.MEMBERS_IDENTITY, {Role.PROTECTION}),
        (Permission.MEMBERS_ERASE, {Role.PROTECTION}),
        (Permission.EXPORTS_RUN, {Role.ADMINISTRATOR, Role.ANALYST, Role.PROTECTION}),
        (Permission.INBOX_REPLY, {Role.ADMINISTRATOR, Role.AGENT}),
        (Permission.STAFF_MANAGE, {Role.ADMINISTRATOR}),
        (Permission.AUDIT_VIEW, {Role.ADMINISTRATOR, Role.PROTECTION}),
    ],
)
def test_a_permission_belongs_to_the_roles_that_need_it(permission: Permission, allowed: set[Role]) -> None:
    assert {role for role in Role if permission in ROLES[role]} == allowed


def test_every_role_is_in_the_table_and_every_permission_in_some_role() -> None:
    assert set(ROLES) == set(Role)
    assert set().union(*ROLES.values()) == set(Permission)


def test_a_closed_user_may_do_nothing() -> None:
    closed = StaffUser(role=Role.ADMINISTRATOR, active=False)
    with pytest.raises(roles.Forbidden, match=r"broadcast\.send"):
        roles.require(closed, Permission.BROADCAST_SEND)
