"""Who may do what, as data: the least that each role needs."""

from collections.abc import Mapping
from enum import StrEnum

from bot.sentences import Sentence
from bot.staff.models import Role, StaffUser


class Permission(StrEnum):
    """One thing that staff may be allowed to do."""

    BROADCAST_VIEW = "broadcast.view"
    BROADCAST_WRITE = "broadcast.write"
    BROADCAST_APPROVE = "broadcast.approve"
    BROADCAST_SEND = "broadcast.send"  #: also pause, resume, cancel
    MEMBERS_VIEW = "members.view"  #: without names and numbers
    MEMBERS_EDIT = "members.edit"  #: groups, notes, import
    MEMBERS_IDENTITY = "members.identity"  #: names and numbers, each view logged with its reason
    MEMBERS_ERASE = "members.erase"
    INBOX_REPLY = "inbox.reply"
    SURVEYS_MANAGE = "surveys.manage"
    SESSIONS_MANAGE = "sessions.manage"
    OPPORTUNITIES_MANAGE = "opportunities.manage"
    OPPORTUNITIES_APPROVE = "opportunities.approve"
    REPORTS_VIEW = "reports.view"  #: aggregates only
    EXPORTS_RUN = "exports.run"  #: pseudonymous
    EXPORTS_IDENTIFIED = "exports.identified"
    CONTENT_MANAGE = "content.manage"
    SETTINGS_MANAGE = "settings.manage"
    STAFF_MANAGE = "staff.manage"
    AUDIT_VIEW = "audit.view"


P = Permission
_IDENTITIES = {P.MEMBERS_IDENTITY, P.MEMBERS_ERASE, P.EXPORTS_IDENTIFIED}

ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(set(Permission) - _IDENTITIES),
    Role.EDITOR: frozenset(
        {
            P.BROADCAST_VIEW,
            P.BROADCAST_WRITE,
            P.BROADCAST_SEND,
            P.MEMBERS_VIEW,
            P.MEMBERS_EDIT,
            P.SURVEYS_MANAGE,
            P.SESSIONS_MANAGE,
            P.OPPORTUNITIES_MANAGE,
            P.CONTENT_MANAGE,
            P.REPORTS_VIEW,
        }
    ),
    Role.APPROVER: frozenset(
        {
            P.BROADCAST_VIEW,
            P.BROADCAST_APPROVE,
            P.BROADCAST_SEND,
            P.OPPORTUNITIES_APPROVE,
            P.MEMBERS_VIEW,
            P.REPORTS_VIEW,
        }
    ),
    Role.ANALYST: frozenset({P.REPORTS_VIEW, P.EXPORTS_RUN}),
    Role.AGENT: frozenset({P.INBOX_REPLY, P.MEMBERS_VIEW}),
    Role.PROTECTION: frozenset(
        {P.MEMBERS_VIEW, P.AUDIT_VIEW, P.REPORTS_VIEW, P.BROADCAST_VIEW, P.EXPORTS_RUN, *_IDENTITIES}
    ),
}


class Forbidden(Exception):
    """This staff user may not do this; the message names the permission."""


def allows(user: StaffUser, permission: Permission) -> bool:
    """Tell whether the user may do this."""
    return user.active and permission in ROLES[Role(user.role)]


def require(user: StaffUser, permission: Permission) -> None:
    """Raise Forbidden unless the user may do this."""
    if not allows(user, permission):
        raise Forbidden(
            Sentence("This needs the permission %(name)s: ask an administrator for a role that has it", name=permission)
        )
