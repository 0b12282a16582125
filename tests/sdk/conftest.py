"""What runs in the environment of another package cannot be imported here."""

collect_ignore = ["official_rows.py"]
