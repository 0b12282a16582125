"""The database of the service: its tables, and every statement that touches them, a module per resource."""
