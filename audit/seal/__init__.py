"""The seal: what a pack is, said so that tools which every auditor has can check it."""
