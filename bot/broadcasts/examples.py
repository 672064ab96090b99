"""The picture and the PDF that WhatsApp's reviewers see above a template's text: a QR code, made when they look."""

from io import BytesIO

from sqlalchemy.orm import Session

from bot.messaging import made

#: Which of the files that are made (`messaging.made`) they are.
KIND = "example"
_NAMES = {"image": "1.png", "document": "1.pdf"}


def reference(kind: str) -> str:
    """Return the reference of the example of a kind of file."""
    return made.reference(KIND, _NAMES[kind])


def make(_db: Session, name: str) -> bytes | None:
    """Return what is in an example."""
    import segno

    if name not in _NAMES.values():
        return None
    drawn = BytesIO()
    segno.make("Example").save(drawn, kind=name.rpartition(".")[2], scale=20)
    return drawn.getvalue()
