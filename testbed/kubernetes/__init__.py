"""Kubernetes in the lab: Docker, kind, the nodes in their sites, what joins their pods, and what the cluster says."""
