"""Reading for an answer: two-hop retrieval, sentence selection, candidate spans, and the choice among them."""
