"""The job engine. It creates, claims, stops, resumes, recovers and reports jobs. Kinds of jobs declare what differs."""
