package pickle

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
)

// text decodes a pickle and writes it as JSON.
func text(data string, limits jsonval.Limits) (string, error) {
	o, err := Decode([]byte(data), limits)
	if err != nil {
		return "", err
	}
	b := jsonval.NewBuilder(limits, 0)
	o.Build(b)
	values, err := b.Values()
	if err != nil {
		return "", err
	}
	return string(values[0].JSON), nil
}

func TestDecode(t *testing.T) {
	for _, c := range []struct{ name, pickle, want string }{
		{"protocol 0", "(dp0\nVa\np1\n(lp2\nI1\naF2.5\naNaI01\naVx\\u005c\\u000ay\np3\naL1180591620717411303424L\nasI1\n(Vt\np4\ntp5\ns.",
			`{"a":[1,2.5,null,true,"x\\\ny",1180591620717411303424],"1":["t"]}`},
		{"protocol 1", "}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01G@\x04\x00\x00\x00\x00\x00\x00NI00\nI-5\neK\x01(X\x01\x00\x00\x00tq\x04tq\x05u.",
			`{"a":[1,2.5,null,false,-5],"1":["t"]}`},
		{"protocol 2", "\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01N\x88\x8a\t\x00\x00\x00\x00\x00\x00\x00\x00@eK\x01X\x01\x00\x00\x00tq\x04\x85q\x05u.",
			`{"a":[1,null,true,1180591620717411303424],"1":["t"]}`},
		{"the memo", "\x80\x04]\x94(\x8c\x01a\x94h\x01h\x01e.", `["a","a","a"]`},
		{"a memo entry set again", "(Va\np0\nVb\np0\ng0\nt.", `["a","b","b"]`},
		{"a shared list", "(]q\x00K\x01ah\x00t.", `[[1],[1]]`},
		{"a list that grows after it was shared", "]q\x00(h\x00K\x01a0K\x02e.", `[1,2]`},
		{"pop", "K\x01K\x020.", `1`},
		{"pop of a mark", "K\x01(K\x021.", `1`},
		{"pop of nothing but a mark", "K\x01(0.", `1`},
		{"dup", "(K\x012t.", `[1,1]`},
		{"keys", "(dK\x01K\x02sI01\nK\x03sNK\x04sF1.5\nK\x05sF1e16\nK\x06s.", `{"1":2,"true":3,"null":4,"1.5":5,"1e+16":6}`},
		{"floats that JSON lacks", "(Fnan\nFinf\nF-inf\nF-0.0\nt.", `[null,null,null,-0.0]`},
		{"lengths of eight bytes", "(\x8d\x01\x00\x00\x00\x00\x00\x00\x00a\x8e\x01\x00\x00\x00\x00\x00\x00\x00bt.",
			`["a",{"_placeholder":true,"num":0}]`},
		{"a bytearray", "\x80\x05\x96\x01\x00\x00\x00\x00\x00\x00\x00b.", `{"_placeholder":true,"num":0}`},
		{"half of a surrogate pair", "\x8c\x05a\xed\xa0\xbdb.", `"a\ud83db"`},
		{"negative integers", "(\x8a\x01\xff\x8a\x02\x00\x80\x8a\x00J\xff\xff\xff\xff\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\xfft.",
			`[-1,-32768,0,-1,-18446744073709551616]`},
	} {
		if got, err := text(c.pickle, jsonval.Limits{}); err != nil || got != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.name, got, err, c.want)
		}
	}
}

// TestPlaceholderLookalike: a dictionary that looks like an attachment must not be taken for one.
func TestPlaceholderLookalike(t *testing.T) {
	lookalike := "}(\x8c\x0c_placeholder\x88\x8c\x03numK\x00u"
	if got, err := text(lookalike+".", jsonval.Limits{}); err != nil || got != `{"_placeholder":true,"num":0}` {
		t.Errorf("alone: got %s, %v", got, err)
	}
	if got, err := text("("+lookalike+"C\x01b"+lookalike+"t.", jsonval.Limits{}); err != nil || got != `[null,{"_placeholder":true,"num":0},null]` {
		t.Errorf("beside an attachment: got %s, %v", got, err)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, pickle, want string }{
		{"os.system", "cos\nsystem\n(S'true'\ntR.", "GLOBAL"},
		{"bytes of protocol 2", "\x80\x02c_codecs\nencode\nq\x00X\x01\x00\x00\x00aq\x01X\x06\x00\x00\x00latin1q\x02\x86q\x03Rq\x04.", "GLOBAL"},
		{"STACK_GLOBAL", "\x80\x04\x8c\x02os\x8c\x06system\x93.", "STACK_GLOBAL"},
		{"REDUCE", "NNR.", "REDUCE"}, {"BUILD", "NNb.", "BUILD"}, {"INST", "(ios\nsystem\n.", "INST"}, {"OBJ", "(No.", "OBJ"},
		{"NEWOBJ", "NN\x81.", "NEWOBJ"}, {"NEWOBJ_EX", "NNN\x92.", "NEWOBJ_EX"}, {"EXT1", "\x82\x01.", "EXT"}, {"EXT2", "\x83\x01\x00.", "EXT"},
		{"EXT4", "\x84\x01\x00\x00\x00.", "EXT"}, {"PERSID", "Pa\n.", "PERSID"}, {"BINPERSID", "NQ.", "BINPERSID"},
		{"NEXT_BUFFER", "\x97.", "NEXT_BUFFER"}, {"READONLY_BUFFER", "N\x98.", "READONLY_BUFFER"},
		{"sets", "\x8f(K\x01\x90.", "EMPTY_SET"}, {"ADDITEMS", "](\x90.", "ADDITEMS"}, {"FROZENSET", "(\x91.", "FROZENSET"},
		{"STRING", "S'a'\n.", "STRING"}, {"BINSTRING", "T\x01\x00\x00\x00a.", "BINSTRING"}, {"SHORT_BINSTRING", "U\x01a.", "SHORT_BINSTRING"},
		{"unknown", "\xff.", "0xFF"},
		{"nothing", "", "ends early"}, {"no STOP", "N", "ends early"}, {"empty stack", ".", "STOP"}, {"two values", "NN.", "STOP"},
		{"open mark", "N(.", "STOP"}, {"bytes after STOP", "N.N", "after STOP"}, {"protocol 6", "\x80\x06N.", "protocol"},
		{"FRAME too long", "\x95\xff\xff\xff\xff\xff\xff\xff\xffN.", "FRAME"},
		{"a length of 4 GB", "X\xff\xff\xff\xffa.", "ends early"}, {"a length of 16 EB", "\x8e\xff\xff\xff\xff\xff\xff\xff\xffa.", "ends early"},
		{"no mark", "t.", "no MARK"}, {"pop of nothing", "0.", "too little"}, {"tuple across a mark", "N(\x85.", "too little"},
		{"append to a number", "K\x01K\x02a.", "wrong type"}, {"items into a list", "](K\x01K\x02u.", "wrong type"},
		{"odd items", "}(K\x01u.", "without a value"}, {"odd DICT", "(K\x01d.", "without a value"},
		{"empty memo", "h\x00.", "memo"}, {"memo gap", "Nr\x05\x00\x00\x00j\x04\x00\x00\x00.", "memo"}, {"bad memo entry", "Np-1\n.", "memo"},
		{"text not UTF-8", "\x8c\x01\xff.", "UTF-8"}, {"cut surrogate", "\x8c\x02\xed\xa0.", "UTF-8"}, {"bad escape", "V\\u12\n.", "escape"},
		{"beyond Unicode", "V\\U00110000\n.", "escape"},
		{"hexadecimal", "I0x10\n.", "integer"}, {"leading zero", "I007\n.", "integer"}, {"sign alone", "L-L\n.", "integer"},
		{"no digits", "I\n.", "integer"}, {"plus", "I+5\n.", "integer"},
		{"too many digits", "L" + strings.Repeat("9", 4301) + "L\n.", "4300"},
		{"too many bytes", "\x8b\x00\x08\x00\x00" + strings.Repeat("\x01", 2048) + ".", "4300"},
		{"hexadecimal float", "F0x1p4\n.", "float"}, {"underscores", "F1_0\n.", "float"}, {"huge float", "F1e999\n.", "float"},
		{"no newline", "I1", "line"},
		{"a list in itself", "]q\x00h\x00a.", "holds itself"}, {"a tuple in its own list", "]q\x00h\x00\x85a.", "holds itself"},
		{"a dict in itself", "}q\x00K\x01h\x00s.", "holds itself"},
		{"a tuple as key", "})K\x01s.", "key"}, {"bytes as key", "}C\x01aK\x01s.", "key"},
	} {
		_, err := text(c.pickle, jsonval.Limits{})
		var known *packet.Error
		if !errors.As(err, &known) || known.Limit != "" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

// laughs is a pickle of n lists, each of which holds the one before ten times.
func laughs(n int) string {
	p := "(]q\x00"
	for i := range n {
		p += "](" + strings.Repeat("h"+string(rune(i)), 10) + "eq" + string(rune(i+1))
	}
	return p + "t."
}

func TestLimits(t *testing.T) {
	deep := strings.Repeat("(", 200) + "N" + strings.Repeat("t", 200) + "."
	sparse := "Nr" + string(binary.LittleEndian.AppendUint32(nil, 2_000_000_000)) + "."
	long := "\x80\x04(\x8c\xff" + strings.Repeat("x", 255) + "\x94" + strings.Repeat("h\x00", 1000) + "t."
	for _, c := range []struct {
		name, pickle string
		limits       jsonval.Limits
		want         string
	}{
		{"a billion laughs", laughs(9), jsonval.Limits{}, jsonval.LimitValues},
		{"one string a thousand times", long, jsonval.Limits{MaxBytes: 100_000}, packet.LimitBytes},
		{"depth", deep, jsonval.Limits{}, packet.LimitDepth},
		{"depth of ten", "((((((((((Ntttttttttt.", jsonval.Limits{MaxDepth: 9}, packet.LimitDepth},
		{"values on the stack", "(" + strings.Repeat("N", 100) + "t.", jsonval.Limits{MaxValues: 100}, jsonval.LimitValues},
		{"long integers", "(" + strings.Repeat("\x8a\xf0"+strings.Repeat("\x7f", 240), 2) + "t.", jsonval.Limits{MaxValues: 100}, jsonval.LimitValues},
		{"marks", strings.Repeat("(", 101) + ".", jsonval.Limits{MaxValues: 100}, jsonval.LimitValues},
		{"a memo entry far out", sparse, jsonval.Limits{}, jsonval.LimitValues},
		{"size", "C\x09123456789.", jsonval.Limits{MaxBytes: 11}, packet.LimitBytes},
		{"attachments", "(C\x01aC\x01bt.", jsonval.Limits{MaxAttachments: 1}, packet.LimitAttachments},
	} {
		_, err := text(c.pickle, c.limits)
		var known *packet.Error
		if !errors.As(err, &known) || known.Limit != c.want {
			t.Errorf("%s: got %v, want the limit of %s", c.name, err, c.want)
		}
	}
	if _, err := text("((((((((((Ntttttttttt.", jsonval.Limits{MaxDepth: 10}); err != nil {
		t.Errorf("within the depth: %v", err)
	}
}

func TestWriterRefuses(t *testing.T) {
	for _, text := range []string{strings.Repeat("9", 4301), `{"a"`, `nope`} {
		if _, err := Append(nil, packet.Value{JSON: []byte(text)}); err == nil {
			t.Errorf("%.20q was taken", text)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01Neu.", "(dp0\nVa\np1\n(lp2\nI1\naF2.5\nas.", laughs(3),
		"]q\x00h\x00a.", "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00@.", "cos\nsystem\n.", "(C\x01a\x8c\x03\xed\xa0\x80}K\x01Nst.",
	} {
		f.Add([]byte(seed))
	}
	limits := jsonval.Limits{MaxBytes: 4096, MaxValues: 1000, MaxDepth: 20, MaxAttachments: 4}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := Decode(data, limits)
		if err != nil {
			return
		}
		b := jsonval.NewBuilder(limits, 0)
		o.Build(b)
		values, err := b.Values()
		if err != nil {
			return
		}
		// What was read has to be fit for a client.
		if _, _, err := packet.AppendEvent(nil, "/", "e", 0, false, []any{values[0]}); err != nil {
			t.Fatalf("%q became %q: %v", data, values[0].JSON, err)
		}
		again, err := Append(nil, values[0])
		if err != nil {
			t.Fatalf("%q: %v", values[0].JSON, err)
		}
		if _, err := Decode(again, jsonval.Limits{}); err != nil {
			t.Fatalf("%q was written as %q: %v", values[0].JSON, again, err)
		}
	})
}
