"""What an island is made of: layouts, candidates, packed weights, crossings."""
