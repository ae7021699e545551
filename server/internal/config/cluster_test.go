package config

import (
	"strings"
	"testing"
)

func TestMessageQueue(t *testing.T) {
	expect(t, mustParse(t, env()), "MessageQueue", "")
	for _, url := range []string{
		"redis://", "redis://h:6379/0", "redis://user:secret@h", "rediss://:secret@h:6380/2?skip_verify=true", "unix:///run/redis.sock?db=1",
		"redis+sentinel://h:26379?master_name=m&addr=h2:26379&password=secret", "rediss+cluster://h:7000?addr=h2:7001",
	} {
		expect(t, mustParse(t, env(), "--message-queue="+url), "MessageQueue", url)
		expect(t, mustParse(t, env(envName("message-queue"), url)), "MessageQueue", url)
	}
	c := mustParse(t, env(envName("message-queue-optional"), "yes"), "--message-queue=redis://")
	expect(t, c, "MessageQueueOptional", true)
	expect(t, mustParse(t, env()), "MessageQueueOptional", false)
	refused(t, []string{"--message-queue-optional"}, env(), "--message-queue-optional", "--message-queue is missing")
	refused(t, []string{"--message-queue=redis://", "--message-queue-optional=maybe"}, env(), "--message-queue-optional", "true or false")
}

// A URL holds a password, at a place that one can get wrong: nothing of it is shown.
func TestMessageQueueIsNotRepeated(t *testing.T) {
	for url, why := range map[string]string{
		"kafka://:secret@h": "redis://", "h:6379": "redis://", "redis://:se/cret@h/0": "%2F", "redis://:secret@h/zero": "redis://",
		"redis://h?secret=1": "redis://", "redis://u:12?secret@h": "redis://", "redis+sentinel://:secret@h:1": "master_name",
		"redis+x://:secret@h": "redis://", "redis://:secret%zz@h": "redis://", "redis://\x7f:secret@h": "redis://", "secret": "redis://",
	} {
		for _, getenv := range []func(string) string{env(), env(envName("message-queue"), url)} {
			var args []string
			source := envName("message-queue")
			if getenv(source) == "" {
				args, source = []string{"--message-queue", url}, "--message-queue"
			}
			refused(t, args, getenv, source, why)
			if _, err := Parse(args, getenv); strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "cret@") {
				t.Errorf("the error repeats a secret: %v", err)
			}
		}
	}
}

func clusterURLSample() sample {
	return sample{"cluster-url", "ClusterURL", "", []good{{"off", "off"}, {"", ""}}, map[string]string{
		"10.0.0.7:5000": "must be off, http://", "ftp://h": "must be off", "unix:/run/a.sock": "must be off", "http://h/path": "without a path",
		"http://u:secret@h": "must be off", "http://": "must be off", "OFF": "must be off", "http://h:5000": "--message-queue is missing",
	}}
}

func TestClusterURL(t *testing.T) {
	for url, want := range map[string]string{
		"http://10.0.0.7:5000": "http://10.0.0.7:5000", "https://a.example/": "https://a.example:443", "http://[fd00::1]": "http://[fd00::1]:80",
	} {
		expect(t, mustParse(t, env(), "--message-queue=redis://", "--cluster-url="+url), "ClusterURL", want)
	}
}
