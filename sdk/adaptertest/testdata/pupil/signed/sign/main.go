// Command sign signs calls of the pupil's vendor for the exam: it reads each as a line of JSON, and writes the header fields
// that prove it.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// secret is the signing_secret of exam.yaml.
const secret = "exam-signing-secret-1234"

// call is what of a call is signed.
type call struct {
	Unix              int64
	Host, Path, Query string
	Header            map[string]string
	Body              []byte
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var c call
		if err := in.Decode(&c); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%d\n%s\n%s\n%s\n%s\n%s", c.Unix, c.Host, c.Path, c.Query, c.Header["X-Pupil-Topic"], c.Body)
		header := map[string]string{"X-Pupil-Time": fmt.Sprint(c.Unix), "X-Pupil-Signature": fmt.Sprintf("s1=%x", mac.Sum(nil))}
		if err := out.Encode(map[string]any{"header": header}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
