"""What flows between formats: label sets, tables, and what is known of images."""
