"""What imports count, ask and report: kinds of jobs, messages, problems, request log, dashboard, and old history."""
