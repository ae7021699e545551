// Command testreport reads what "go test -json" writes and prints what "go test" alone would have printed,
// and at the end every skipped test with its reason.
//
//	-no-skips  exit with 1 if a test was skipped
//	-v         print the output of passing tests too
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// event is a line of go test -json; see "go doc test2json".
type event struct {
	Action, Package, Test, Output string
}

// report holds the output of the tests that have not ended.
type report struct {
	out     io.Writer
	verbose bool
	running map[string]map[string][]string // by package and test
	skipped []string
}

func main() {
	noSkips := flag.Bool("no-skips", false, "exit with 1 if a test was skipped")
	verbose := flag.Bool("v", false, "print the output of passing tests too")
	flag.Parse()
	r := &report{out: os.Stdout, verbose: *verbose, running: make(map[string]map[string][]string)}
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	if len(r.skipped) == 0 {
		return
	}
	fmt.Printf("\nSkipped:\n%s\n", strings.Join(r.skipped, "\n"))
	if *noSkips {
		fmt.Println("FAIL: with CI=true no test may be skipped")
		os.Exit(1)
	}
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		var e event
		switch {
		case line == "":
		case json.Unmarshal([]byte(line), &e) != nil:
			fmt.Fprint(r.out, line)
		default:
			r.handle(e)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) handle(e event) {
	tests, ok := r.running[e.Package]
	if !ok {
		tests = make(map[string][]string)
		r.running[e.Package] = tests
	}
	switch e.Action {
	case "run":
		tests[e.Test] = nil
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		switch {
		case e.Test == "" && e.Output == "PASS\n": // the line "ok" follows
		case e.Test == "" || r.verbose:
			fmt.Fprint(r.out, e.Output)
		case !isProgress(e.Output):
			tests[e.Test] = append(tests[e.Test], e.Output)
		}
	case "skip", "pass", "fail", "bench":
		if e.Test == "" {
			r.printRest(tests, e.Action)
			delete(r.running, e.Package)
			return
		}
		if e.Action == "skip" {
			r.skipped = append(r.skipped, fmt.Sprintf("  %s %s: %s", e.Package, e.Test, reason(tests[e.Test])))
		}
		if e.Action == "fail" || e.Action == "bench" {
			r.print(tests[e.Test])
		}
		delete(tests, e.Test)
	}
}

// printRest prints what is left when a package ends: benchmarks, and tests that a crash cut short.
func (r *report) printRest(tests map[string][]string, verdict string) {
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		if verdict == "fail" {
			fmt.Fprintf(r.out, "--- NOT ENDED: %s\n", name)
		}
		r.print(tests[name])
	}
}

// print puts the verdict above what the test said, where go test puts it.
func (r *report) print(output []string) {
	for _, verdict := range []bool{true, false} {
		for _, line := range output {
			if isVerdict(line) == verdict {
				fmt.Fprint(r.out, line)
			}
		}
	}
}

func reason(output []string) string {
	var said []string
	for _, line := range output {
		if !isVerdict(line) {
			said = append(said, strings.TrimSpace(line))
		}
	}
	return strings.Join(said, " ")
}

func isVerdict(line string) bool {
	return strings.HasPrefix(strings.TrimLeft(line, " "), "--- ")
}

// isProgress says whether a line is one of those that only go test -v prints.
func isProgress(line string) bool {
	return strings.HasPrefix(line, "=== ")
}
