"""The dashboard: pages for people, rendered here, with nothing from other hosts."""
