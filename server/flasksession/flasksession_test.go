package flasksession_test

import (
	"errors"
	"math"
	"math/big"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"hipflask/server/flasksession"
)

// seen is a cookie that Flask wrote with the key s3cret; signedAt is when.
const seen = "eyJuYW1lIjoiWm9cdTAwZWIifQ.awfIhg.luet6yeVMf_aoQp-jaEoX7XA43Q"

var signedAt = time.Unix(0x6b07c886, 0)

func at(t *testing.T, when time.Time, opts flasksession.Options) *flasksession.Sessions {
	t.Helper()
	s := newSessions(t, opts)
	s.SetNow(when)
	return s
}

func TestCookieThatFlaskWrote(t *testing.T) {
	s := at(t, signedAt, flasksession.Options{})
	session, err := s.Decode(seen)
	if err != nil {
		t.Fatal(err)
	}
	if got := session.Get("name"); got != "Zoë" {
		t.Errorf("%q", got)
	}
}

func TestCookiesAge(t *testing.T) {
	for _, c := range []struct {
		after, lifetime time.Duration
		want            error
	}{
		{0, time.Hour, nil},
		{time.Hour, time.Hour, nil},
		{time.Hour + time.Second, time.Hour, flasksession.ErrExpired},
		{31 * 24 * time.Hour, 0, nil},
		{31*24*time.Hour + time.Second, 0, flasksession.ErrExpired},
		{-time.Second, 0, flasksession.ErrFuture},
		{-1000 * time.Hour, 0, flasksession.ErrFuture},
	} {
		s := at(t, signedAt.Add(c.after), flasksession.Options{Lifetime: c.lifetime})
		if _, err := s.Decode(seen); !errors.Is(err, c.want) {
			t.Errorf("%v after, of %v: %v, want %v", c.after, c.lifetime, err, c.want)
		}
	}
}

// No cookie but the one that was signed is taken, whatever byte of it is changed.
func TestNoByteOfACookieCanBeChanged(t *testing.T) {
	s := at(t, signedAt, flasksession.Options{})
	for i := range seen {
		for _, c := range []byte{'A', 'B', '.', '-', '_', '='} {
			if seen[i] == c {
				continue
			}
			if _, err := s.Decode(seen[:i] + string(c) + seen[i+1:]); err == nil && i < len(seen)-1 { // the last one has bits to spare
				t.Errorf("byte %d can be %c", i, c)
			}
		}
		if _, err := s.Decode(seen[:i]); err == nil {
			t.Errorf("%d bytes are enough", i)
		}
	}
	for _, key := range []string{"s3cre", "s3cret ", "S3cret"} {
		if _, err := at(t, signedAt, flasksession.Options{Keys: [][]byte{[]byte(key)}}).Decode(seen); !errors.Is(err, flasksession.ErrForged) {
			t.Errorf("key %q: %v", key, err)
		}
	}
}

func TestFirstKeySignsAndAllVerify(t *testing.T) {
	before := newSessions(t, flasksession.Options{Keys: [][]byte{[]byte("old")}})
	after := newSessions(t, flasksession.Options{Keys: [][]byte{[]byte("new"), []byte("old")}})
	var session flasksession.Session
	session.Set("name", "Ann")
	old, err := before.Encode(&session)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := after.Decode(old); err != nil || s.Get("name") != "Ann" {
		t.Errorf("%v", err)
	}
	renewed, err := after.Encode(&session)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.Decode(renewed); !errors.Is(err, flasksession.ErrForged) {
		t.Errorf("the old key signs: %v", err)
	}
}

// What has the key's signature and is no session costs little, and is none.
func TestSignedNonsense(t *testing.T) {
	s := newSessions(t, flasksession.Options{})
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	for name, payload := range map[string]string{
		"nothing": "", "no base64": "!", "no JSON": flasksession.Pack("x"), "a list": flasksession.Pack("[1]"), "a tuple": flasksession.Pack(`{" t":[1]}`),
		"null": flasksession.Pack("null"), "not compressed": ".YWJj", "cut off": flasksession.Pack(`{"a":"` + strings.Repeat("a", 1000))[:20],
		"a bomb":     flasksession.Pack(`{"a":"` + strings.Repeat("a", 30<<20) + `"}`),
		"deep":       flasksession.Pack(`{"a":` + deep + `}`),
		"digits":     flasksession.Pack(`{"a":` + strings.Repeat("9", 5000) + `}`),
		"bytes":      flasksession.Pack(`{"a":{" b":"!"}}`),
		"uuid":       flasksession.Pack(`{"a":{" u":"12"}}`),
		"tag's type": flasksession.Pack(`{"a":{" t":1}}`), "tagged dict": flasksession.Pack(`{"a":{" di":{"x":1}}}`),
		"two in a tag": flasksession.Pack(`{"a":{" di":{" t__":1," b__":2}}}`), "NaN's sign": flasksession.Pack(`{"a":-NaN}`),
		"not UTF-8": flasksession.Pack("{\"a\":\"\xff\"}"),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := s.Decode(s.Sign(payload))
		runtime.ReadMemStats(&after)
		want := flasksession.ErrMalformed
		if len(payload) > flasksession.MaxCookie-100 {
			want = flasksession.ErrForged
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
		if cost := after.TotalAlloc - before.TotalAlloc; cost > 20<<20 {
			t.Errorf("%s took %d MiB", name, cost>>20)
		}
	}
	if _, err := s.Decode(strings.Repeat("a", 1<<20)); !errors.Is(err, flasksession.ErrForged) {
		t.Errorf("a cookie of 1 MiB: %v", err)
	}
}

// A Flask of before, or another program with the key, may write what today's does not.
func TestLenientParts(t *testing.T) {
	s := newSessions(t, flasksession.Options{})
	for text, want := range map[string]any{
		`{"a":{" d":"no date"}}`:                              nil,
		`{"a":{" d":"Thu, 26 Nov 2026 14:00:00 +0200"}}`:      time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC),
		`{"a":{" u":"00000000-0000-0000-0000-000000000005"}}`: flasksession.UUID{15: 5},
		`{"a":1,"a":2}`:              int64(2),
		` { "a" : -0 } `:             int64(0),
		`{"a":1E2}`:                  100.0,
		`{"a":-1e999}`:               math.Inf(-1),
		`{"a":"\ud800"}`:             "\ufffd",
		`{"a":{" x":1}}`:             map[string]any{" x": int64(1)},
		`{"a":12345678901234567890}`: new(big.Int).SetUint64(12345678901234567890),
		`{"a":{"NaN":"Infinity\" NaN","b":[NaN]}}`: map[string]any{"NaN": `Infinity" NaN`, "b": []any{math.NaN()}},
	} {
		session, err := s.Decode(s.Sign(flasksession.Pack(text)))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := session.Get("a"); tell(got) != tell(want) {
			t.Errorf("%s: %#v, want %#v", text, got, want)
		}
	}
}

type named string

func TestGoTypesThatCanBeSet(t *testing.T) {
	s := newSessions(t, flasksession.Options{})
	one := 1
	var none *int
	for _, c := range []struct{ set, want any }{
		{one, int64(1)}, {int8(-1), int64(-1)}, {uint64(math.MaxUint64), new(big.Int).SetUint64(math.MaxUint64)}, {float32(0.5), 0.5},
		{float32(0.1), 0.1}, {named("x"), "x"}, {[]string{"a"}, []any{"a"}}, {[2]int{1, 2}, []any{int64(1), int64(2)}},
		{map[named]int{"b": 1}, map[string]any{"b": int64(1)}}, {&one, int64(1)}, {none, nil}, {[]byte(nil), []byte{}},
		{*big.NewInt(5), int64(5)}, {(*big.Int)(nil), nil}, {flasksession.Tuple{[]any{1}}, flasksession.Tuple{[]any{int64(1)}}},
		{map[string]any{" t": []int{1}}, map[string]any{" t": []any{int64(1)}}}, {"\xff", "\ufffd"},
		{time.Date(2026, 1, 2, 3, 4, 5, 999, time.FixedZone("", 3600)), time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC)},
	} {
		var session flasksession.Session
		session.Set("a", c.set)
		cookie, err := s.Encode(&session)
		if err != nil {
			t.Errorf("%#v: %v", c.set, err)
			continue
		}
		back, err := s.Decode(cookie)
		if err != nil || tell(back.Get("a")) != tell(c.want) {
			t.Errorf("%#v became %#v, %v", c.set, back.Get("a"), err)
		}
	}
	type loop []any
	cyclic := make(loop, 1)
	cyclic[0] = cyclic
	var self any
	self = &self
	for _, v := range []any{struct{}{}, make(chan int), func() {}, complex(1, 1), map[int]string{1: "a"}, time.Time{}, cyclic, self,
		time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), new(big.Int).Exp(big.NewInt(10), big.NewInt(5000), nil), strings.Repeat("ab\x01", 1<<20)} {
		var session flasksession.Session
		session.Set("the key", v)
		_, err := s.Encode(&session)
		if err == nil {
			t.Errorf("%T was taken", v)
		} else if _, long := v.(string); !long && !strings.Contains(err.Error(), `"the key"`) {
			t.Errorf("%T: %v does not name the key", v, err)
		}
	}
}

func TestSession(t *testing.T) {
	var s flasksession.Session
	s.Set("b", 1)
	s.Set("a", []any{map[string]any{"k": 1}})
	s.Set("b", 2)
	if got := s.Keys(); !reflect.DeepEqual(got, []string{"b", "a"}) {
		t.Errorf("%q", got)
	}
	s.Delete("b")
	s.Delete("never there")
	if s.Get("b") != nil || len(s.Values()) != 1 {
		t.Errorf("%v", s.Values())
	}
	s.SetPermanent(true)
	if !s.Permanent() {
		t.Error("not permanent")
	}
	s.Clear()
	if len(s.Keys()) != 0 || s.Permanent() {
		t.Errorf("%v", s.Values())
	}
}

// What is got is a copy: changing it changes nothing.
func TestWhatIsGotIsACopy(t *testing.T) {
	sessions := newSessions(t, flasksession.Options{})
	s, err := sessions.Decode(sessions.Sign(flasksession.Pack(`{"a":[{"k":{" t":[1]}}]}`)))
	if err != nil {
		t.Fatal(err)
	}
	got := s.Get("a").([]any)
	got[0].(map[string]any)["k"].(flasksession.Tuple)[0] = "changed"
	got[0] = nil
	if now := tell(s.Get("a")); now != "[{str 6b:(int 1)}]" {
		t.Errorf("%s", now)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	key := [][]byte{[]byte("k")}
	for why, opts := range map[string]flasksession.Options{
		"Keys is empty":   {},
		"key 2 of 2":      {Keys: [][]byte{[]byte("k"), {}}},
		"lifetime":        {Keys: key, Lifetime: -1},
		"name, path or d": {Keys: key, CookieName: "a b"},
		"cookie's name":   {Keys: key, Path: "/a;b"},
		"path or domain":  {Keys: key, Domain: "a b"},
	} {
		if _, err := flasksession.New(opts); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

func TestWithoutKeysThereIsNoSession(t *testing.T) {
	var none *flasksession.Sessions
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if s, ok := none.Read(r); ok || s.Get("a") != nil {
		t.Error("a session without a key")
	}
	if err := none.Save(httptest.NewRecorder(), new(flasksession.Session)); !errors.Is(err, flasksession.ErrNoKeys) {
		t.Error(err)
	}
	if _, err := none.Decode(seen); !errors.Is(err, flasksession.ErrNoKeys) {
		t.Error(err)
	}
}

// Whatever is signed is read or refused, and what is read can be written and read again.
func FuzzDecode(f *testing.F) {
	s, err := flasksession.New(flasksession.Options{Keys: [][]byte{[]byte("k")}})
	if err != nil {
		f.Fatal(err)
	}
	s.SetNow(signedAt)
	f.Add(`{"name":"Zo\u00eb","n":[1,-0.5e-7,NaN,-Infinity,null,true]}`, "")
	f.Add(`{"a":{" t":[{" b":"AP8="},{" m":"<b>"},{" u":"00000000000000000000000000000005"}]}}`, seen)
	f.Add(`{" di":{" t__":{" d":"Thu, 26 Nov 2026 12:00:00 GMT"}}}`, "a.b.c")
	f.Add(`{"a":{" di":{" di__":{" di":{" t__":1}}}}}`, "..")
	f.Fuzz(func(t *testing.T, text, raw string) {
		if _, err := s.Decode(raw); err == nil {
			t.Errorf("%q was not signed", raw)
		}
		first, err := s.Decode(s.Sign(flasksession.Pack(text)))
		if err != nil {
			return
		}
		cookie, err := s.Encode(first)
		if err != nil {
			return // deeper than what is written, or a date that Python reads as another
		}
		second, err := s.Decode(cookie)
		if err != nil {
			t.Fatalf("%v after %q", err, text)
		}
		if tell(first.Values()) != tell(second.Values()) || !reflect.DeepEqual(first.Keys(), second.Keys()) {
			t.Errorf("%q: %s became %s", text, tell(first.Values()), tell(second.Values()))
		}
	})
}
