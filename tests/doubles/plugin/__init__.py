"""A stand-in for Hetzner's Pulumi plugin, for machines that have not the real one.

It translates resources into requests to the API, as far as our stacks use them, so that Pulumi's
own engine can bring a stack up on the double. What the real plugin does with it is not shown.
"""
