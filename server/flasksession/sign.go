package flasksession

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
)

const (
	// salt is that of Flask's sessions: with it no other token that the application signs is taken
	// for a session.
	salt = "cookie-session"

	// maxCookie is as long as a header of this program's servers; browsers keep 4 KiB.
	maxCookie = 64 << 10
	// maxText bounds the JSON, so that a small cookie cannot become gigabytes.
	maxText = 256 << 10
)

// signer is itsdangerous' TimestampSigner with the key derivation "hmac".
type signer struct {
	keys [][]byte // derived
}

func newSigner(secrets [][]byte) signer {
	var s signer
	for _, secret := range secrets {
		s.keys = append(s.keys, mac(secret, salt))
	}
	return s
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha1.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// sign returns PAYLOAD.TIMESTAMP.SIGNATURE.
func (s *signer) sign(payload string, at time.Time) string {
	var seconds [8]byte
	binary.BigEndian.PutUint64(seconds[:], uint64(at.Unix()))
	signed := payload + "." + encoding().EncodeToString(bytes.TrimLeft(seconds[:], "\x00"))
	return signed + "." + encoding().EncodeToString(mac(s.keys[0], signed))
}

// verify returns the payload and when it was signed, in seconds since 1970.
func (s *signer) verify(cookie string) (payload string, at int64, err error) {
	if len(cookie) > maxCookie {
		return "", 0, ErrForged
	}
	dot := strings.LastIndexByte(cookie, '.')
	if dot < 0 {
		return "", 0, ErrForged
	}
	signed := cookie[:dot]
	signature, err := encoding().DecodeString(cookie[dot+1:])
	if err != nil || !s.matches(signed, signature) {
		return "", 0, ErrForged
	}
	dot = strings.LastIndexByte(signed, '.')
	if dot < 0 {
		return "", 0, ErrMalformed
	}
	seconds, err := encoding().DecodeString(signed[dot+1:])
	if err != nil || len(seconds) > 7 {
		return "", 0, ErrMalformed
	}
	for _, b := range seconds {
		at = at<<8 | int64(b)
	}
	return signed[:dot], at, nil
}

// matches compares with every key in constant time.
func (s *signer) matches(signed string, signature []byte) bool {
	return slices.ContainsFunc(s.keys, func(key []byte) bool { return hmac.Equal(mac(key, signed), signature) })
}

func encoding() *base64.Encoding { return base64.RawURLEncoding }

var errPacked = errors.New("flasksession: payload that cannot be unpacked")

// pack writes JSON as itsdangerous' URLSafeSerializer does: with a dot before it where it is
// compressed, which it is if that is shorter.
func pack(text []byte) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(text) // into memory
	_ = z.Close()
	if b.Len() < len(text)-1 {
		return "." + encoding().EncodeToString(b.Bytes())
	}
	return encoding().EncodeToString(text)
}

// unpack undoes pack, for a text of at most maxText.
func unpack(payload string) ([]byte, error) {
	packed, compressed := strings.CutPrefix(payload, ".")
	text, err := encoding().DecodeString(packed)
	if err != nil || !compressed {
		return text, err
	}
	z, err := zlib.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	text, err = io.ReadAll(io.LimitReader(z, maxText+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxText {
		return nil, errPacked
	}
	return text, nil
}

// Why there is no session in a cookie. None of it tells what the cookie held.
var (
	ErrForged    = errors.New("flasksession: not signed with one of the keys")
	ErrExpired   = errors.New("flasksession: older than the session's lifetime")
	ErrFuture    = errors.New("flasksession: signed in the future: two clocks differ")
	ErrMalformed = errors.New("flasksession: signed, but not a session")
)
