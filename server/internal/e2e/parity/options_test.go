package parity

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"hipflask/testdata/testkit"
)

// optionStages are pairs of servers with the options that an operator knows.
func optionStages() []stage {
	return []stage{
		{
			name: "strict",
			flask: `{"cookie": "io", "cors_allowed_origins": ["http://chat.example", "https://chat.example:8443"],
				"max_http_buffer_size": 2000, "compression_threshold": 100, "ping_interval": 30, "ping_timeout": 12.5}`,
			ours: []string{"--cookie", "io", "--cors-allowed-origins", "http://chat.example,https://chat.example:8443",
				"--max-http-buffer-size", "2000", "--compression-threshold", "100", "--ping-interval", "30", "--ping-timeout", "12.5"},
			scenes: slices.Concat(optionRequests("strict"), sizeScenes(), []scene{
				compressionScene("strict: ", 99, "gzip"), compressionScene("strict: ", 100, "deflate"),
			}),
		},
		{
			name:  "open",
			flask: `{"cors_allowed_origins": "*", "cors_credentials": false, "allow_upgrades": false, "http_compression": false}`,
			ours:  []string{"--cors-allowed-origins", "*", "--cors-credentials=false", "--allow-upgrades=false", "--http-compression=false"},
			scenes: append(optionRequests("open"),
				compressionScene("open: ", 5000, "gzip"),
				scene{"open: an upgrade", func(s *story) {
					k := s.open("polling").(*pollTalker)
					defer k.leave()
					target := strings.Replace(strings.TrimPrefix(k.url, "http://"+s.addr), "polling", "websocket", 1)
					got := s.request(s.addr, http.MethodGet, target, withUpgrade(http.Header{}), "")
					s.saw("status", fmt.Sprint(got.Status))
				}}),
		},
		{
			name:  "narrow",
			flask: `{"transports": ["websocket"]}`,
			ours:  []string{"--transports", "websocket"},
			scenes: append(optionRequests("narrow"), scene{"SIGTERM", func(s *story) {
				k := s.join("websocket")
				s.stop()
				heard, _ := k.hear()
				s.saw("received", heard)
				s.saw("stdout", s.stdout.String()[s.from:])
				s.disconnects = 0
			}}),
		},
	}
}

// optionRequests open sessions from several origins.
func optionRequests(stage string) []scene {
	var scenes []scene
	for _, origin := range []string{"", "http://ADDR", "http://chat.example", "https://chat.example:8443", "https://chat.example", "null"} {
		var header []string
		if origin != "" {
			header = []string{"Origin: " + origin}
		}
		for _, r := range []httpRequest{
			{name: "poll", method: http.MethodGet, target: testkit.PollingPath, header: header},
			{name: "preflight", method: http.MethodOptions, target: testkit.PollingPath, header: header},
			{name: "websocket", method: http.MethodGet, target: testkit.WebSocketPath, header: slices.Concat(upgradeHeader(), header)},
		} {
			scenes = append(scenes, scene{fmt.Sprintf("%s: %s from %q", stage, r.name, origin), func(s *story) { s.ask(r) }})
		}
	}
	return scenes
}

// sizeScenes send messages around a limit of 2000 bytes.
func sizeScenes() []scene {
	var scenes []scene
	for _, size := range []int{2000, 2001} {
		text := testkit.Message(strings.Repeat("x", size-len(testkit.Message(""))))
		scenes = append(scenes,
			scene{fmt.Sprint("websocket message of ", size), func(s *story) {
				k := s.join("websocket")
				heard, over := s.exchange(k, text)
				s.saw("received", heard)
				if !over {
					k.leave()
				}
			}},
			scene{fmt.Sprint("POST of ", size), func(s *story) {
				k := s.join("polling").(*pollTalker)
				if size <= 2000 {
					s.saw("POST", k.say(text))
				} else {
					s.saw("POST", s.unlessItHangs(k, http.MethodPost, text))
				}
				k.leave()
			}},
		)
	}
	return scenes
}
