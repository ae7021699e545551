# docker build -t hipflask . && docker run -p 5000:5000 hipflask
# Settings are environment variables, which the healthcheck sees too: docker run -e HIPFLASK_LOG_FORMAT=json

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# .git came along, so --version names the commit.
RUN git config --global --add safe.directory /src && \
    CGO_ENABLED=0 go build -trimpath -ldflags='-s -w -buildid=' -o /hipflask ./server

FROM scratch
# For TLS to other servers.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/LICENSE /
COPY --from=build /hipflask /
# Nobody's number, as a container's user should have: it owns nothing and may write nowhere.
USER 65532:65532
ENV HIPFLASK_HOST=0.0.0.0
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["/hipflask", "--healthcheck"]
ENTRYPOINT ["/hipflask"]
