"""Tokens of programs on the command line."""

from tests.cli.conftest import Outreach


def test_a_token_is_granted_listed_and_revoked(outreach: Outreach) -> None:
    for email, role in (("a@example.org", "administrator"), ("e@example.org", "editor")):
        assert outreach("staff", "add", email, "--name", "Neo", "--role", role).code == 0
    grant = ("token", "add", "Newsletter", "--by", "a@example.org", "--for", "e@example.org", "--json", "--scopes")
    made = outreach(*grant, "contacts:read,broadcasts:write").json
    assert made["token"].startswith("outreach_")
    [listed] = outreach("token", "list", "--json").json
    assert (listed["name"], listed["scopes"]) == ("Newsletter", ["broadcasts:write", "contacts:read"])
    assert made["token"] not in str(listed)
    for scopes, says in (
        ("send:all", "no scope send:all"),
        ("contacts:identity", "does not allow"),
        ("", "at least one"),
    ):
        refused = outreach(*grant, scopes)
        assert (refused.code, says in refused.err) == (1, True), refused.err
    stranger = outreach("token", "add", "X", "--by", "e@example.org", "--for", "a@example.org", "--scopes", "x:y")
    assert stranger.code == 1
    assert outreach("token", "revoke", "1", "--by", "a@example.org").code == 0
    assert outreach("token", "revoke", "9", "--by", "a@example.org").code == 1
    assert outreach("token", "list", "--json").json[0]["revoked"] is True
