package redislink

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// trust says which certificate Redis has to have, and which one we show.
type trust struct {
	anybody bool // no certificate is checked
	anyName bool // the certificate may be another host's
	roots   *x509.CertPool
	own     []tls.Certificate
}

// options are those of a URL. What redis-py has names of its own for is taken out of the query, or
// put into it under the name that go-redis has.
type options struct {
	query url.Values
	tls   bool // rediss://
	kind  string

	trust        trust
	noKeepAlive  bool
	pingInterval time.Duration
}

// take takes an option out of the query. Without a value it is as good as absent.
func (o *options) take(name string) (value string, ok bool) {
	value = o.query.Get(name)
	o.query.Del(name)
	return value, value != ""
}

// boolean takes an option in any of redis-py's forms.
func (o *options) boolean(name string, absent bool) (bool, error) {
	text, ok := o.take(name)
	if !ok {
		return absent, nil
	}
	switch strings.ToLower(text) {
	case "1", "t", "true", "y", "yes", "on":
		return true, nil
	case "0", "f", "false", "n", "no", "off":
		return false, nil
	}
	return false, fmt.Errorf("has the option %s, which must be true or false", name)
}
