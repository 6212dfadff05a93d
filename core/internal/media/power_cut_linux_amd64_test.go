package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"patchbay/core/internal/store/crashdisk"
	"patchbay/sdk/envelope"
)

// childDir is an environment variable. If it is set, the test binary fetches a medium into this folder and prints its
// id instead of testing.
const childDir = "PATCHBAY_MEDIA_TEST_CHILD"

func init() { // before the goroutine check of TestMain
	if dir := os.Getenv(childDir); dir != "" {
		if err := fetchInto(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

func cutOptions(dir string) Options {
	source := &vendor{}
	source.put("cat", png1(5000))
	return Options{
		Dir: filepath.Join(dir, "media"), MaxBytes: 20_000, FreeLow: 1, BaseURL: "https://chat.example.com/", Source: source,
		Logger: slog.New(slog.DiscardHandler),
	}
}

func fetchInto(dir string) error {
	s, err := Open(cutOptions(dir))
	if err != nil {
		return err
	}
	i, err := s.Get(context.Background(), request(envelope.PartImage, "cat"), Limit{})
	if err != nil {
		return err
	}
	fmt.Println(i.ID)
	return nil
}

// TestPowerCut simulates a power cut after each file operation of a fetch. A medium that Get has returned must survive,
// because its link can be in use.
func TestPowerCut(t *testing.T) {
	var ops []crashdisk.Op
	tracer := crashdisk.Tracer{Root: t.TempDir(), Record: func(op crashdisk.Op) bool { ops = append(ops, op); return true }}
	child := exec.Command(os.Args[0])
	child.Env, child.Stderr = append(os.Environ(), childDir+"="+tracer.Root), os.Stderr
	if err := tracer.Run(child); errors.Is(err, unix.EPERM) {
		t.Skipf("this environment does not allow tracing: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(8, 4))
	var model crashdisk.Disk
	id := ""
	for cut, op := range ops {
		if err := model.Apply(op); err != nil {
			t.Fatal(err)
		}
		if op.Kind == crashdisk.Print {
			id = strings.TrimSpace(string(op.Data))
		}
		for _, loss := range crashdisk.Losses {
			dir := t.TempDir()
			if err := model.Save(dir, loss, random); err != nil {
				t.Fatal(err)
			}
			s, err := Open(cutOptions(dir))
			if err != nil {
				t.Fatalf("Open after %d of %d operations, loss %d: %v", cut+1, len(ops), loss, err)
			}
			if i := s.items[id]; id != "" && (i == nil || !bytes.Equal(content(t, i), png1(5000).data)) {
				t.Errorf("after %d of %d operations, loss %d: the medium is lost", cut+1, len(ops), loss)
			}
			s.cancel()
		}
	}
	if id == "" {
		t.Error("the child printed no id")
	}
}
