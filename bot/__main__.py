"""`python -m bot` is `outreach`."""

from bot.cli import main

main()
