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
	listen = cmp.Or(os.Getenv("PATCHBAY_LISTEN"), file.Listen, "127.0.0.1:8080")
	admin = cmp.Or(os.Getenv("PATCHBAY_ADMIN__LISTEN"), file.Admin.Listen, "127.0.0.1:9090")
	for setting, address := range map[string]*string{"listen": &listen, "admin.listen": &admin} {
		host, port, err := net.SplitHostPort(*address)
		if number, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || number == 0 {
			const problem = "setting %s of %s: %q must be host:port with a fixed port, such as 127.0.0.1:8080"
			return "", "", fmt.Errorf(problem, setting, config, *address)
		}
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			*address = net.JoinHostPort("127.0.0.1", port)
		}
	}
	return listen, admin, nil
}
