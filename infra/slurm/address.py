"""Print the address by which PEER knows this machine: where packets to it leave from, or that of INTERFACE.

A machine's name is of no use for it: many name themselves 127.0.1.1 in their own /etc/hosts.
"""

import fcntl
import socket
import struct
import sys

ADDRESS_OF_INTERFACE = 0x8915
"""The request SIOCGIFADDR of Linux."""


def main(peer: str, interface: str) -> None:
    """Print the address."""
    try:
        print(_of_interface(interface) if interface else _towards(peer))
    except OSError as error:
        what = f"GRATICULE_INTERFACE is {interface!r}" if interface else f"no way to {peer}"
        sys.exit(f"graticule.sbatch: {what}: {error.strerror}; interfaces: {_interfaces()}")


def _towards(peer: str) -> str:
    family, kind, protocol, _, address = socket.getaddrinfo(peer, 9, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as probe:  # of UDP: no packet is sent
        probe.connect(address)
        return str(probe.getsockname()[0])


def _of_interface(name: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        answer = fcntl.ioctl(probe, ADDRESS_OF_INTERFACE, struct.pack("256s", name.encode()[:15]))
    return socket.inet_ntoa(answer[20:24])


def _interfaces() -> str:
    return ", ".join(name for _, name in socket.if_nameindex())


if __name__ == "__main__":
    main(*sys.argv[1:])
