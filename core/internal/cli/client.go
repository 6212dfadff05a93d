package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

	"github.com/spf13/cobra"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
)

// maxResponse bounds the size of a response of the gateway.
const maxResponse = 256 << 20

// callWait is the time that most commands wait for the response of the gateway.
const callWait = 30 * time.Second

// call reads from the admin API of the running gateway and decodes its response into v.
func (o *options) call(ctx context.Context, path string, v any) error {
	return o.request(ctx, callWait, http.MethodGet, path, nil, v)
}

// command sends an operator's command to the running gateway and decodes its response into v.
func (o *options) command(ctx context.Context, method, path string, c *admin.CommandRequest, v any) error {
	c.User = operator()
	return o.request(ctx, callWait, method, path, c, v)
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

// request sends a body as JSON, unless it is nil, and decodes the response of the gateway into v.
func (o *options) request(ctx context.Context, limit time.Duration, method, path string, body, v any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return failure(fmt.Errorf("encode the command: %w", err))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	response, err := o.open(ctx, method, path, data...)
	if err != nil {
		return err
	}
	defer response.Close()
	data, err = io.ReadAll(io.LimitReader(response, maxResponse))
	if err == nil {
		err = json.Unmarshal(data, v)
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
			_ = o.invalid(exitConfig, err, app.Findings{})
			return nil, &exitError{code: exitConfig, err: fmt.Errorf(
				"the address of the gateway is unknown: correct %s, or name the address with --admin", o.config)}
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+dialAddress(addr)+path, bytes.NewReader(request))
	if err != nil {
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("--admin %q: %w; write host:port", addr, err)}
	}
	resp, err := http.DefaultClient.Do(req)
	switch {
	case errors.Is(err, context.Canceled):
		text := fmt.Sprintf("stopped before the gateway at %s responded", addr)
		if method != http.MethodGet {
			text += "; it may carry out the command"
		}
		return nil, failure(errors.New(text))
	case err != nil:
		return nil, &exitError{code: exitService,
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

// dialAddress returns the address at which a listener can be called. It replaces an empty host by 127.0.0.1.
func dialAddress(addr string) string {
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

// show completes a command that reads a value from the admin API of the running gateway. The value is the response, or
// its member key. The command prints it with write, or as JSON.
func show[T any](o *options, cmd *cobra.Command, key string, path func(args []string) string,
	write func(io.Writer, T),
) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := o.wantsJSON()
		if err != nil {
			return err
		}
		var v T
		if key == "" {
			err = o.call(cmd.Context(), path(args), &v)
		} else {
			var members map[string]T
			err = o.call(cmd.Context(), path(args), &members)
			v = members[key]
		}
		if err != nil {
			return err
		}
		if asJSON {
			return o.print(v)
		}
		write(o.process.Stdout, v)
		return nil
	}
	return o.withOutput(cmd)
}

// withOutput adds the flag --output, table or json.
func (o *options) withOutput(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVarP(&o.output, "output", "o", "table", "`format`: table or json")
	return cmd
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
	return &exitError{code: exitUsage, err: fmt.Errorf("--output %q: want %s", output, strings.Join(formats, " or "))}
}
