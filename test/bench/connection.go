package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// connection is an HTTP connection of a sender. It uses much less CPU time than http.Client, so that more CPU time
// remains for the gateway.
type connection struct {
	net.Conn
	reader *bufio.Reader
}

const maxIdle = 1 << 15 // maximum number of idle connections

// request makes one request. If wait is not 0, the message was refused and must be sent again after this time.
func (s *subject) request(body []byte) (wait time.Duration, err error) {
	host, path, _ := strings.Cut(strings.TrimPrefix(s.url, "http://"), "/")
	const head = "POST /%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
	request := append(fmt.Appendf(nil, head, path, host, len(body)), body...)
	var resp *http.Response
	for used := true; used; {
		var c connection
		select {
		case c = <-s.idle:
		default:
			if c.Conn, err = net.Dial("tcp", host); err != nil {
				return 0, err
			}
			c.reader, used = bufio.NewReader(c.Conn), false
		}
		if resp, err = c.do(request); err == nil && !resp.Close {
			s.idle <- c
			break
		}
		_ = c.Close()
	}
	switch {
	case err != nil:
		return 0, err
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable:
		after, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // 1 s if it is missing
		return time.Duration(max(1, after)) * time.Second, nil
	case resp.StatusCode != http.StatusOK:
		return 0, fmt.Errorf("status %d", resp.StatusCode)
	}
	return 0, nil
}

func (c connection) do(request []byte) (*http.Response, error) {
	_ = c.SetDeadline(time.Now().Add(30 * time.Second)) // fails only if c is closed; then Write also fails
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(c.reader, nil)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	return resp, err
}
