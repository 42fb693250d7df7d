"""Tells a page that asks to log in from the page that was asked for."""

import re

from ingest.fetch.address import Address

_HOSTS = re.compile(
    r"(?:^|\.)(?:login\.(?:microsoftonline|live|windows|salesforce)\.(?:com|net|us|de)|accounts\.google\.com|"
    r"(?:okta|oktapreview|onelogin|auth0|pingidentity|duosecurity)\.com|b2clogin\.com|login\.[\w-]+\.[\w.]+|"
    r"(?:sso|auth|signin|idp)\.[\w-]+\.[\w.]+)$"
)
_PATH = re.compile(
    r"/(?:log-?in|sign-?in|signon|sso|wp-login|sign_in)(?:\.\w+)?/?$|/oauth2?/(?:.+/)?authorize|/saml2?/|/adfs/ls", re.I
)
_PASSWORD = re.compile(rb"<input\b[^>]*\btype\s*=\s*[\"']?password\b", re.I)
_UNSEEN = re.compile(rb"<(script|style|noscript|template)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.I | re.S)
_FEW_WORDS = 250


def is_login(address: Address) -> bool:
    """Whether an address is by its host or path a place to log in."""
    return bool(_HOSTS.search(address.host) or _PATH.search(address.path))


def asks_to_log_in(html: bytes, before: bytes | None) -> bool:
    """Whether an HTML page is a login form in place of content.

    It has a password field and little else; or it has one now, and less than half of what it said `before`.
    """
    if not _PASSWORD.search(html):
        return False
    words = _words(html)
    if before is not None and words < _words(before) / 2:
        return True
    return words < _FEW_WORDS and not (before is not None and _PASSWORD.search(before))


def _words(html: bytes) -> int:
    return len(_UNSEEN.sub(b" ", html).split())
