"""Values the documented SDK fixes."""
