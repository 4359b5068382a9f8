"""A client's end whose TLS is ended here.

On memory buffers, and not by asyncio's own TLS: that cannot begin with bytes that were read already, and ends both directions when a client ends its own.
"""

from __future__ import annotations

import contextlib
import ssl

from mock_june.intercept.hello import Named
from mock_june.intercept.tunnel import Client, Living

CHUNK = 64 * 1024


class TlsClient(Client):
    """A client's end whose TLS is ended here. What it sends and gets through `send` and the tunnel is plain."""

    def __init__(self, living: Living, context: ssl.SSLContext) -> None:
        super().__init__(living)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._shaken = False
        self.failure: ssl.SSLError | None = None
        """What ended the TLS before its time."""

    async def handshake(self) -> bool:
        """Whether the client and we came to terms; waits for it."""
        while not self._shaken and not self.ended:
            await self.changed()
        return self._shaken

    @property
    def asked(self) -> str | None:
        """The name that the client asked for (SNI)."""
        return self._tls.asked if isinstance(self._tls, Named) else None

    def data_received(self, data: bytes) -> None:
        """Records came: the plain bytes in them go on."""
        self._in.write(data)
        try:
            if not self._shaken:
                self._tls.do_handshake()
                self._shaken = True
                self._wake()
            while True:
                plain = self._tls.read(CHUNK)
                if not plain:
                    self.end()
                    break
                self.receive(plain)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.end()
        except ssl.SSLError as error:
            self.failure = error
            self._flush()
            self._transport.close()
            self.end()
            return
        self._flush()

    def send(self, data: bytes) -> None:
        """Sends plain bytes."""
        if self.failure is None and not self._finished and not self._transport.is_closing():
            self._tls.write(data)
            self._flush()

    def finish(self) -> None:
        """Tells the end in TLS too, so that no client takes it for a cut."""
        if self._shaken and not self._finished and self.failure is None:
            with contextlib.suppress(ssl.SSLError):  # it wants the client's own, for which nobody waits
                self._tls.unwrap()
            self._flush()
        super().finish()

    def part(self, *, broken: bool = False) -> None:
        """Closes, as told in TLS too, or breaks off."""
        if not broken:
            self.finish()
        super().part(broken=broken)

    def _flush(self) -> None:
        records = self._out.read()
        if records and not self._finished:  # else TLS has an answer of its own to what the client still sends
            self._transport.write(records)
