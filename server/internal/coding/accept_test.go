package coding

import (
	"net/http"
	"testing"
)

func TestChoose(t *testing.T) {
	for accept, want := range map[string]string{
		"gzip":                        Gzip,
		"GZIP":                        Gzip,
		"deflate":                     Deflate,
		"gzip, deflate, br":           Gzip,
		"deflate, gzip":               Deflate, // equals: as the client names them
		"deflate;q=0.5, gzip":         Gzip,
		"gzip;q=0.2, deflate;q=0.3":   Deflate,
		"gzip ; q=0.5 , deflate;q=0":  Gzip,
		"gzip;q=1.000":                Gzip,
		"gzip;Q=0.001":                Gzip,
		"*":                           Gzip,
		"*;q=0.5, deflate":            Deflate,
		"gzip;q=0, *":                 Deflate,
		"identity;q=0.5, *;q=0.1":     Gzip,
		"gzip, gzip;q=0":              Gzip, // the first of two counts
		"":                            "",
		"identity":                    "",
		"br, zstd":                    "",
		"xgzip":                       "",
		"gzip;q=0":                    "",
		"gzip;q=0.0":                  "",
		"gzip;q=0.000, deflate ; q=0": "",
		"*;q=0":                       "",
		"*, gzip;q=0, deflate;q=0":    "",
		"gzip;q=many":                 "",
		"gzip;q=NaN":                  "",
		"gzip;q=-1":                   "",
		"gzip;q=2":                    "",
		"gzip;level=9":                "",
		";;;,,,":                      "",
	} {
		if got := Choose(http.Header{"Accept-Encoding": {accept}}, Gzip, Deflate); got != want {
			t.Errorf("%q: %q, want %q", accept, got, want)
		}
	}
	if got := Choose(http.Header{"Accept-Encoding": {"br", "gzip"}}, Gzip); got != Gzip {
		t.Errorf("two fields: %q", got)
	}
	if got := Choose(http.Header{}, Gzip, Deflate); got != "" {
		t.Errorf("no field: %q", got)
	}
}
