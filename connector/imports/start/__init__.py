"""How imports start: their options, schedules, retries, and the choice of items in a preview."""
