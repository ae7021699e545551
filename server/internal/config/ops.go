package config

import (
	"cmp"
	"errors"
	"net"
	"strconv"
	"strings"
)

// loopback is where a port without an address is opened.
const loopback = "127.0.0.1"

// opsAddr takes a port, with or without a colon before it, an address with a port, or "off" or
// nothing for none.
func opsAddr(v string) (string, error) {
	if v == "" || v == "off" {
		return "", nil
	}
	wrong := errors.New("must be a port or an address with one, such as 9100, 0.0.0.0:9100 or [::1]:9100, or off")
	h, p := loopback, v
	if strings.Contains(v, ":") {
		var err error
		if h, p, err = net.SplitHostPort(v); err != nil {
			return "", wrong
		}
	}
	h = cmp.Or(h, loopback)
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		return "", wrong
	}
	if h, err = host(h); err != nil {
		return "", wrong
	}
	return net.JoinHostPort(h, strconv.FormatUint(n, 10)), nil
}
