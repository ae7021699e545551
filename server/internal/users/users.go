// Package users owns who may log in to the Admin UI: names, the hashes of passwords, and who may
// only look. It reads them from a file, again when that changes.
package users

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

// User is one who may log in.
type User struct {
	Name     string
	Hash     string // bcrypt, of the password
	ReadOnly bool   // may look, and change nothing
}

const (
	// MaxCost is that of a hash whose check takes seconds.
	MaxCost = 16

	maxUsers = 1000
	maxName  = 64 // bytes

	hashLength  = 60
	hashPrefix  = 7 // $2b$10$
	hashLetters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// CheckHash is an error unless the text is the bcrypt hash of a password. It repeats nothing of the
// text.
func CheckHash(hash string) error {
	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil || len(hash) != hashLength || strings.Trim(hash[hashPrefix:], hashLetters) != "" {
		return errors.New("must be a bcrypt hash of 60 characters, such as htpasswd -nbB NAME PASSWORD prints behind the colon")
	}
	if cost > MaxCost {
		return fmt.Errorf("must have a cost of at most %d, with which a login takes seconds", MaxCost)
	}
	return nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("has no name before the colon")
	case len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("has a name that is longer than %d bytes, or has control characters in it", maxName)
	}
	return nil
}

// readOnly is a line's third field.
const readOnly = "read-only"

// Parse reads users as htpasswd writes them, one a line: name:hash, or name:hash:read-only for one
// who may only look. Lines that are empty, or begin with #, are left out. Errors name the line, and
// repeat nothing of what stands there.
func Parse(text string) ([]User, error) {
	var all []User
	lines := make(map[string]int) // by name
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		u, err := parseLine(line)
		if err == nil && lines[u.Name] != 0 {
			err = fmt.Errorf("has the name of line %d", lines[u.Name])
		}
		if err == nil && len(all) == maxUsers {
			err = fmt.Errorf("is one user too many: %d may stand there", maxUsers)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d %w", number, err)
		}
		lines[u.Name] = number
		all = append(all, u)
	}
	if len(all) == 0 {
		return nil, errors.New("holds no user")
	}
	return all, nil
}

func parseLine(line string) (User, error) {
	fields := strings.Split(line, ":")
	if len(fields) != 2 && len(fields) != 3 {
		return User{}, errors.New("must be name:hash or name:hash:read-only")
	}
	u := User{Name: fields[0], Hash: fields[1]}
	if err := checkName(u.Name); err != nil {
		return User{}, err
	}
	if err := CheckHash(u.Hash); err != nil {
		return User{}, fmt.Errorf("has a hash that is none: it %w", err)
	}
	if len(fields) == 3 {
		if fields[2] != readOnly {
			return User{}, errors.New("has something else than read-only behind the second colon")
		}
		u.ReadOnly = true
	}
	return u, nil
}
