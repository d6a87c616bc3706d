"""Doors that are not there: for trying a broker, a collector and a dashboard."""
