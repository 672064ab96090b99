"""What a token may be for, and the permission that its owner needs for each: a token never can more than its owner."""

from collections.abc import Mapping
from enum import StrEnum

from bot.staff.models import StaffUser
from bot.staff.roles import Permission, allows


class Scope(StrEnum):
    """One thing that a token may be for."""

    CONTACTS_READ = "contacts:read"  #: without names and numbers
    CONTACTS_WRITE = "contacts:write"  #: groups
    CONTACTS_IDENTITY = "contacts:identity"  #: numbers, each view logged with its reason
    BROADCASTS_READ = "broadcasts:read"
    BROADCASTS_WRITE = "broadcasts:write"  #: drafts; approving and sending are for people
    SURVEYS_READ = "surveys:read"
    SURVEYS_WRITE = "surveys:write"
    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    OPPORTUNITIES_READ = "opportunities:read"
    EXPORTS_READ = "exports:read"
    EXPORTS_WRITE = "exports:write"
    EXPORTS_IDENTIFIED = "exports:identified"  #: with what people wrote in their own words
    FEEDS = "feeds"  #: pseudonymous answers as they come, for Power BI and Excel


NEEDS: Mapping[Scope, Permission] = {
    Scope.CONTACTS_READ: Permission.MEMBERS_VIEW,
    Scope.CONTACTS_WRITE: Permission.MEMBERS_EDIT,
    Scope.CONTACTS_IDENTITY: Permission.MEMBERS_IDENTITY,
    Scope.BROADCASTS_READ: Permission.BROADCAST_VIEW,
    Scope.BROADCASTS_WRITE: Permission.BROADCAST_WRITE,
    Scope.SURVEYS_READ: Permission.REPORTS_VIEW,
    Scope.SURVEYS_WRITE: Permission.SURVEYS_MANAGE,
    Scope.SESSIONS_READ: Permission.REPORTS_VIEW,
    Scope.SESSIONS_WRITE: Permission.SESSIONS_MANAGE,
    Scope.OPPORTUNITIES_READ: Permission.REPORTS_VIEW,
    Scope.EXPORTS_READ: Permission.EXPORTS_RUN,
    Scope.EXPORTS_WRITE: Permission.EXPORTS_RUN,
    Scope.EXPORTS_IDENTIFIED: Permission.EXPORTS_IDENTIFIED,
    Scope.FEEDS: Permission.EXPORTS_RUN,
}


def possible(user: StaffUser) -> list[Scope]:
    """Return the scopes that the user's role has the permission for."""
    return [scope for scope in Scope if allows(user, NEEDS[scope])]
