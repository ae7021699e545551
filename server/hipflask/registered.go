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
		if err != nil {
			return
		}
		if place, is := ginPanic(); is {
			err = fmt.Errorf("%sroute refused: %v", place, recover())
		}
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

// ginPanic reports, in a deferred function, whether a function of gin's panics, and names the place
// in the application that called it.
func ginPanic() (place string, is bool) {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	panics, more := false, true
	for more {
		var frame runtime.Frame
		frame, more = frames.Next()
		isGin := strings.HasPrefix(frame.Function, ginPackage)
		switch {
		case !panics:
			panics = frame.Function == "runtime.gopanic"
		case isGin:
			is = true
		case !is:
			return "", false
		case !strings.HasSuffix(frame.Function, ".(*App).Files"):
			return fmt.Sprintf("%s:%d: ", filepath.Base(frame.File), frame.Line), true
		}
	}
	return "", is
}
