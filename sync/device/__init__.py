"""The device's rim: encrypted store, transport, facade and command line."""

from typing import Final

VERSION: Final = "0.1.0"
