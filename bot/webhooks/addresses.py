"""Which addresses may be called: nobody may use us to reach what only we can reach."""

import socket
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver, ResolveResult

#: Addresses of IPv6 that stand for one of IPv4, which may be a private one.
_STANDING_IN = tuple(map(ip_network, ("::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet."""
    found = ip_address(address.partition("%")[0])
    standing_in = any(found in network for network in _STANDING_IN if network.version == found.version)
    return found.is_global and not found.is_multicast and not standing_in


def is_public_name(host: str) -> bool:
    """Tell whether a host may be public, before it is looked up: what is no IP address is looked at again then."""
    try:
        return is_public(host)
    except ValueError:
        return "." in host.strip(".") and not host.rstrip(".").endswith((".localhost", ".local", ".internal"))


def public_resolver() -> "AbstractResolver":
    """Return what looks hosts up for the client, whose answers are what it connects to: only public ones are given."""
    from aiohttp.abc import AbstractResolver
    from aiohttp.resolver import ThreadedResolver

    class PublicResolver(AbstractResolver):
        def __init__(self) -> None:
            self._all = ThreadedResolver()

        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> "list[ResolveResult]":
            found = [one for one in await self._all.resolve(host, port, family) if is_public(one["host"])]
            if not found:
                raise OSError("no public address")
            return found

        async def close(self) -> None:
            await self._all.close()

    return PublicResolver()
