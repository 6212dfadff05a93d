package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
)

// maxResponse bounds the size of a response of the gateway.
const maxResponse = 256 << 20

// call calls the admin API of the running gateway and decodes its response into v.
func (o *options) call(ctx context.Context, method, path string, v any) error {
	return o.request(ctx, method, path, nil, v)
}

// command sends an operator's command to the running gateway and decodes its response into v.
func (o *options) command(ctx context.Context, method, path string, c *admin.CommandRequest, v any) error {
	c.User = operator()
	body, err := json.Marshal(c)
	if err != nil {
		return failure(fmt.Errorf("encode the command: %w", err))
	}
	return o.request(ctx, method, path, body, v)
}

// operator returns the name of the user who runs the program, for the trail.
func operator() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}

// request is call with a body.
func (o *options) request(ctx context.Context, method, path string, request []byte, v any) error {
	return o.requestWithin(ctx, 30*time.Second, method, path, request, v)
}

// requestWithin is request with a time limit.
func (o *options) requestWithin(ctx context.Context, limit time.Duration, method, path string, request []byte, v any,
) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	body, err := o.open(ctx, method, path, request...)
	if err != nil {
		return err
	}
	defer body.Close()
	response, err := io.ReadAll(io.LimitReader(body, maxResponse))
	if err == nil {
		err = json.Unmarshal(response, v)
	}
	if err != nil {
		return failure(fmt.Errorf("read the gateway's response: %w", err))
	}
	return nil
}

// open sends a request to the running gateway and returns the body of a successful response, which the caller closes.
func (o *options) open(ctx context.Context, method, path string, request ...byte) (io.ReadCloser, error) {
	addr := o.admin
	if addr == "" {
		var err error
		if addr, err = config.AdminListen(config.Options{Path: o.config}); err != nil {
			return nil, o.invalid(exitConfig, err, app.Findings{})
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+dialable(addr)+path, bytes.NewReader(request))
	if err != nil {
		return nil, &coded{code: exitUsage, err: fmt.Errorf("--admin %q: %w; write host:port", addr, err)}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, &coded{code: exitService,
			err: fmt.Errorf("call the gateway at %s: %w\nIs it running? Set another address with --admin", addr, err)}
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	var p struct{ Error string }
	if json.NewDecoder(io.LimitReader(resp.Body, maxResponse)).Decode(&p) != nil || p.Error == "" {
		p.Error = resp.Status
	}
	return nil, failure(fmt.Errorf("%s", p.Error))
}

// dialable returns the address at which a listener can be called. It replaces an empty host by 127.0.0.1.
func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host != "" {
		return addr
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// print writes v as JSON.
func (o *options) print(v any) error {
	enc := json.NewEncoder(o.process.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// wantsJSON reports whether the flag --output asks for JSON.
func (o *options) wantsJSON() (bool, error) {
	return o.output == "json", checkFormat(o.output, "table", "json")
}

// checkFormat returns an error if the value of the flag --output is none of the formats.
func checkFormat(output string, formats ...string) error {
	if slices.Contains(formats, output) {
		return nil
	}
	return &coded{code: exitUsage, err: fmt.Errorf("--output %q: want %s", output, strings.Join(formats, " or "))}
}
