package hipflask

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"hipflask/server/internal/stall"
	"hipflask/testdata/testkit"
)

// brief limits what stands still to a part of a second.
func brief(a *server) {
	a.front.stall = stall.Limits{Read: 200 * time.Millisecond, Write: 200 * time.Millisecond}
}

// An answer, and a body, may take as long as they like while something moves.
func TestLongAnswersAreNotCut(t *testing.T) {
	const pieces = 20
	r := start(t, func(app *App) error {
		app.Router.GET("/stream", func(c *gin.Context) {
			sent := 0
			c.Stream(func(w io.Writer) bool {
				time.Sleep(50 * time.Millisecond) // together longer than the limit
				_, _ = fmt.Fprint(w, "piece ")
				sent++
				return sent < pieces
			})
		})
		app.Router.GET("/late", func(c *gin.Context) {
			_, _ = c.Writer.WriteString("begun ") // stays in a buffer
			time.Sleep(time.Second)               // longer than the limit
		})
		app.Router.POST("/body", func(c *gin.Context) {
			body, err := io.ReadAll(c.Request.Body)
			time.Sleep(500 * time.Millisecond) // longer than the limit
			c.String(200, "%d %v %v", len(body), err, c.Request.Context().Err())
		})
		return nil
	}, brief)
	if got := r.ask(t, "GET", "/stream"); strings.Count(got.body, "piece") != pieces {
		t.Errorf("answered %v", got)
	}
	if got := r.ask(t, "GET", "/late"); got.body != "begun" {
		t.Errorf("answered %v", got)
	}
	slow, feed := io.Pipe()
	go func() {
		for range pieces {
			time.Sleep(20 * time.Millisecond) // together longer than the limit
			_, _ = feed.Write([]byte("0123456789"))
		}
		_ = feed.Close()
	}()
	resp, err := http.Post(r.url+"/body", "text/plain", slow)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "200 <nil> <nil>" || resp.Close {
		t.Errorf("answered %q, %v, closed: %v", body, err, resp.Close)
	}
}

// A client that stops reading its answer, or sending its body, does not hold the handler.
func TestStalledClientsAreCut(t *testing.T) {
	ended := make(chan error, 1)
	r := start(t, func(app *App) error {
		app.Router.GET("/endless", func(c *gin.Context) {
			block := make([]byte, 1<<20)
			for {
				if _, err := c.Writer.Write(block); err != nil {
					ended <- err
					return
				}
			}
		})
		app.Router.POST("/body", func(c *gin.Context) {
			_, err := io.ReadAll(c.Request.Body)
			ended <- err
		})
		return nil
	}, brief)
	for _, request := range []string{
		"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsome",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		if err := testkit.Await(t, ended, "end of the handler"); err == nil {
			t.Errorf("%.20q: the handler saw no error", request)
		}
	}
}

// A connection that a route has taken over keeps no limit of ours.
func TestHijackedConnectionsAreFree(t *testing.T) {
	r := start(t, func(app *App) error {
		app.Router.GET("/taken", func(c *gin.Context) {
			conn, _, err := http.NewResponseController(c.Writer).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			go func() {
				defer conn.Close()
				time.Sleep(500 * time.Millisecond) // longer than the limit
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")
			}()
		})
		return nil
	}, brief)
	if got := r.ask(t, "GET", "/taken"); got.body != "mine" {
		t.Errorf("answered %v", got)
	}
}
