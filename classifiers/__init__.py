"""Pure: text in, typed judgement with the spans that caused it out."""
