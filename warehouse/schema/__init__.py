"""Every column, table, code and border type, each declared once."""
