# ARGS goes on to the command: make run ARGS="--port 8080", make test ARGS="-run Chat ./server", make fuzz ARGS=60
.PHONY: run test lint fuzz bench fmt settings release

run:
	go run ./server $(ARGS)

test:
	.ci/test $(ARGS)

lint:
	.ci/lint

fuzz:
	.ci/fuzz $(ARGS)

bench:
	.ci/bench $(ARGS)

fmt:
	go fmt ./...
	gofmt -w .ci

settings:
	HIPFLASK_WRITE_SETTINGS=1 go test -count=1 -run TestSettingsPage ./server/internal/config

release:
	.ci/release $(ARGS)
