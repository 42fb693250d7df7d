"""Fetching: politely, within bounds, from public https addresses that the sources name."""

from ingest.fetch.web import WebFetcher

__all__ = ["WebFetcher"]
