package config

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"os"
)

// checkKeyPair makes sure at the start that TLS can work, and blames the file that cannot be used.
func checkKeyPair(c *Config, given origins) error {
	if c.CertFile == "" {
		return nil
	}
	cert, err := ReadPEM(c.CertFile)
	if err != nil {
		return given.fault("certfile", err.Error())
	}
	key, err := ReadPEM(c.KeyFile)
	if err != nil {
		return given.fault("keyfile", err.Error())
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		return given.fault("certfile", "cannot be used with --keyfile "+quote(c.KeyFile)+": "+err.Error())
	}
	return nil
}

// ReadPEM reads a regular file of at most 1 MiB: a pipe could hang, and a device need not end.
func ReadPEM(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, unreadable(err)
	}
	if !info.Mode().IsRegular() || info.Size() > 1<<20 {
		return nil, errors.New("must be a file of at most 1 MiB")
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, unreadable(err)
	}
	return data, nil
}

// unreadable leaves out the file's name, which stands in the line already.
func unreadable(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return errors.New("cannot be read: " + err.Error())
}
