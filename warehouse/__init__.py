"""What the data is and where it rests: schema, raw items, reports, labels, incidents, trends, snapshots."""
