package hardening

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// adminLogin connects to the Admin UI's namespace from an address of this machine and returns what
// the login is answered.
func adminLogin(addr, from, password string) (string, error) {
	dialer := net.Dialer{Timeout: testkit.Deadline, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := dialer.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	ws, err := testkit.ShakeHands(conn, testkit.UpgradeRequest(addr, testkit.WebSocketPath, nil))
	if err != nil {
		return "", err
	}
	c := &testkit.LoadClient{Addr: addr, EIO: 4, WS: ws}
	if _, err := c.Next(); err != nil {
		return "", err
	}
	if err := c.Send(fmt.Sprintf(`40/admin,{"username":"root","password":%q}`, password)); err != nil {
		return "", err
	}
	return c.Next()
}

const admitted = `40/admin,{"sid":`

// Attack: five wrong logins from the address that the administrator has as well, who was then shut
// out for a minute, again and again.
func TestHardeningAdminIsNotLockedOut(t *testing.T) {
	t.Parallel()
	hash, err := bcrypt.GenerateFromPassword([]byte(testkit.AdminPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	server := harness.Start(t, "--admin-user", "root", "--admin-password-hash", string(hash))
	for range 2 {
		for range 6 {
			if got, err := adminLogin(server.Addr, "127.0.0.1", "wrong"); err != nil || !strings.Contains(got, "invalid credentials") {
				t.Fatalf("a wrong password was answered %q, %v", got, err)
			}
		}
		if got, err := adminLogin(server.Addr, "127.0.0.1", testkit.AdminPassword); err != nil || !strings.HasPrefix(got, admitted) {
			t.Fatalf("the right password was answered %q, %v", got, err)
		}
	}
}

// costlyHash is a hash that takes a while to check here, and how long that is.
func costlyHash(t *testing.T) (hash []byte, one time.Duration) {
	t.Helper()
	for cost := bcrypt.MinCost; one < 60*time.Millisecond; cost++ {
		var err error
		began := time.Now()
		if hash, err = bcrypt.GenerateFromPassword([]byte(testkit.AdminPassword), cost); err != nil {
			t.Fatal(err)
		}
		one = time.Since(began)
	}
	return hash, one
}

// Attack: logins from many addresses at once. They took all of one processor for as long as they
// went on.
func TestHardeningFloodOfAdminLogins(t *testing.T) {
	hash, one := costlyHash(t)
	server := harness.Start(t, "--admin-user", "root", "--admin-password-hash", string(hash))
	unharmed := testkit.Bystander(t, server.Addr)
	if got, err := adminLogin(server.Addr, "127.0.1.1", testkit.AdminPassword); err != nil || !strings.HasPrefix(got, admitted) {
		t.Fatalf("the administrator was answered %q, %v", got, err)
	}
	var mu sync.Mutex
	answers := map[string]int{}
	began := time.Now()
	err := testkit.Each(120, 60, func(i int) error {
		got, err := adminLogin(server.Addr, fmt.Sprintf("127.0.2.%d", i+1), "wrong")
		mu.Lock()
		defer mu.Unlock()
		switch {
		case strings.Contains(got, "invalid credentials"):
			answers["checked"]++
		case strings.Contains(got, "too many logins at once"):
			answers["refused"]++
		default:
			return fmt.Errorf("answered %q: %w", got, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	unharmed("a flood of logins")
	if got, err := adminLogin(server.Addr, "127.0.2.1", testkit.AdminPassword); err != nil || !strings.HasPrefix(got, admitted) {
		t.Errorf("the administrator was answered %q, %v, after the flood", got, err)
	}
	t.Logf("%v within %v, each check takes %v", answers, took, one)
	// Each counts as 50 ms at least, which is 250 ms at a fifth of the time; and a few at once.
	if most := 16 + int(took/(250*time.Millisecond)); answers["checked"] > most {
		t.Errorf("%d passwords were checked, want %d at most", answers["checked"], most)
	}
}
