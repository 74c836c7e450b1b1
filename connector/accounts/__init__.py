"""Who may do what: accounts and their roles, one-time links, sessions, the gate before every page, the audit trail."""
