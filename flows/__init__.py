"""The only home of the network, of secrets and of Prefect: sources, steps, flows and the command line."""
