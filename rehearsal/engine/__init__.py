"""What a registration becomes: plan, operations, deletions, repair, report."""
