"""The calls run in another environment: nothing here can import them."""

collect_ignore = ["calls"]
