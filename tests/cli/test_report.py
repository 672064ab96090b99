"""The mapping report from the command line."""

from pathlib import Path

from tests.cli.conftest import MAPPING, Outreach


def test_a_report_before_anybody_answered_is_whole_and_says_so(outreach: Outreach) -> None:
    ran = outreach("report", "--out", "made")
    assert ran.code == 1
    assert "outreach survey publish" in ran.err
    assert outreach("survey", "publish", str(MAPPING)).code == 0
    ran = outreach("report", "--out", "made", "--country", "LS", "--language", "fr", "--json")
    assert ran.code == 0, ran.err
    files = {kind: Path(path) for kind, path in ran.json["files"].items()}
    page = files["html"].read_text("utf-8")
    assert "Trop peu de personnes ont répondu pour qu’un résultat puisse être publié." in page
    assert "<img" not in page
    assert files["pdf"].read_bytes().startswith(b"%PDF-")
    for words, told in (
        (("--country", "ZA"), "LS, MW, MU"),
        (("--survey", "towns"), "diaspora_mapping"),
        (("--language", "st"), "en, fr"),
    ):
        ran = outreach("report", "--out", "made", *words)
        assert ran.code == 1
        assert told in ran.err
        assert "Traceback" not in ran.err
