package redislink

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// encryption reads redis-py's options about TLS, and go-redis' one.
func (o *options) encryption() error {
	for name := range o.query {
		if (strings.HasPrefix(name, "ssl_") || name == "skip_verify") && !o.tls {
			return fmt.Errorf("has the option %s, which needs rediss://", tlsOption(name))
		}
	}
	skip, err := o.boolean("skip_verify", false)
	if err != nil {
		return err
	}
	named, err := o.boolean("ssl_check_hostname", true)
	if err != nil {
		return err
	}
	o.trust.anybody, o.trust.anyName = skip, !named
	switch reqs, _ := o.take("ssl_cert_reqs"); strings.TrimPrefix(strings.ToLower(reqs), "cert_") {
	case "none":
		o.trust.anybody = true
	case "", "required", "optional": // for who connects, the two are one
	default:
		return errors.New("has the option ssl_cert_reqs, which must be none, optional or required")
	}
	return cmp.Or(o.authorities(), o.certificate())
}

// tlsOption is a name to show: one that nobody knows may be part of a password.
func tlsOption(name string) string {
	switch name {
	case "skip_verify", "ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs", "ssl_ca_data", "ssl_certfile", "ssl_keyfile":
		return name
	}
	return "ssl_..."
}

// authorities reads who may have signed Redis' certificate; the system's, if none is named.
func (o *options) authorities() error {
	pem, named := o.take("ssl_ca_data")
	name := "ssl_ca_data"
	if file, ok := o.take("ssl_ca_certs"); ok {
		text, err := os.ReadFile(file)
		if err != nil {
			return unreadable("ssl_ca_certs", err)
		}
		pem, named, name = string(text), true, "ssl_ca_certs"
	}
	if !named {
		return nil
	}
	o.trust.roots = x509.NewCertPool()
	if !o.trust.roots.AppendCertsFromPEM([]byte(pem)) {
		return fmt.Errorf("has the option %s, which holds no certificate in PEM", name)
	}
	return nil
}

// certificate reads what we show Redis.
func (o *options) certificate() error {
	cert, hasCert := o.take("ssl_certfile")
	key, hasKey := o.take("ssl_keyfile")
	if !hasCert && !hasKey {
		return nil
	}
	if !hasCert {
		return errors.New("has the option ssl_keyfile, which needs ssl_certfile")
	}
	if !hasKey {
		key = cert // one file may hold both
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	var missing *fs.PathError
	switch {
	case errors.As(err, &missing):
		return unreadable("ssl_certfile or ssl_keyfile", err)
	case err != nil:
		return errors.New("has the options ssl_certfile and ssl_keyfile, which name no certificate with its key in PEM")
	}
	o.trust.own = []tls.Certificate{pair}
	return nil
}

// unreadable says what is wrong with a file, without its name.
func unreadable(option string, err error) error {
	var wrong *fs.PathError
	if errors.As(err, &wrong) {
		err = wrong.Err
	}
	return fmt.Errorf("has the option %s, whose file cannot be read: %w", option, err)
}

// config is how a server of that name is spoken to.
func (t *trust) config(name string) *tls.Config {
	c := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12, RootCAs: t.roots, Certificates: t.own}
	if t.anybody || t.anyName {
		c.InsecureSkipVerify = true
	}
	if t.anyName && !t.anybody {
		c.VerifyConnection = func(s tls.ConnectionState) error { return chained(s.PeerCertificates, t.roots) }
	}
	return c
}

// chained checks who signed a certificate, whatever name it has.
func chained(shown []*x509.Certificate, roots *x509.CertPool) error {
	if len(shown) == 0 {
		return errors.New("no certificate")
	}
	between := x509.NewCertPool()
	for _, cert := range shown[1:] {
		between.AddCert(cert)
	}
	_, err := shown[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}
