package gateway

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// Addresses returns the addresses at which this machine reaches the gateway: for webhooks and for operators. They are
// those of the environment (PATCHBAY_LISTEN, PATCHBAY_ADMIN__LISTEN), else those of the configuration file, else the
// gateway's defaults. The gateway itself checks the file.
func Addresses(config string) (listen, admin string, err error) {
	var file struct {
		Listen string
		Admin  struct{ Listen string }
	}
	text, err := os.ReadFile(config)
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		return "", "", fmt.Errorf("read the gateway's addresses from %s: %w", config, err)
	}
	if listen, err = reachable(os.Getenv("PATCHBAY_LISTEN"), file.Listen, "127.0.0.1:8080"); err != nil {
		return "", "", fmt.Errorf("setting listen of %s: %w", config, err)
	}
	if admin, err = reachable(os.Getenv("PATCHBAY_ADMIN__LISTEN"), file.Admin.Listen, "127.0.0.1:9090"); err != nil {
		return "", "", fmt.Errorf("setting admin.listen of %s: %w", config, err)
	}
	return listen, admin, nil
}

// reachable returns the first address that is not empty, with a host that can be called.
func reachable(addresses ...string) (string, error) {
	address := cmp.Or(addresses...)
	host, port, err := net.SplitHostPort(address)
	if number, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || number == 0 {
		return "", fmt.Errorf("%q must be host:port with a fixed port, such as 127.0.0.1:8080", address)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}
