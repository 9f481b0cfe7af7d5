"""The dashboard: Streamlit pages over a published snapshot."""
