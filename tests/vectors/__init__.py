"""Conformance vectors: requests and what every adapter makes of them. See docs/adapters.md."""
