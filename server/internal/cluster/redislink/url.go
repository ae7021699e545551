package redislink

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	errForm = errors.New("must be redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS, unix://PATH, " +
		"redis+sentinel://HOST:PORT?master_name=NAME or redis+cluster://HOST:PORT, with options of go-redis or redis-py; " +
		"in a password write %2F for / and so on")
	errMaster = errors.New("names no master_name, which Sentinel is asked for: redis+sentinel://HOST:PORT?master_name=NAME")
)

// defaultDialTimeout is how long a connection may take to open where the URL does not say.
const defaultDialTimeout = 5 * time.Second

// Parse reads a URL. Its options are those of go-redis, such as ?dial_timeout=3s or
// ?skip_verify=true, and those of redis-py, such as ?socket_timeout=3 or ?ssl_cert_reqs=none; what
// of redis-py has no counterpart here is refused by its name. Files that it names are read. Errors
// continue a sentence that begins with the setting, and repeat nothing of the URL but the names of
// known options.
func Parse(text string) (*URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errForm // url.Parse repeats the URL
	}
	out := &URL{address: u.Scheme + "://" + u.Host + u.Path, keepAlive: true}
	base, kind, _ := strings.Cut(u.Scheme, "+")
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errForm
	}
	o := options{query: query, tls: base == "rediss", kind: kind}
	if err := o.read(u); err != nil {
		return nil, err
	}
	u.Scheme, u.RawQuery = base, query.Encode()
	plain := u.String()
	var found *tls.Config
	switch kind {
	case "":
		if out.single, err = redis.ParseURL(plain); err == nil {
			out.dialTimeout, found = out.single.DialTimeout, out.single.TLSConfig
		}
	case kindSentinel:
		if out.failover, err = redis.ParseFailoverURL(plain); err == nil {
			out.dialTimeout, found = out.failover.DialTimeout, out.failover.TLSConfig
			if out.failover.MasterName == "" {
				return nil, errMaster
			}
		}
	case kindCluster:
		if out.cluster, err = redis.ParseClusterURL(plain); err == nil {
			out.dialTimeout, found = out.cluster.DialTimeout, out.cluster.TLSConfig
		}
	default:
		err = errForm
	}
	if err != nil {
		return nil, errForm // their errors repeat parts of it
	}
	out.dialTimeout = cmp.Or(out.dialTimeout, defaultDialTimeout)
	out.keepAlive, out.pingInterval = !o.noKeepAlive, o.pingInterval
	if found != nil {
		out.tls = o.trust.config(found.ServerName)
	}
	return out, nil
}

// The kinds of servers, behind the + of a scheme.
const (
	kindSentinel = "sentinel"
	kindCluster  = "cluster"
)

// refused are options of redis-py that are not taken, by the reason.
var refused = map[string][]string{
	"has no counterpart: what Redis does not take is published again anyway": {"retry_on_error", "retry"},
	"is not supported: socket_keepalive is":                                  {"socket_keepalive_options"},
	"is not supported: the address decides on IPv4 or IPv6":                  {"socket_type"},
	"is not supported": {
		"socket_read_size", "ssl_include_verify_flags", "ssl_exclude_verify_flags", "single_connection_client",
		"auto_close_connection_pool", "errors", "cache", "cache_config", "event_dispatcher", "maint_notifications_config",
	},
	"is not supported: name one file with ssl_ca_certs":            {"ssl_ca_path"},
	"is not supported: ssl_keyfile names a key without a password": {"ssl_password"},
	"is not supported: the strong ones are used":                   {"ssl_ciphers"},
	"is not supported: it is TLS 1.2":                              {"ssl_min_version"},
	"is not supported: certificates are not looked up": {
		"ssl_validate_ocsp", "ssl_validate_ocsp_stapled", "ssl_ocsp_context", "ssl_ocsp_expected_cert",
	},
	"is not supported: write rediss:// for TLS":                       {"ssl"},
	"is not supported: client_name is":                                {"lib_name", "lib_version"},
	"is not supported: socket_timeout and socket_connect_timeout are": {"timeout"},
	"is not supported: write unix://PATH":                             {"unix_socket_path"},
	"is not supported: write it before the question mark":             {"host", "port", "path"},
	"is not supported: write db":                                      {"virtual_host"},
	"is not supported: it names a class of Python's": {
		"connection_class", "connection_pool", "connection_pool_class", "parser_class", "encoder_class", "queue_class",
		"command_packer",
	},
	"is not supported: write the user and password before the @": {"credential_provider"},
	"is not supported: it names a function of Python's":          {"redis_connect_func"},
	"is not supported: it is utf-8":                              {"charset"},
}

// read reads the options that redis-py has, all but those that go-redis reads the same.
func (o *options) read(u *url.URL) error {
	for why, names := range refused {
		for _, name := range names {
			if o.query.Has(name) {
				return fmt.Errorf("has the option %s, which %s", name, why)
			}
		}
	}
	o.user(u)
	return cmp.Or(o.timeouts(), o.pool(), o.database(), o.meaningless(), o.encryption())
}

// timeouts are numbers of seconds in redis-py, with a fraction.
func (o *options) timeouts() error {
	for name, ours := range map[string][]string{
		"socket_timeout": {"read_timeout", "write_timeout"}, "socket_connect_timeout": {"dial_timeout"}, "health_check_interval": nil,
	} {
		text, ok := o.take(name)
		if !ok {
			continue
		}
		seconds, err := time.ParseDuration(text + "s")
		if err != nil || seconds < 0 || seconds == 0 && ours != nil {
			return fmt.Errorf("has the option %s, which must be a number of seconds, such as 5 or 0.5", name)
		}
		if ours == nil {
			o.pingInterval = seconds
		}
		for _, name := range ours {
			if !o.query.Has(name) {
				o.query.Set(name, seconds.String())
			}
		}
	}
	return nil
}

// pool are the options about connections.
func (o *options) pool() error {
	if n, ok := o.take("max_connections"); ok {
		o.query.Set("pool_size", n)
		if !isNumber(n) || strings.Trim(n, "0") == "" {
			return errors.New("has the option max_connections, which must be a number from 1")
		}
	}
	keep, err := o.boolean("socket_keepalive", true)
	if err != nil {
		return err
	}
	o.noKeepAlive = !keep
	again, err := o.boolean("retry_on_timeout", true)
	if err == nil && !again {
		err = errors.New("has the option retry_on_timeout, which cannot be switched off: what Redis does not take is published again")
	}
	return err
}

func (o *options) database() error {
	db := o.query.Get("db")
	switch {
	case db == "":
		return nil
	case !isNumber(db):
		return errors.New("has the option db, which must be the number of a database")
	case o.kind == kindCluster && db != "0":
		return errors.New("has the option db, which must be 0: a Redis Cluster has no other database")
	case o.kind == kindCluster:
		o.query.Del("db")
	}
	return nil
}

// meaningless are options about Python's own values. Messages are bytes here.
func (o *options) meaningless() error {
	o.query.Del("encoding_errors")
	if _, err := o.boolean("decode_responses", true); err != nil {
		return err
	}
	if encoding, ok := o.take("encoding"); ok && strings.Trim(strings.ToLower(encoding), "utf-8") != "" {
		return errors.New("has the option encoding, which must be utf-8")
	}
	if p := o.query.Get("protocol"); p != "" && p != "2" && p != "3" {
		return errors.New("has the option protocol, which must be 2 or 3")
	}
	return nil
}

// user reads what redis-py takes as options as well. Behind Sentinels these are the user and
// password of Redis itself, which go-redis reads.
func (o *options) user(u *url.URL) {
	if o.kind == kindSentinel {
		return
	}
	name, _ := o.take("username")
	password, ok := o.take("password")
	if u.User != nil {
		before, has := u.User.Password()
		if has {
			password, ok = before, true
		}
		name = cmp.Or(u.User.Username(), name)
	}
	switch {
	case ok:
		u.User = url.UserPassword(name, password)
	case name != "":
		u.User = url.User(name)
	}
}

func isNumber(text string) bool {
	return text != "" && len(text) < 10 && strings.Trim(text, "0123456789") == ""
}

// URL is the checked address of a Redis.
type URL struct {
	address  string // to show: without user, password and options
	single   *redis.Options
	failover *redis.FailoverOptions
	cluster  *redis.ClusterOptions

	tls          *tls.Config   // nil without TLS
	dialTimeout  time.Duration // negative: none
	keepAlive    bool          // TCP's, on each connection
	pingInterval time.Duration
}

// String is the address without what is secret in the URL.
func (u *URL) String() string { return u.address }

// PingInterval is how long a subscription may be silent before Redis is pinged, as
// health_check_interval says; 0 where the URL does not say.
func (u *URL) PingInterval() time.Duration { return u.pingInterval }
