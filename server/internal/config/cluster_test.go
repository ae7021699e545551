package config

import "testing"

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
