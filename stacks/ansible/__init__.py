"""Configuring hosts: one Ansible run a tier, as a Pulumi resource."""
