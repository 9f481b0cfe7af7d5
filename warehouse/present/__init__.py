"""Charts and sentences: used by the dashboard, the brief and the site; no Streamlit."""
