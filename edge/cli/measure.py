"""Placeholder until this family of commands lands."""
