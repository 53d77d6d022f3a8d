"""The program that `pulumi up` runs: wiring only."""

import pulumi

from klokken.errors import KlokkenError
from klokken.stackconfig import StackConfig
from stacks.site import Site, secrets_of
from stacks.substrate import stand

stack = pulumi.get_stack()
try:
    config = StackConfig.read(stack)
    hosts = stand(stack, config)
except KlokkenError as error:
    raise pulumi.RunError(str(error)) from None

Site(stack, config, hosts, secrets_of(pulumi.Config()))
pulumi.export("hosts", {name: own["ansible_host"] for name, own in hosts.own.items()})
