package main

import "github.com/thejerf/suture/v4"

// named is a service that the supervisor knows by its name. Of one without, suture prints all that
// it holds where it ends too late: its whole configuration, secrets and all.
type named struct {
	suture.Service
	name string
}

func (n named) String() string { return n.name }
