SELECT source_id, stream, from_at, to_at FROM coverage WHERE from_at >= to_at
