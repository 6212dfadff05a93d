// Command sign signs calls of the flawed adapter's vendor: it reads each as a line of JSON, and writes the header
// fields.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var c struct {
		Unix              int64
		Host, Path, Query string
		Header            map[string]string
		Body              []byte
	}
	for in.Decode(&c) == nil {
		mac := hmac.New(sha256.New, []byte("conformance-signing-secret-1234")) // of channel.yaml
		fmt.Fprintf(mac, "%d\n%s\n%s\n%s\n%s\n%s", c.Unix, c.Host, c.Path, c.Query, c.Header["X-Topic"], c.Body)
		header := map[string]string{"X-Time": fmt.Sprint(c.Unix), "X-Signature": fmt.Sprintf("s1=%x", mac.Sum(nil))}
		_ = out.Encode(map[string]any{"header": header}) // the suite notices a broken pipe
		clear(c.Header)
	}
}
