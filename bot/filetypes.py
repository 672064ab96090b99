"""What a file is, by its content: a name and a declared type are only what somebody says."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

HEAD = 64 * 1024  #: bytes from the beginning that are enough to tell
_ZIP = b"PK\x03\x04"
#: Frames of a JPEG that say how large it is.
_JPEG_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file that we take."""

    content_type: str
    extension: str
    kind: Literal["image", "audio", "video", "document"]


JPEG, PNG = FileType("image/jpeg", ".jpg", "image"), FileType("image/png", ".png", "image")
PDF = FileType("application/pdf", ".pdf", "document")
_AUDIO_MP4, _MP4 = FileType("audio/mp4", ".m4a", "audio"), FileType("video/mp4", ".mp4", "video")
_WORD = "application/vnd.openxmlformats-officedocument"
_BRANDS: Mapping[bytes, FileType] = {
    b"heic": FileType("image/heic", ".heic", "image"),
    b"heix": FileType("image/heic", ".heic", "image"),
    b"mif1": FileType("image/heic", ".heic", "image"),
    b"M4A ": _AUDIO_MP4,
    b"M4B ": _AUDIO_MP4,
    b"qt  ": FileType("video/quicktime", ".mov", "video"),
    b"3gp4": FileType("video/3gpp", ".3gp", "video"),
    b"3gp5": FileType("video/3gpp", ".3gp", "video"),
    b"3gp6": FileType("video/3gpp", ".3gp", "video"),
}
_PACKED: Mapping[bytes, FileType] = {
    b"word/": FileType(f"{_WORD}.wordprocessingml.document", ".docx", "document"),
    b"xl/": FileType(f"{_WORD}.spreadsheetml.sheet", ".xlsx", "document"),
    b"ppt/": FileType(f"{_WORD}.presentationml.presentation", ".pptx", "document"),
}
_BEGINNINGS: tuple[tuple[bytes, FileType], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", FileType("image/gif", ".gif", "image")),
    (b"GIF89a", FileType("image/gif", ".gif", "image")),
    (b"%PDF-", PDF),
    (b"OggS", FileType("audio/ogg", ".ogg", "audio")),
    (b"ID3", FileType("audio/mpeg", ".mp3", "audio")),
    (b"#!AMR", FileType("audio/amr", ".amr", "audio")),
    (b"\x1aE\xdf\xa3", FileType("video/webm", ".webm", "video")),
    (b"BEGIN:VCARD", FileType("text/vcard", ".vcf", "document")),
)
#: The first two bytes of a bare stream: MPEG layer 3, and AAC.
_FRAMES: Mapping[bytes, FileType] = {
    **dict.fromkeys((b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"), FileType("audio/mpeg", ".mp3", "audio")),
    **dict.fromkeys((b"\xff\xf1", b"\xff\xf9"), FileType("audio/aac", ".aac", "audio")),
}


_RIFF: Mapping[bytes, FileType] = {
    b"WEBP": FileType("image/webp", ".webp", "image"),
    b"WAVE": FileType("audio/wav", ".wav", "audio"),
}
#: content type -> how the name of such a file ends
EXTENSIONS: Mapping[str, str] = {
    found.content_type: found.extension
    for table in (dict(_BEGINNINGS), _BRANDS, _PACKED, _FRAMES, _RIFF, {b"": _MP4})
    for found in table.values()
}


def of(head: bytes) -> FileType | None:
    """Return what the first `HEAD` bytes of a file show, or None for what we do not take: programs, pages, archives."""
    for beginning, found in _BEGINNINGS:
        if head.startswith(beginning):
            return found
    for look in (_riff, _mp4, _office):
        if container := look(head):
            return container
    return _FRAMES.get(head[:2])


def _riff(head: bytes) -> FileType | None:
    return _RIFF.get(head[8:12]) if head.startswith(b"RIFF") else None


def _mp4(head: bytes) -> FileType | None:
    return _BRANDS.get(head[8:12], _MP4) if head[4:8] == b"ftyp" else None


def _office(head: bytes) -> FileType | None:
    """Tell office documents without macros; a macro's file bears another type inside."""
    if not head.startswith(_ZIP) or b"vbaProject" in head:
        return None
    return next((found for folder, found in _PACKED.items() if folder in head), None)


def dimensions(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG or JPEG in pixels, or None when they cannot be read."""
    found = of(data[:HEAD])
    try:
        if found == PNG:
            return _png_size(data)
        return _jpeg_size(data) if found == JPEG else None
    except (struct.error, IndexError):
        return None


def _png_size(data: bytes) -> tuple[int, int]:
    return struct.unpack(">II", data[16:24])


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while data[at] == 0xFF:
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])[0]
        if marker in _JPEG_SIZES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None
