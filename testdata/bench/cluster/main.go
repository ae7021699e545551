// Command cluster measures what the message queue costs: the processor time that the servers, and
// Redis, take for each message that a client gets, and how long a message takes to a client of
// another server.
//
//	go run ./testdata/bench/cluster [-clients 200] [-messages 3000] [-window 16]
//
// It builds the server and starts it alone, and once, twice and three times with each adapter, each
// time with the same clients spread over all of them and one that speaks. It needs redis-server.
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	clients := flag.Int("clients", 200, "clients, over all servers")
	messages := flag.Int("messages", 3000, "messages that one of them says")
	window := flag.Int("window", 16, "messages on their way at a time")
	flag.Parse()
	if err := run(*clients, *messages, *window); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(clients, messages, window int) error {
	dir, err := os.MkdirTemp("", "hipflask")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "hipflask")
	if out, err := exec.Command("go", "build", "-o", binary, "./server").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	fmt.Printf("%d clients, %d messages of 64 bytes, %d on their way at a time\n\n", clients, messages, window)
	fmt.Println("| adapter, servers | CPU µs a delivery, all servers | most of one server | CPU µs a message, Redis | deliveries a second | ms to a client, half | 99 % |")
	fmt.Println("|---|---|---|---|---|---|---|")
	for _, c := range []struct {
		adapter string // none: no queue
		servers int
	}{{"none", 1}, {"redis", 1}, {"redis", 2}, {"redis", 3}, {"redis-streams", 1}, {"redis-streams", 2}, {"redis-streams", 3}} {
		r, err := measure(binary, dir, c.adapter, c.servers, clients, messages, window)
		if err != nil {
			return fmt.Errorf("%s, %d: %w", c.adapter, c.servers, err)
		}
		deliveries := float64(clients * messages)
		fmt.Printf("| %s, %d | %.2f | %.2f | %.1f | %.0f | %.2f | %.2f |\n", c.adapter, c.servers, micros(r.servers)/deliveries, micros(r.most)/deliveries,
			micros(r.redis)/float64(messages), deliveries/r.took.Seconds(), micros(r.part(50))/1000, micros(r.part(99))/1000)
	}
	return nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// result is processor time, the time that passed, and how long each message took.
type result struct {
	servers, most, redis, took time.Duration
	waits                      []time.Duration // the shortest first
}

// part is how long so many of a hundred messages took at most.
func (r *result) part(percent int) time.Duration { return r.waits[(len(r.waits)-1)*percent/100] }

func measure(binary, dir, adapter string, servers, clients, messages, window int) (r result, err error) {
	var args []string
	var redis *process
	if adapter != "none" {
		port, err := freePort()
		if err != nil {
			return r, err
		}
		redis, _, err = start(regexp.MustCompile(`Ready to accept`), "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", dir)
		if err != nil {
			return r, err
		}
		defer func() { r.redis = redis.stop() }()
		args = []string{"--message-queue", "redis://127.0.0.1:" + port, "--cluster-adapter", adapter}
	}
	var all []*process
	var addrs []string
	defer func() {
		for _, p := range all {
			cpu := p.stop()
			r.servers += cpu
			r.most = max(r.most, cpu)
		}
	}()
	for range servers {
		p, found, err := start(regexp.MustCompile(`http://([^\s"]+)`), binary, append([]string{"--port", "0"}, args...)...)
		if err != nil {
			return r, err
		}
		all, addrs = append(all, p), append(addrs, found[1])
	}
	r.took, r.waits, err = talk(addrs, clients, messages, window)
	return r, err
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// process is a running program.
type process struct{ cmd *exec.Cmd }

// start starts a program and waits until it says what it is to say.
func start(sign *regexp.Regexp, name string, args ...string) (*process, []string, error) {
	cmd := exec.Command(name, args...)
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	cmd.Stderr = w
	if strings.HasPrefix(filepath.Base(name), "redis") {
		cmd.Stdout = w
	}
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		return nil, nil, err
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if found := sign.FindStringSubmatch(lines.Text()); found != nil {
			go func() { _, _ = io.Copy(io.Discard, r) }()
			return &process{cmd}, found, nil
		}
	}
	_ = cmd.Wait()
	return nil, nil, errors.New(name + " did not start")
}

// stop ends the program and returns the processor time it took.
func (p *process) stop() time.Duration {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// talk has clients of all servers hear what the first of them says, and returns how long that took,
// and each message to a client of the last server, the shortest first.
func talk(addrs []string, clients, messages, window int) (took time.Duration, waits []time.Duration, err error) {
	all := make([]*client, clients)
	for i := range all {
		c, err := join(addrs[i%len(addrs)])
		if err != nil {
			return 0, nil, err
		}
		defer c.conn.Close()
		all[i] = c
	}
	heard := make(chan error, clients*window)
	var reading sync.WaitGroup
	begin := time.Now()
	var arrived []time.Time
	for i, c := range all {
		reading.Go(func() {
			for range messages {
				err := c.hear()
				if i == len(addrs)-1 {
					arrived = append(arrived, time.Now())
				}
				heard <- err
				if err != nil {
					return
				}
			}
		})
	}
	text := []byte(`42["message","` + strings.Repeat("x", 64) + `"]`)
	var said []time.Time
	for got := 0; got < clients*messages; {
		if len(said) < messages && len(said)-got/clients < window {
			said = append(said, time.Now())
			if err := all[0].say(text); err != nil {
				return 0, nil, err
			}
			continue
		}
		if err := <-heard; err != nil {
			return 0, nil, err
		}
		got++
	}
	took = time.Since(begin)
	reading.Wait()
	for i, at := range arrived {
		waits = append(waits, at.Sub(said[i]))
	}
	slices.Sort(waits)
	return took, waits, nil
}

// client is a socket.io client over WebSocket.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

func join(addr string) (*client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &client{conn, bufio.NewReader(conn)}
	fmt.Fprintf(conn, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", addr)
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if line == "\r\n" {
			break
		}
	}
	if _, err := c.read(); err != nil { // OPEN
		return nil, err
	}
	if err := c.say([]byte("40")); err != nil {
		return nil, err
	}
	_, err = c.read() // CONNECT
	return c, err
}

// say sends a short text, with a mask of zeros.
func (c *client) say(text []byte) error {
	frame := append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
	_, err := c.conn.Write(frame)
	return err
}

// hear reads until a message has come.
func (c *client) hear() error {
	for {
		text, err := c.read()
		if err != nil || strings.HasPrefix(text, "42") {
			return err
		}
	}
}

// read reads a frame of less than 64 KiB.
func (c *client) read() (string, error) {
	var head [2]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return "", err
	}
	n := int(head[1])
	if n == 126 {
		if _, err := io.ReadFull(c.in, head[:]); err != nil {
			return "", err
		}
		n = int(binary.BigEndian.Uint16(head[:]))
	}
	text := make([]byte, n)
	_, err := io.ReadFull(c.in, text)
	return string(text), err
}
