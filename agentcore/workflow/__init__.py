"""The research workflow: plan, seek in parallel, reflect, write with citations."""
