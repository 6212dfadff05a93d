// Command sign signs replies for the conformance suite as the simulated message proxy does. It reads each call as a
// line of JSON and writes the headers of its Standard Webhooks signature.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	simulator "patchbay/sandbox/native"
)

// secrets are the answer_secret of each channel in channel.yaml; signed-2 is the second channel.
var secrets = map[string]string{
	"signed":   "whsec_ZXhhbS1zZWNyZXQtb2YtdGhlLXByb3h5LTAwMDE=",
	"signed-2": "whsec_ZXhhbS1zZWNyZXQtb2YtdGhlLXByb3h5LTAwMDI=",
}

func main() {
	if err := sign(json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, "sign:", err)
		os.Exit(1)
	}
}

func sign(in *json.Decoder, out *json.Encoder) error {
	for {
		var call struct {
			Channel string
			Unix    int64
			Header  map[string]string
			Body    []byte
		}
		if err := in.Decode(&call); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a call: %w", err)
		}
		signed, err := simulator.SignatureHeaders(secrets[call.Channel], call.Header["Webhook-Id"],
			time.Unix(call.Unix, 0), call.Body)
		if err != nil {
			return err
		}
		header := map[string]string{}
		for name := range signed {
			header[name] = signed.Get(name)
		}
		if err := out.Encode(map[string]any{"header": header}); err != nil {
			return fmt.Errorf("write the headers: %w", err)
		}
	}
}
