"""Reviews: what is asked, the private file it is read from, the append-only file of decisions, the audit draws.

No network, no models, no Streamlit: the command line and the dashboard's page both work on this.
"""
