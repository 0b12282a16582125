"""How requests reach the service: routes, signatures, envelopes, retries, and the seam where bytes leave."""
