package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestHowFlagsAreWritten(t *testing.T) {
	for _, args := range [][]string{
		{"--port", "8080"}, {"--port=8080"}, {"--port=1", "--port=8080"}, {"--port", "8080", "--"},
	} {
		expect(t, mustParse(t, env(), args...), "Port", 8080)
	}
	expect(t, mustParse(t, env(envName("allow-upgrades"), "false"), "--allow-upgrades"), "AllowUpgrades", true)
	expect(t, mustParse(t, env(), "--allow-upgrades=false", "--port", "1"), "AllowUpgrades", false)
}

func TestFlagsThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		args string // split at spaces
		want string
	}{
		{"--prot 1", `unknown flag "--prot": did you mean --port?`},
		{"--por", `unknown flag "--por": did you mean --port?`},
		{"--portt=1", `unknown flag "--portt": did you mean --port?`},
		{"--pory=1", `unknown flag "--pory": did you mean --port?`},
		{"-port 1", `unknown flag "-port": did you mean --port?`},
		{"---port", `unknown flag "---port": did you mean --port?`},
		{"--Port", `unknown flag "--Port": did you mean --port?`},
		{"--ping_interval 5", `unknown flag "--ping_interval": did you mean --ping-interval?`},
		{"--ping_intervl=5", `unknown flag "--ping_intervl": did you mean --ping-interval?`},
		{"--colour", `unknown flag "--colour": see --help`},
		{"--celery-broker redis://", `unknown flag "--celery-broker": see --help`},
		{"-x", `unknown flag "-x": see --help`},
		{"--=1", `unknown flag "--": see --help`},
		{"--p\nort", `unknown flag "--p\nort": did you mean --port?`},
		{"serve", `unexpected argument "serve": every setting is a flag, see --help`},
		{"--port 1 x", `unexpected argument "x": every setting is a flag, see --help`},
		{"-- x", `unexpected argument "x": every setting is a flag, see --help`},
		{"-", `unexpected argument "-": every setting is a flag, see --help`},
		{"--port", `--port: needs a value, as in --port NUMBER`},
		{"--host --port 1", `--host: needs a value, as in --host ADDRESS`},
		{"--port -1", `--port "-1": must be a whole number from 0 to 65535`},
		{"--allow-upgrades false", `--allow-upgrades: takes its value with =, write --allow-upgrades=false`},
		{"--version=1", `--version "1": takes no value`},
	} {
		_, err := Parse(strings.Split(test.args, " "), env())
		var wrong *Error
		if !errors.As(err, &wrong) || err.Error() != test.want {
			t.Errorf("Parse(%q):\n got %v\nwant %s", test.args, err, test.want)
		}
	}
}

func TestALongValueIsShortened(t *testing.T) {
	long := strings.Repeat("\u00e9", 5000)
	refused(t, []string{"--port=" + long}, env(), "--port", "\u00e9\"...: must be")
	_, err := Parse([]string{"--port=" + long}, env())
	if n := len(err.Error()); n > 200 {
		t.Errorf("the line has %d bytes", n)
	}
}

func TestHelpAndVersion(t *testing.T) {
	broken := env(envName("port"), "none")
	for arg, want := range map[string]error{"-h": ErrHelp, "--help": ErrHelp, "--version": ErrVersion} {
		if _, err := Parse([]string{"--host=", arg, "--unknown"}, broken); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", arg, err, want)
		}
	}
}

func TestUsage(t *testing.T) {
	usage := Usage()
	for _, line := range strings.Split(usage, "\n") {
		if len(line) > 100 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	words := strings.Join(strings.Fields(usage), " ")
	for _, s := range Settings() {
		line := "--" + s.Name
		if s.Value != "" {
			line += " " + s.Value
		}
		if s.stop == nil && !s.flagOnly {
			line += ", " + envName(s.Name)
		}
		if s.Default != "" {
			line += " (default " + s.Default + ")"
		}
		if !strings.Contains(words, line+" "+s.Meaning) {
			t.Errorf("the help text lacks %q", line+" "+s.Meaning)
		}
		if s.Group == "" || !strings.Contains(usage, "\n"+s.Group+":\n") {
			t.Errorf("--%s is under no heading", s.Name)
		}
		if !strings.HasSuffix(s.Meaning, ".") {
			t.Errorf("--%s: the meaning is no sentence: %q", s.Name, s.Meaning)
		}
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := writeKeyPair(t, dir, "one")
	_, other := writeKeyPair(t, dir, "two")
	missing, huge := filepath.Join(dir, "missing"), filepath.Join(dir, "huge")
	if err := os.WriteFile(huge, make([]byte, 1<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}

	c := mustParse(t, env(), "--certfile", cert, "--keyfile", key)
	expect(t, c, "CertFile", cert)
	expect(t, c, "KeyFile", key)
	c = mustParse(t, env("HIPFLASK_CERTFILE", cert), "--keyfile", key)
	expect(t, c, "CertFile", cert)
	c = mustParse(t, env("HIPFLASK_CERTFILE", cert), "--certfile=")
	expect(t, c, "CertFile", "")

	refused(t, []string{"--certfile", cert}, env(), "--certfile "+quote(cert), "--keyfile is missing")
	refused(t, nil, env("HIPFLASK_KEYFILE", key), "HIPFLASK_KEYFILE "+quote(key), "--certfile is missing")
	for bad, why := range map[string]string{missing: "no such file", dir: "must be a file", huge: "at most 1 MiB", os.DevNull: "must be a file"} {
		refused(t, []string{"--certfile", bad, "--keyfile", key}, env(), "--certfile "+quote(bad), why)
		refused(t, []string{"--certfile", cert}, env("HIPFLASK_KEYFILE", bad), "HIPFLASK_KEYFILE "+quote(bad), why)
	}
	refused(t, []string{"--certfile", cert, "--keyfile", other}, env(), "--certfile", quote(other), "does not match")
	refused(t, []string{"--certfile", key, "--keyfile", cert}, env(), "--certfile", "cannot be used")
}

// writeKeyPair makes a certificate and its key, and returns their files.
func writeKeyPair(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certDER, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	for file, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: certDER}, key: {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
