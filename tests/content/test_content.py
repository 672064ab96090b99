from pathlib import Path

from bot.content import Content
from bot.content.keywords import Keyword


def test_one_call_reads_all_of_messages(messages: Path) -> None:
    content = Content.load(messages)
    assert content.catalogue.text("purpose.news", "en") == "News"
    assert content.keywords.match("stop") is Keyword.STOP
    assert content.places.country_name("LS", "en") == "Lesotho"
    assert content.formats.format_number(1000, "en") == "1,000"
    assert "announcement" in content.templates
