package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/thejerf/suture/v4"
)

type configuration struct{ password string }

// awkward holds a secret, fails as often as it is asked to, and ends too late.
type awkward struct {
	configuration *configuration
	failures      chan func() error
}

func (a awkward) Serve(context.Context) error {
	select {
	case fail := <-a.failures:
		return fail()
	case <-time.After(2 * time.Second):
		return nil
	}
}

func TestWhatAServiceHoldsIsNotTold(t *testing.T) {
	failures := make(chan func() error, 2)
	failures <- func() error { return errors.New("ended") }
	failures <- func() error { panic("broke") }
	told := make(chan suture.Event, 8)
	supervisor := suture.New("drive", suture.Spec{
		EventHook: func(event suture.Event) { told <- event },
		Timeout:   10 * time.Millisecond,
	})
	supervisor.Add(named{awkward{&configuration{"hemmelig"}, failures}, "users"})
	ctx, stop := context.WithCancel(context.Background())
	ended := supervisor.ServeBackground(ctx)
	seen := map[suture.EventType]bool{}
	for range 2 {
		seen[read(t, told)] = true
	}
	stop()
	<-ended
	seen[read(t, told)] = true
	for _, kind := range []suture.EventType{
		suture.EventTypeServiceTerminate, suture.EventTypeServicePanic, suture.EventTypeStopTimeout,
	} {
		if !seen[kind] {
			t.Errorf("no event of type %d came", kind)
		}
	}
}

// read returns the type of the next event, and looks at what it says.
func read(t *testing.T, told <-chan suture.Event) suture.EventType {
	t.Helper()
	select {
	case event := <-told:
		line := event.String()
		if strings.Contains(line, "hemmelig") {
			t.Errorf("a secret is told: %s", line)
		}
		if !strings.Contains(line, "users") {
			t.Errorf("the service is not named: %s", line)
		}
		return event.Type()
	case <-time.After(10 * time.Second):
		t.Fatal("no event came")
		return 0
	}
}
