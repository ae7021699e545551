package config

import (
	"errors"
	"strings"
)

// The values of Config.ChannelFormat.
const (
	ChannelAuto   = "auto"
	ChannelJSON   = "json"
	ChannelPickle = "pickle"
)

func cluster(c *Config) []Setting {
	return []Setting{
		{Name: "message-queue", Value: "URL", secret: true, set: text(&c.MessageQueue),
			Meaning: "Redis through which several servers are one, and other processes emit: redis://HOST:6379/0, rediss:// for TLS, " +
				"unix://PATH, redis+sentinel://HOST:26379?master_name=NAME or redis+cluster://HOST:7000."},
		{Name: "message-queue-optional", Default: "false", set: boolean(&c.MessageQueueOptional),
			Meaning: "Start without that Redis when it is not there, and go on trying."},
		{Name: "channel", Value: "NAME", Default: "flask-socketio", set: channel(&c.Channel),
			Meaning: "Channel on which Flask-SocketIO's processes publish; python-socketio's own managers say socketio."},
		{Name: "channel-format", Value: "FORMAT", Default: ChannelAuto, set: channelFormat(&c.ChannelFormat),
			Meaning: "Form of what this server publishes there: json for python-socketio 5.16 and newer, pickle for what is older than 5.14; " +
				"auto is pickle once all that was heard there was."},
	}
}

func channel(field *string) func(string) error {
	return func(v string) error {
		if v == "" || strings.ContainsAny(v, " \t\r\n") || strings.HasPrefix(v, "socket.io") {
			return errors.New("must be a name without white space that does not begin with socket.io, such as flask-socketio")
		}
		*field = v
		return nil
	}
}

func channelFormat(field *string) func(string) error {
	return func(v string) error {
		v = strings.ToLower(v)
		if v != ChannelAuto && v != ChannelJSON && v != ChannelPickle {
			return errors.New("must be auto, json or pickle")
		}
		*field = v
		return nil
	}
}
