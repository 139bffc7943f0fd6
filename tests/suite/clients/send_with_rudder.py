"""Sends through rudder-sdk-python, which is only told the host and the key."""

import sys

from rudderstack.analytics.client import Client

failures = []
client = Client(sys.argv[2], host=sys.argv[1], on_error=lambda error, items: failures.append(error))
client.identify("u1", {"plan": "pro"}, anonymous_id="browser-1")
client.page("u1", "Docs", "Home", {"url": "https://shop.example/"})
client.screen("u1", "App", "Start")
client.group("u1", "g1", {"name": "Initech"})
for number in range(60):
    client.track("renamed", "Order Completed", {"order_id": str(number), "revenue": 1.25, "currency": "USD"})
client.alias("u1", "renamed")
client.shutdown()
sys.exit(str(failures) if failures else 0)
