"""The people office: who should be known at which doors. Never on the dashboard's host.

It alone holds the people key, which signs lists of people, and the templates that it seals for each
door. What it publishes is ciphertext to broker, link, collector and dashboard.
"""
