"""The pages, one module each, each with `show(overview)`."""
