package hipflask

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	"hipflask/server/flasksession"
)

// Routes have the sessions of the secret key that the settings name, and none without.
func TestRoutesHaveFlasksSessions(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want int
	}{
		"a key":  {[]string{"--secret-key=for a test"}, http.StatusOK},
		"no key": {nil, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(t.Context(), Options{Args: test.args, Getenv: noEnv}, func(app *App) error {
				app.Router.GET("/who", func(c *gin.Context) {
					session, found := app.Sessions.Read(c.Request)
					if !found {
						c.String(http.StatusForbidden, "nobody")
						return
					}
					c.String(http.StatusOK, "%v", session.Get("name"))
				})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Shutdown(context.WithoutCancel(t.Context())) }()
			answer := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, "/who", nil)
			r.AddCookie(&http.Cookie{Name: "session", Value: signed(t, "for a test", "Ada")})
			s.Handler().ServeHTTP(answer, r)
			if answer.Code != test.want {
				t.Errorf("%d %q", answer.Code, answer.Body)
			}
		})
	}
}

// signed is the cookie of a session that holds a name.
func signed(t *testing.T, key, name string) string {
	t.Helper()
	sessions, err := flasksession.New(flasksession.Options{Keys: [][]byte{[]byte(key)}})
	if err != nil {
		t.Fatal(err)
	}
	var session flasksession.Session
	session.Set("name", name)
	cookie, err := sessions.Encode(&session)
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}
