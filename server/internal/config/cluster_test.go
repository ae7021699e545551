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

// What Python's processes say must not be taken for what servers say to each other.
func TestChannelIsApartFromTheServers(t *testing.T) {
	for _, channel := range []string{"shop#/#", "shop-request#x", "shop-response#"} {
		refused(t, []string{"--cluster-prefix=shop", "--channel", channel}, env(), "--channel", "--cluster-prefix")
		expect(t, mustParse(t, env(), "--channel", channel), "Channel", channel)
	}
	expect(t, mustParse(t, env(), "--cluster-prefix=shop", "--channel=shop"), "Channel", "shop")
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
