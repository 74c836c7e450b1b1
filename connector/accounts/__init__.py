"""Accounts and permissions: roles, sign-in, one-time links, sessions, access checks and the audit trail."""
