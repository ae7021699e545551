package redistest

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"hipflask/testdata/testkit"
)

// Fake is what speaks Redis' protocol and answers as a test says, in the place of a version of
// Redis that is not installed, or of its clock. answer gets each command, its name in capitals, and
// returns what goes back, such as "+OK\r\n". It may be called by several goroutines.
func Fake(t testing.TB, answer func(command []string) string) (addr string) {
	t.Helper()
	return testkit.Serve(t, func(conn net.Conn) {
		for in := bufio.NewReader(conn); ; {
			command, err := readCommand(in)
			if err != nil {
				return
			}
			if _, err := io.WriteString(conn, answer(command)); err != nil {
				return
			}
		}
	})
}

// readCommand reads a command as clients send it: an array of strings.
func readCommand(in *bufio.Reader) ([]string, error) {
	n, err := readLength(in, "*")
	if err != nil {
		return nil, err
	}
	command := make([]string, n)
	for i := range command {
		size, err := readLength(in, "$")
		if err != nil {
			return nil, err
		}
		text := make([]byte, size+len("\r\n"))
		if _, err := io.ReadFull(in, text); err != nil {
			return nil, err
		}
		command[i] = string(text[:size])
	}
	if n > 0 {
		command[0] = strings.ToUpper(command[0])
	}
	return command, nil
}

func readLength(in *bufio.Reader, kind string) (int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(line), kind))
}
