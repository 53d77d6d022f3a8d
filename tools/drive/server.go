package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/owncloud/ocis/v2/ocis-pkg/config"
	"github.com/owncloud/ocis/v2/ocis-pkg/config/parser"
	"github.com/owncloud/ocis/v2/ocis-pkg/registry"
	"github.com/owncloud/ocis/v2/ocis-pkg/service/grpc"
	"github.com/thejerf/suture/v4"
)

const (
	// The proxy and sharing look others up when they start, so they start last.
	headStart = time.Second
	// A service that ends is started again; one that keeps ending takes the process with it, so
	// that systemd sees it.
	mostFailures = 5
	failureDecay = 30
)

var late = map[string]bool{"proxy": true, "sharing": true}

// serve runs the services of OCIS_RUN_SERVICES until SIGTERM or SIGINT.
func serve() error {
	names, err := chosen(os.Getenv("OCIS_RUN_SERVICES"))
	if err != nil {
		return err
	}
	first, err := read()
	if err != nil {
		return err
	}
	registry.Configure("memory")
	if err := grpc.Configure(grpc.GetClientOptions(first.GRPCClientTLS)...); err != nil {
		return err
	}
	// Every service parses the command line again for itself.
	os.Args = []string{os.Args[0], "server"}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	broken := make(chan string, 1)
	supervisor := suture.New("drive", suture.Spec{
		EventHook:        func(event suture.Event) { report(event, broken) },
		FailureThreshold: mostFailures,
		FailureDecay:     failureDecay,
	})
	ended := supervisor.ServeBackground(ctx)
	if err := start(supervisor, names, false); err != nil {
		return err
	}
	select {
	case <-time.After(headStart):
	case <-ctx.Done():
	}
	if err := start(supervisor, names, true); err != nil {
		return err
	}
	select {
	case reason := <-broken:
		return errors.New(reason)
	case err := <-ended:
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
}

// start gives the supervisor those of the services that start late, or those that do not.
func start(supervisor *suture.Supervisor, names []string, lateOnes bool) error {
	for _, name := range names {
		if late[name] != lateOnes {
			continue
		}
		// Services change their configuration, so each has one of its own.
		cfg, err := read()
		if err != nil {
			return err
		}
		supervisor.Add(named{services[name](cfg), name})
	}
	return nil
}

func read() (*config.Config, error) {
	cfg := config.DefaultConfig()
	if err := parser.ParseConfig(cfg, false); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return cfg, nil
}

// chosen returns the services that a comma-separated list names.
func chosen(list string) ([]string, error) {
	var names []string
	for _, name := range strings.Split(list, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if services[name] == nil {
			return nil, fmt.Errorf("OCIS_RUN_SERVICES: no service %q; there are: %s", name, strings.Join(known(), ", "))
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("OCIS_RUN_SERVICES: names no service; there are: %s", strings.Join(known(), ", "))
	}
	return names, nil
}

func known() []string {
	names := make([]string, 0, len(services))
	for name := range services {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// report writes what happens to services to the journal, and says when one cannot be kept up.
func report(event suture.Event, broken chan<- string) {
	fmt.Fprintf(os.Stderr, "drive: %s\n", event)
	if event.Type() == suture.EventTypeBackoff {
		select {
		case broken <- "services keep failing; the lines above say which":
		default:
		}
	}
}
