package machine

import (
	"io/fs"
	"math"
	"unsafe"

	"golang.org/x/sys/windows"
)

// memoryStatus is MEMORYSTATUSEX of the Windows API.
type memoryStatus struct {
	length, load                                      uint32
	totalPhysical, availablePhysical                  uint64
	totalPageFile, availablePageFile                  uint64
	totalVirtual, availableVirtual, availableExtended uint64
}

// physical is how much memory the machine has, 0 if nobody knows.
func physical(fs.FS) int64 {
	call := windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx")
	var status memoryStatus
	status.length = uint32(unsafe.Sizeof(status))
	if call.Find() != nil {
		return 0
	}
	ok, _, _ := call.Call(uintptr(unsafe.Pointer(&status)))
	if ok == 0 || status.totalPhysical > math.MaxInt64 {
		return 0
	}
	return int64(status.totalPhysical)
}
