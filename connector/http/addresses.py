"""The rule on the addresses that may be reached: public ones, and those in networks that a setting allows."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import AddressNotAllowedError
from ..i18n import lazy_gettext as _l

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# One row of getaddrinfo: family, type, protocol, canonical name, socket address.
Candidate = tuple[Any, ...]

# RFC 4291: this block is the only global unicast block of IPv6. RFC 6052: the last 32 bits of an address in this block
# are an IPv4 address.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# RFC 8215: a NAT64 block for local use. Only a setting that names this block allows it.
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")

# These blocks are in the special-purpose registries of IANA (RFC 6890, RFC 9637), but older releases of Python treat
# them as public.
_NOT_PUBLIC_EITHER = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv6Network("3fff::/20"))

# No setting allows these networks. They hold no repository, and their services reveal secrets of the machine or act for
# it: the unspecified, link-local (with the metadata service of most clouds) and multicast addresses, and the services
# of Azure, AWS (IPv6), Alibaba and Oracle that have other addresses.
_NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "168.63.129.16/32",
        "100.100.100.200/32",
        "192.0.0.192/32",
        "::/128",
        "fe80::/10",
        "ff00::/8",
        "fd00:ec2::/32",
        "fd20:ce::254/128",
    )
)


@dataclass(frozen=True)
class _Refusal:
    """Why an address may not be reached: sentences on an address, on a host that is one, and on a host name."""

    of_address: str
    of_literal: str
    of_host: str


_OWN = _Refusal(
    _l("The address %(address)s belongs to the machine or its cloud, and is never reached."),
    _l("%(host)s belongs to the machine or its cloud, and is never reached."),
    _l("%(host)s leads to the address %(address)s, which belongs to the machine or its cloud, and is never reached."),
)
_PRIVATE = _Refusal(
    _l(
        "The address %(address)s is not public and may not be reached. "
        "The setting CONNECTOR_ALLOWED_NETWORKS would allow it."
    ),
    _l("%(host)s is not public and may not be reached. The setting CONNECTOR_ALLOWED_NETWORKS would allow it."),
    _l(
        "%(host)s leads to the address %(address)s, which is not public and may not be reached. "
        "The setting CONNECTOR_ALLOWED_NETWORKS would allow it."
    ),
)


@dataclass(frozen=True)
class AddressRule:
    """A rule that allows public addresses and those in `networks`. `resolve` has the form of `socket.getaddrinfo`."""

    networks: tuple[_Network, ...]
    resolve: Callable[..., Iterable[Candidate]] = socket.getaddrinfo

    def check(self, ip: str) -> None:
        """Raise AddressNotAllowedError unless `ip`, a literal IPv4 or IPv6 address, may be reached."""
        if refusal := self._refusal(ip):
            raise AddressNotAllowedError(refusal.of_address % {"address": ip})

    def check_literal(self, host: str) -> None:
        """Check a host that is an address in any form that a resolver accepts (0x7f.1, 2130706433). Host names pass.

        Raise AddressNotAllowedError if the address may not be reached.
        """
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (socket.gaierror, UnicodeError):
            return
        for *_, address in found:
            self.check(str(address[0]))

    def candidates(self, host: str, port: int) -> list[Candidate]:
        """Return all addresses of `host`, each one checked.

        Raise AddressNotAllowedError if one of them is not allowed, gaierror if the host cannot be resolved.
        """
        try:
            found = list(self.resolve(host, port, type=socket.SOCK_STREAM))
        except UnicodeError as error:  # a label that is empty or longer than 63 characters
            raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
        for *_, address in found:
            if refusal := self._refusal(address[0]):
                sentence = refusal.of_literal if host == address[0] else refusal.of_host
                raise AddressNotAllowedError(sentence % {"host": host, "address": address[0]})
        return found

    def _refusal(self, ip: str) -> _Refusal | None:
        address = _reached(ipaddress.ip_address(ip))
        translated = _last_bits(address) if address in _LOCAL_NAT64 else address
        if any(translated in network for network in _NEVER):
            return _OWN
        if _is_public(address) or any(address in network for network in self.networks):
            return None
        return _PRIVATE


ANYWHERE = AddressRule((ipaddress.IPv4Network("0.0.0.0/0"), ipaddress.IPv6Network("::/0")))


def _reached(address: _IP) -> _IP:
    """Return the IPv4 address that an IPv6 address stands for (mapped, 6to4, NAT64), or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return _last_bits(address)
    return address.ipv4_mapped or address.sixtofour or address


def _last_bits(address: _IP) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _is_public(address: _IP) -> bool:
    if address.is_multicast or not address.is_global:
        return False
    if any(address in network for network in _NOT_PUBLIC_EITHER):
        return False
    return isinstance(address, ipaddress.IPv4Address) or address in _GLOBAL_UNICAST
