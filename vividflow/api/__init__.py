"""The counters of the REST API: one resource a file. Addresses are in api_router.py, and nowhere here."""
