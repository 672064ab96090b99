"""What makes a browser protect our pages: headers, and a token in every form."""

import hmac

#: Nothing from elsewhere, nothing inline, never inside a frame of somebody else's page.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def form_token(secret: bytes, visitor: str) -> str:
    """Return the token that proves a form came from a page we made for this visitor."""
    return hmac.digest(secret, b"form:" + visitor.encode(), "sha256").hex()


def is_form_token(secret: bytes, visitor: str, given: str) -> bool:
    """Tell whether the token is this visitor's."""
    return hmac.compare_digest(form_token(secret, visitor).encode(), given.encode())


def local_path(given: str, default: str) -> str:
    """Return `given` when it leads to a console page, else `default`: a link must not send staff elsewhere."""
    safe = given.startswith("/console/") and "\\" not in given and "//" not in given
    return given if safe else default


def path_of(address: str) -> str:
    """Return the path of an address, however broken it is."""
    return "/" + address.partition("?")[0].partition("//")[2].partition("/")[2]
