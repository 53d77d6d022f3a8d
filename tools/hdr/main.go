// Reads a histogram log with HdrHistogram's own Go library, for tests: `hdr-read FILE` prints a
// line of JSON for each interval, in microseconds, and one for the sum of each tag.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/HdrHistogram/hdrhistogram-go"
)

type told struct {
	Tag     string  `json:"tag"`
	StartMs int64   `json:"start_ms"`
	EndMs   int64   `json:"end_ms"`
	Sum     bool    `json:"sum"`
	Count   int64   `json:"count"`
	Values  []int64 `json:"values"`
	Max     int64   `json:"max"`
}

func main() {
	if err := read(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "hdr-read:", err)
		os.Exit(1)
	}
}

func read(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	out := json.NewEncoder(os.Stdout)
	sums := map[string]*hdrhistogram.Histogram{}
	for reader := hdrhistogram.NewHistogramLogReader(file); ; {
		found, err := reader.NextIntervalHistogram()
		if err != nil {
			return err
		}
		if found == nil {
			break
		}
		if err := out.Encode(tell(found, false)); err != nil {
			return err
		}
		sum, there := sums[found.Tag()]
		if !there {
			sum = hdrhistogram.New(1, found.HighestTrackableValue(), int(found.SignificantFigures()))
			sum.SetTag(found.Tag())
			sums[found.Tag()] = sum
		}
		if dropped := sum.Merge(found); dropped != 0 {
			return fmt.Errorf("%s: %d values do not fit", found.Tag(), dropped)
		}
	}
	for _, sum := range sums {
		if err := out.Encode(tell(sum, true)); err != nil {
			return err
		}
	}
	return nil
}

func tell(h *hdrhistogram.Histogram, sum bool) told {
	return told{
		Tag: h.Tag(), StartMs: h.StartTimeMs(), EndMs: h.EndTimeMs(), Sum: sum, Count: h.TotalCount(),
		Values: h.ValueAtPercentilesSlice([]float64{50, 95, 99, 99.9}), Max: h.Max(),
	}
}
