"""Pages of accounts: sign-in, users, two-step sign-in, audit trail."""
