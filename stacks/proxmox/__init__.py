"""The substrate `proxmox`: virtual machines on a cluster that the kommune has."""
