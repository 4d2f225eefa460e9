"""What people say about a pack, kept beside its seal: approvals, withdrawals, reviews."""
