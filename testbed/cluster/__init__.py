"""Kubernetes on the lab: so far, the images that nodes and pods are made from."""
