"""Starts a kernel for a job and hears how it ends."""
