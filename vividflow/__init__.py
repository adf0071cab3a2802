"""Vivid Flow: a self-hosted video generation studio and API."""

__version__ = "0.1.0"
