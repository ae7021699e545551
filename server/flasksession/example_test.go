package flasksession_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"hipflask/server/flasksession"
)

// A route that counts visits in the session that the Flask application has too.
func Example() {
	sessions, err := flasksession.New(flasksession.Options{
		Keys:     [][]byte{[]byte("the application's SECRET_KEY"), []byte("the one before it")},
		Lifetime: 7 * 24 * time.Hour,
		SameSite: http.SameSiteLaxMode,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	count := func(w http.ResponseWriter, r *http.Request) {
		s, _ := sessions.Read(r)
		visits, _ := s.Get("visits").(int64)
		s.Set("visits", visits+1)
		if err := sessions.Save(w, s); err != nil { // before anything is written
			http.Error(w, "The session could not be saved.", http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "visits:", visits+1)
	}

	browser := httptest.NewRequest(http.MethodGet, "/", nil)
	for range 3 {
		answer := httptest.NewRecorder()
		count(answer, browser)
		fmt.Print(answer.Body)
		browser.Header.Set("Cookie", answer.Result().Cookies()[0].String())
	}
	// Output:
	// visits: 1
	// visits: 2
	// visits: 3
}
