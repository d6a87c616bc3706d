"""A whole fleet on one machine, to look at: broker, collector, dashboard and a few doors."""
