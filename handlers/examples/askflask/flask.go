package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	answerTimeout = 3 * time.Second // for Flask's answer, the wait for a connection included
	maxConns      = 16              // to Flask: a rush of clients waits here, not there
	maxAnswer     = 4 << 10         // bytes
	maxTokenBytes = 4 << 10
)

// errNobody is for a client that Flask does not know.
var errNobody = errors.New("not logged in")

// flask is the application that knows who somebody is.
type flask struct {
	whoami string // the URL to ask
	client *http.Client
}

func newFlask(address string) (*flask, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("--backend is %q, and has to be the Flask application's address, such as http://127.0.0.1:8000", address)
	}
	return &flask{
		whoami: u.JoinPath("whoami").String(),
		client: &http.Client{
			Timeout: answerTimeout,
			Transport: &http.Transport{
				MaxConnsPerHost:        maxConns,
				MaxIdleConnsPerHost:    maxConns,
				IdleConnTimeout:        time.Minute,
				MaxResponseHeaderBytes: maxAnswer,
			},
			// To the login page, for example: that is an answer as well.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// whoIs returns the name of a client, by its token or else by the cookies of the request that
// opened its connection. ctx ends when the client gives up.
func (f *flask) whoIs(ctx context.Context, opened *http.Request, token string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.whoami, nil)
	if err != nil {
		return "", err
	}
	if token == "" {
		req.Header["Cookie"] = opened.Header["Cookie"]
	} else if !isToken(token) {
		return "", errNobody
	} else {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Host = opened.Host                                 // a Flask application may have several
	req.Header["User-Agent"] = opened.Header["User-Agent"] // flask-login compares it
	resp, err := f.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden || resp.StatusCode/100 == 3:
		return "", errNobody
	case resp.StatusCode != http.StatusOK:
		return "", fmt.Errorf("%s answered %d", f.whoami, resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return "", err
	}
	var who struct{ Name string }
	if err := json.Unmarshal(body, &who); err != nil || len(body) > maxAnswer || who.Name == "" {
		return "", fmt.Errorf("%s answered without a name", f.whoami)
	}
	return who.Name, nil
}

// isToken reports whether text has the characters of a JWT, which a header can carry.
func isToken(text string) bool {
	return len(text) <= maxTokenBytes && strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
