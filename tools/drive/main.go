// Command drive is ownCloud Infinite Scale 2.0.0 without its own identity provider: the same
// services, settings and data as the official binary, for sites that log in elsewhere. The
// identity provider is left out because modules that it needs are no longer published.
//
// It takes the two commands of the official binary that a site needs, with the same meaning:
//
//	drive init     write a configuration with fresh secrets to OCIS_CONFIG_DIR
//	drive server   run the services that OCIS_RUN_SERVICES lists, until a signal comes
package main

import (
	"fmt"
	"os"

	"github.com/owncloud/ocis/v2/ocis-pkg/config/defaults"
	ocisinit "github.com/owncloud/ocis/v2/ocis/pkg/init"
)

const usage = "usage: drive init | server"

func main() {
	if len(os.Args) < 2 {
		fail(usage)
	}
	var err error
	switch os.Args[1] {
	case "init":
		// Never over an older configuration: its secrets belong to the data.
		err = ocisinit.CreateConfig(false, false, defaults.BaseConfigPath(), os.Getenv("IDM_ADMIN_PASSWORD"))
	case "server":
		err = serve()
	default:
		fail(usage)
	}
	if err != nil {
		fail(err)
	}
}

func fail(reason any) {
	fmt.Fprintf(os.Stderr, "drive: %v\n", reason)
	os.Exit(1)
}
