package capacity

import (
	"testing"

	"hipflask/server/internal/config"
	"hipflask/server/internal/machine"
)

// capacityOf is what these settings come to with so much memory, in MiB, and files.
func capacityOf(t *testing.T, mebibytes int64, files int, args ...string) Capacity {
	t.Helper()
	cfg, err := config.Parse(args, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	return of(cfg, machine.Memory{Bytes: mebibytes << 20, Source: machine.Cgroup}, files)
}

func TestCapacity(t *testing.T) {
	c := capacityOf(t, 4096, 65536)
	if c.sessions < 20_000 || c.webSockets < 20_000 || c.ForClients != 1<<30 {
		t.Errorf("4 GiB and files enough: %v", c)
	}
	for _, files := range []int{1, 2, 3, 16, 64, 100, 128, 300, 1024, 4096, 20_000, 1 << 20} {
		c := capacityOf(t, 4096, files)
		if c.Open < 1 || c.webSockets < 1 || c.Open > files || c.webSockets > c.Open {
			t.Errorf("%d files: %v", files, c)
		}
		if files >= 128 && (files-c.Open < leastKept || c.Open-c.webSockets < leastRequests) {
			t.Errorf("%d files, and too few are kept back: %v", files, c)
		}
	}
	if c := capacityOf(t, 1, 0); c.sessions < 1 || c.Open != 0 || c.webSockets != 0 || c.ForClients < 1 {
		t.Errorf("1 MiB, and files without a limit: %v", c)
	}
	if c := capacityOf(t, 0, 1024); c.sessions != assumedMemory/2/sessionCost || c.ForClients != assumedMemory/4 {
		t.Errorf("memory that nobody knows: %v", c)
	}
}

// A number or off stands for itself.
func TestCapacityThatIsSet(t *testing.T) {
	c := capacityOf(t, 4096, 1024, "--max-connections", "5", "--max-open-connections", "7", "--max-memory-for-clients", "2GiB")
	if c.sessions != 5 || c.webSockets != 0 || c.Open != 7 || c.ForClients != 2<<30 {
		t.Errorf("numbers: %v", c)
	}
	c = capacityOf(t, 4096, 1024, "--max-connections", "off", "--max-open-connections", "off", "--max-memory-for-clients", "off")
	if c.sessions != 0 || c.webSockets != 0 || c.Open != 0 || c.ForClients != 0 {
		t.Errorf("off: %v", c)
	}
	if c := capacityOf(t, 4096, 1024, "--max-open-connections", "100"); c.webSockets != 84 {
		t.Errorf("WebSockets of 100 connections: %v", c)
	}
}
