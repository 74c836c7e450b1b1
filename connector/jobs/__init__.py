"""The job engine: create, claim, stop, resume, recover, schedule, notify, delete old history."""
