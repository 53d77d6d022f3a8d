"""The Pulumi programs: what stands up a site, and on what."""
