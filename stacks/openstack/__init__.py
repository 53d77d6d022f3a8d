"""The substrate `openstack`: servers of an OpenStack cloud."""
