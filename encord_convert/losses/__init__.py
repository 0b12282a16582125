"""What could not be carried, as data: told, counted, compared."""
