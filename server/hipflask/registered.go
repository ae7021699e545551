package hipflask

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

const ginPackage = "github.com/gin-gonic/gin."

// registered runs a registration and checks its routes. What gin panics for, such as a route that
// stands twice, is an error.
func (f *front) registered(app *App, register func(*App) error) (err error) {
	if register == nil {
		return errors.New("nothing to register: the function is nil")
	}
	defer func() {
		if err != nil || !ginPanics() {
			return
		}
		err = fmt.Errorf("%sroute refused: %v", caller(), recover())
	}()
	if err := register(app); err != nil {
		return err
	}
	for _, route := range f.routes.Routes() {
		if f.ownsPath(route.Path) {
			return fmt.Errorf("route %s %s: %s and what lies beneath is Socket.IO's; see --path", route.Method, route.Path, f.path)
		}
	}
	return nil
}

// ginPanics reports, in a deferred function, whether the function that panics is one of gin's.
func ginPanics() bool {
	frames := stack()
	for {
		frame, more := frames.Next()
		if frame.Function == "runtime.gopanic" {
			frame, _ = frames.Next()
			return strings.HasPrefix(frame.Function, ginPackage)
		}
		if !more {
			return false
		}
	}
}

// caller is the application's place that called the function of gin's that panics.
func caller() string {
	frames, inside := stack(), false
	for {
		frame, more := frames.Next()
		isGin := strings.HasPrefix(frame.Function, ginPackage) || strings.HasSuffix(frame.Function, ".(*App).Files")
		if inside && !isGin {
			return fmt.Sprintf("%s:%d: ", filepath.Base(frame.File), frame.Line)
		}
		inside = inside || isGin
		if !more {
			return ""
		}
	}
}

func stack() *runtime.Frames {
	callers := make([]uintptr, 64)
	return runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
}
