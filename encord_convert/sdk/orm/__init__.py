"""Records that travel between a client and the server."""
