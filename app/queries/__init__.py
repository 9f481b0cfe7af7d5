"""What the pages read from a snapshot: rows and figures, no Streamlit; kept by snapshot where it costs something."""
