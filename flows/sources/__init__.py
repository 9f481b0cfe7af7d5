"""Where posts come from: one module per source, each with a page on what it cannot see."""
