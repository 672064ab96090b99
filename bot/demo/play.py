"""The play: what `outreach demo` does, from the first message to the exports."""


def play(*, once: bool, port: int) -> int:
    return 0
