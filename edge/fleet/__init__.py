"""Many doors on one wall: the collector, its database, and the dashboard. No door imports it."""
