package socketio

import (
	"context"
	"runtime/debug"
)

// Go runs a background task: a goroutine that has to end when its context does, which is when the
// server shuts down. Its Flask counterpart is socketio.start_background_task. In a registration it
// begins once the server listens.
func (s *Server) Go(task func(ctx context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held {
		s.later = append(s.later, task)
		return
	}
	s.begin(task)
}

// release begins the tasks that were held back.
func (s *Server) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, task := range s.later {
		s.begin(task)
	}
	s.held, s.later = false, nil
}

// aside runs something beside what called it. It reports false when the server has ended.
func (s *Server) aside(run func()) bool {
	return s.begin(func(context.Context) { run() })
}

func (s *Server) begin(task func(ctx context.Context)) bool {
	s.beginning.Lock()
	defer s.beginning.Unlock()
	if s.over {
		return false
	}
	s.tasks.Go(func() { s.guard(func() { task(s.life) }, "background task panicked") })
	return true
}

// guard calls a function of the application, whose panic is logged and costs that call alone.
func (s *Server) guard(call func(), failed string, args ...any) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error(failed, append(args, "panic", p, "stack", string(debug.Stack()))...)
		}
	}()
	call()
}

// noMoreTasks has none begin any more: those that have are waited for.
func (s *Server) noMoreTasks() {
	s.beginning.Lock()
	defer s.beginning.Unlock()
	s.over = true
}
