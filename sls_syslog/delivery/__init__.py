"""Station three: what is sent, confirmed and counted; windows, retries, the ledger.

It knows neither sockets nor the SDK.
"""

__all__: list[str] = []
