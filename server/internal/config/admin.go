package config

import (
	"errors"

	"hipflask/server/internal/users"
)

func adminUI(c *Config) []Setting {
	return []Setting{
		{Name: "admin-user", Value: "NAME", set: into(&c.AdminUser, text),
			Meaning: "User name for the Socket.IO Admin UI, which with --admin-password-hash may connect to the namespace /admin. " +
				"For https://admin.socket.io that origin has to be among --cors-allowed-origins."},
		{Name: "admin-password-hash", Value: "BCRYPT", secret: true, set: into(&c.AdminPasswordHash, bcryptHash),
			Meaning: "Hash of that user's password, as htpasswd -nbB NAME PASSWORD prints it behind the colon."},
		{Name: "admin-users-file", Value: "FILE", set: into(&c.AdminUsersFile, text),
			Meaning: "File with users of the Admin UI, instead of --admin-user or beside it, one a line as htpasswd writes them: " +
				"name:hash, or name:hash:read-only for one who may only look. It is read again when it changes."},
		{Name: "admin-read-only", Default: "false", set: into(&c.AdminReadOnly, boolean),
			Meaning: "Let nobody change anything through this server's Admin UI: all of its users may only look."},
		{Name: "admin-mode", Value: "MODE", Default: AdminProduction, set: into(&c.AdminMode, choice(AdminProduction, AdminDevelopment)),
			Meaning: "What the Admin UI is shown: production for servers, clients and rooms; " +
				"development for every event with its arguments as well."},
	}
}

// checkAdmin checks who may log in to the Admin UI, and reads the file.
func checkAdmin(c *Config, given origins) error {
	switch {
	case c.AdminUser != "" && c.AdminPasswordHash == "":
		return given.fault("admin-user", "--admin-password-hash is missing: the Admin UI needs both")
	case c.AdminPasswordHash != "" && c.AdminUser == "":
		return given.fault("admin-password-hash", "--admin-user is missing: the Admin UI needs both")
	case c.AdminReadOnly && c.AdminUser == "" && c.AdminUsersFile == "":
		return given.fault("admin-read-only", "--admin-user or --admin-users-file is missing: there is no Admin UI without")
	}
	if _, err := c.AdminUsers(); err != nil {
		return given.fault("admin-users-file", err.Error())
	}
	return nil
}

// AdminUsers lists who may log in to the Admin UI, as the file says now. Errors are the
// file's, and repeat nothing of what stands there.
func (c *Config) AdminUsers() ([]users.User, error) {
	var all []users.User
	if c.AdminUsersFile != "" {
		data, err := ReadPEM(c.AdminUsersFile)
		if err != nil {
			return nil, err
		}
		if all, err = users.Parse(string(data)); err != nil {
			return nil, err
		}
	}
	if c.AdminUser == "" {
		return all, nil
	}
	for _, u := range all {
		if u.Name == c.AdminUser {
			return nil, errors.New("has the user of --admin-user as well: one of them has to go")
		}
	}
	return append(all, users.User{Name: c.AdminUser, Hash: c.AdminPasswordHash}), nil
}
