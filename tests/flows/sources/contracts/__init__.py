"""What platforms publish of their own interfaces, cut to the parts we use, and what is validated against it."""
