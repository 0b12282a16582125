"""Small things the rest of the SDK shares: enums with forgiving look-ups, and times as text."""
