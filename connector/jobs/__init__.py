"""The job engine. It creates, claims, stops, resumes, recovers, schedules and reports jobs, and deletes old history."""
