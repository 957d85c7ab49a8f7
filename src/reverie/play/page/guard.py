"""Who may look: a page of this address alone, and beyond this machine only one who knows the token."""

import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def loopback(host: str) -> bool:
    """Whether nobody but this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """Looks at requests before they are answered."""

    def __init__(self, host: str, token: str) -> None:
        """host is where the server listens; without a token nobody is asked for one."""
        # A name that leads here may be another site's (DNS rebinding). Beyond loopback the token keeps such a site out.
        self._names = HERE | {host} if loopback(host) else None
        self._token = token.encode()

    def stranger(self, connection: HTTPConnection) -> str:
        """Why the connection's names are refused, or nothing."""
        host = connection.headers.get("host", "")
        name = _name(host)
        if self._names is not None and name not in self._names:
            return f"this page is not called '{name[:60]}'; use the address that the command printed"
        origin = connection.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return "a page of another address may not look"
        return ""

    def refusal(self, connection: HTTPConnection) -> str:
        """Why the connection is refused, or nothing."""
        given = connection.query_params.get("token", "").encode()
        if self._token and not hmac.compare_digest(given, self._token):
            return "the token is missing or wrong; use the address that the command printed"
        return self.stranger(connection)


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
