package hipflask

import (
	"errors"
	"io"
	"strings"
	"testing"

	"hipflask/server/internal/config"
)

// A URL holds a password, at a place that one can get wrong: nothing of it is shown.
func TestMessageQueueIsNotRepeated(t *testing.T) {
	for url, why := range map[string]string{
		"kafka://:secret@h": "redis://", "h:6379": "redis://", "redis://:se/cret@h/0": "%2F", "redis://:secret@h/zero": "redis://",
		"redis://h?secret=1": "redis://", "redis://u:12?secret@h": "redis://", "redis+sentinel://:secret@h:1": "master_name",
		"redis+x://:secret@h": "redis://", "redis://:secret%zz@h": "redis://", "redis://\x7f:secret@h": "redis://", "secret": "redis://",
	} {
		for _, source := range []string{"HIPFLASK_MESSAGE_QUEUE", "--message-queue"} {
			args := []string{"--port=0"}
			if source == "--message-queue" {
				args = append(args, source, url)
			}
			getenv := func(name string) string {
				if name == source {
					return url
				}
				return ""
			}
			err := Run(t.Context(), args, getenv, io.Discard, io.Discard, func(*App) error { return nil })
			var wrong *config.Error
			if !errors.As(err, &wrong) || wrong.Source != source || wrong.Value != "" || !strings.Contains(wrong.Problem, why) {
				t.Errorf("%v, want %s to be blamed, with %q", err, source, why)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "cret@")) {
				t.Errorf("the error repeats a secret: %v", err)
			}
		}
	}
}
