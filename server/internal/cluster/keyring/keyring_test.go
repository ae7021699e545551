package keyring

import (
	"testing"

	"hipflask/server/internal/cluster/redislink"
	"hipflask/server/internal/cluster/redistest"
)

func signer(t *testing.T, redis *redistest.Server, name, what string) *Signer {
	t.Helper()
	url, err := redislink.Parse(redis.URL())
	if err != nil {
		t.Fatal(err)
	}
	s := NewSigner(url, name, what)
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	return s
}

// What one server signs another believes: of the same kind, with the same key, and no other parts.
func TestServersBelieveEachOther(t *testing.T) {
	redis := redistest.Start(t)
	one, two := signer(t, redis, "p:key", "thing"), signer(t, redis, "p:key", "thing")
	mac, err := one.Sign(t.Context(), "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	if !two.Check(t.Context(), mac, "a", "b") {
		t.Error("the other one does not believe it")
	}
	if two.Check(t.Context(), mac, "a", "c") || two.Check(t.Context(), mac, "ab") || two.Check(t.Context(), mac[1:], "a", "b") || two.Check(t.Context(), nil, "a", "b") {
		t.Error("what nobody signed is believed")
	}
	if signer(t, redis, "p:key", "other thing").Check(t.Context(), mac, "a", "b") {
		t.Error("what was signed as one thing is believed as another")
	}
	if signer(t, redis, "q:key", "thing").Check(t.Context(), mac, "a", "b") {
		t.Error("what was signed with one key is believed with another")
	}
	if NewSigner(nil, "", "thing").Check(t.Context(), mac, "a", "b") {
		t.Error("a server alone believes others")
	}
}

// Without Redis what was known goes on to be, and what was not is an error within a second.
func TestWithoutRedis(t *testing.T) {
	redis := redistest.Start(t)
	known, late := signer(t, redis, "p:key", "thing"), signer(t, redis, "p:key", "thing")
	mac, err := known.Sign(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	redis.Freeze()
	t.Cleanup(redis.Thaw)
	if _, err := late.Sign(t.Context(), "a"); err == nil {
		t.Error("something is signed without a key")
	}
	if late.Check(t.Context(), mac, "a") {
		t.Error("something is believed without a key")
	}
	if again, err := known.Sign(t.Context(), "b"); err != nil || !known.Check(t.Context(), again, "b") || !known.Check(t.Context(), mac, "a") {
		t.Errorf("the key was forgotten: %v", err)
	}
}

// A key that is none is no key, and one that is replaced counts for a while.
func TestKeysInRedis(t *testing.T) {
	redis := redistest.Start(t)
	redis.Do("SET", "short:key", "short")
	if _, err := signer(t, redis, "short:key", "thing").Sign(t.Context(), "a"); err == nil {
		t.Error("a short key signs")
	}
	one := signer(t, redis, "p:key", "thing")
	mac, err := one.Sign(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	redis.Do("SET", "p:key", "12345678901234567890123456789012")
	one.asked = one.asked.Add(-RenewEvery)
	other, err := one.Sign(t.Context(), "a")
	if err != nil || !one.Check(t.Context(), other, "a") || !one.Check(t.Context(), mac, "a") || string(mac) == string(other) {
		t.Errorf("after a new key: %v", err)
	}
	redis.Do("DEL", "p:key") // Redis has lost its memory
	one.asked = one.asked.Add(-RenewEvery)
	if _, err := one.Sign(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if !signer(t, redis, "p:key", "thing").Check(t.Context(), other, "a") {
		t.Error("the key was not put back")
	}
}
