"""Clusters that exist already: the same scenarios, with probes that run as pods, and nothing left behind."""
