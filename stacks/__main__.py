"""The program that `pulumi up` runs: wiring only."""

import pulumi

from klokken.errors import KlokkenError
from klokken.stackconfig import StackConfig
from stacks.lab.component import Lab, reach
from stacks.site import Site

stack = pulumi.get_stack()
try:
    config = StackConfig.read(stack)
except KlokkenError as error:
    raise pulumi.RunError(str(error)) from None

secrets = pulumi.Config().require_secret_object("secrets")
lab = Lab(stack, config.site)
site = Site(stack, config, lab.instances, reach(stack), secrets)
pulumi.export("hosts", {name: str(h.ansible_host) for name, h in site.inventory.hosts().items()})
