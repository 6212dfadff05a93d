package conformance

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/emptypb"

	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

type process struct {
	cmd    *exec.Cmd
	output *capturedOutput
	dir    string // of its socket
	socket string
	conn   *grpc.ClientConn
	exited context.Context
	copies sync.WaitGroup
}

// pipeGrace is the time for which child processes may keep stdout and stderr open after their parent has ended.
const pipeGrace = 250 * time.Millisecond

func command(o *Options, dir, parent string) *exec.Cmd {
	cmd := exec.Command(o.Command, o.Args...)
	cmd.SysProcAttr, cmd.WaitDelay = &syscall.SysProcAttr{Setpgid: true}, pipeGrace
	cmd.Env = append(protocol.InheritedEnv(), protocol.LogLevelEnv+"=debug", protocol.ParentEnv+"="+parent,
		protocol.CookieKey+"="+protocol.CookieValue, "PLUGIN_PROTOCOL_VERSIONS="+strconv.Itoa(protocol.Version),
		"PLUGIN_UNIX_SOCKET_DIR="+dir, "GOGC=50") // memory.flat compares the heap after collections: it needs many
	cmd.Env = append(cmd.Env, o.Env...)
	return cmd
}

// start starts the adapter and connects to it. The caller kills the process, also after an error.
func (p *process) start(o *Options) (err error) {
	if p.dir, err = os.MkdirTemp("/tmp", "pbconf"); err != nil { // short: a socket address has a maximum length
		return err
	}
	cert, err := clientCertificate()
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	p.cmd = command(o, p.dir, strconv.Itoa(os.Getpid()))
	p.cmd.Env = append(p.cmd.Env, "PLUGIN_CLIENT_CERT="+string(text))
	stdout, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = io.MultiWriter(p.output, w), p.output
	if err = p.cmd.Start(); err != nil {
		return err
	}
	exited, exit := context.WithCancel(context.Background())
	p.exited = exited
	go func() {
		defer exit()
		_ = p.cmd.Wait() // checks look at how it ended
		_ = w.CloseWithError(errors.New("it ended before it printed the line of its handshake"))
	}()
	late := time.AfterFunc(startTimeout, func() {
		_ = w.CloseWithError(fmt.Errorf("it did not print the line of its handshake within %s", startTimeout))
	})
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadString('\n')
	late.Stop()
	if err != nil {
		return err
	}
	p.copies.Go(func() { _, _ = io.Copy(io.Discard, lines) })
	return p.connect(strings.TrimSpace(line), cert, o.dial)
}

func (p *process) connect(line string, cert tls.Certificate, options []grpc.DialOption) error {
	f := strings.Split(line, "|")
	if len(f) < 6 || f[0] != "1" || f[1] != strconv.Itoa(protocol.Version) || f[2] != "unix" || f[4] != "grpc" {
		return fmt.Errorf("the first line on its standard output is %.200q: print 1|%d|unix|PATH|grpc|CERTIFICATE", line,
			protocol.Version)
	}
	der, _ := base64.RawStdEncoding.DecodeString(f[5]) // after an error, ParseCertificate fails
	server, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("read the certificate of the handshake: %w", err)
	}
	p.socket = f[3]
	c := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost", Certificates: []tls.Certificate{cert}}
	c.RootCAs.AddCert(server)
	if p.conn, err = dial(p.socket, c, options...); err == nil {
		p.copies.Go(p.copyStdio)
	}
	return err
}

// timeouts is the service config: callTimeout for all calls except Receive, Deliver, Subscribe and Drain.
var timeouts = fmt.Sprintf(`{"methodConfig": [
	{"name": [{"service": %[1]q}], "timeout": "%[2]gs"},
	{"name": [{"service": %[1]q, "method": "Receive"}, {"service": %[1]q, "method": "Deliver"},
		{"service": %[1]q, "method": "Subscribe"}, {"service": %[1]q, "method": "Drain"}]}
]}`, pluginpb.PluginService_ServiceDesc.ServiceName, callTimeout.Seconds())

func dial(socket string, c *tls.Config, more ...grpc.DialOption) (*grpc.ClientConn, error) {
	return grpc.NewClient("unix://"+socket, append(more, grpc.WithTransportCredentials(credentials.NewTLS(c)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(protocol.MaxMessageBytes),
			grpc.MaxCallSendMsgSize(protocol.MaxMessageBytes)),
		grpc.WithDefaultServiceConfig(timeouts), grpc.WithInitialWindowSize(protocol.StreamWindow),
		grpc.WithInitialConnWindowSize(protocol.ConnectionWindow))...)
}

// copyStdio keeps the output that go-plugin sends over the connection. The bytes are unknown fields of an Empty.
func (p *process) copyStdio() {
	stdio, err := p.conn.NewStream(context.Background(), &grpc.StreamDesc{ServerStreams: true},
		"/plugin.GRPCStdio/StreamStdio")
	if err != nil || stdio.SendMsg(&emptypb.Empty{}) != nil || stdio.CloseSend() != nil {
		return
	}
	for m := new(emptypb.Empty); stdio.RecvMsg(m) == nil; {
		_, _ = p.output.Write(m.ProtoReflect().GetUnknown())
	}
}

func clientCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a client certificate: %w", err)
	}
	t := &x509.Certificate{
		DNSNames: []string{"localhost"}, SerialNumber: big.NewInt(time.Now().UnixNano()), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		NotBefore:   time.Now().Add(-time.Minute), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// shutdown asks the process to end, waits for its response for at most d, and reports whether it ends within another d.
func (p *process) shutdown(d time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	// it may end before it responds
	_ = p.conn.Invoke(ctx, "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
	return p.endsWithin(d)
}

func (p *process) endsWithin(d time.Duration) bool {
	select {
	case <-p.exited.Done():
		return true
	case <-time.After(d):
		return false
	}
}

// kill ends the process, closes the connection and removes the socket's folder.
func (p *process) kill() {
	if p.exited != nil {
		if p.exited.Err() == nil {
			_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		}
		<-p.exited.Done()
	}
	if p.conn != nil {
		_ = p.conn.Close()
	}
	p.copies.Wait()
	_ = os.RemoveAll(p.dir)
}

// capturedOutput keeps the output of processes, at most 8 MiB. It is safe for concurrent use, and never fails.
type capturedOutput struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (t *capturedOutput) Write(b []byte) (int, error) {
	const most = 8 << 20
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b[:min(most-len(t.text), len(b))]...)
	return len(b), nil
}

// String returns the text that was kept.
func (t *capturedOutput) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

func outputEnd(t *capturedOutput) string {
	const most = 300
	text := strings.TrimSpace(t.String())
	if text == "" {
		return ""
	}
	start := max(strings.LastIndex(text, "panic: "), strings.LastIndex(text, "fatal error: "))
	if start < 0 {
		start = max(0, len(text)-most)
	}
	return "; it printed: " + strings.ReplaceAll(text[start:min(len(text), start+most)], "\n", "; ")
}

type usage struct {
	descriptors, threads int
	resident             int64 // bytes
	children             []int
}

// usageOf reads the usage of a process from /proc; ok is false if that fails.
func usageOf(pid int) (u usage, ok bool) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return u, false
	}
	stat, err := p.Stat()
	u.descriptors, _ = p.FileDescriptorsLen()
	u.threads, u.resident, u.children = stat.NumThreads, int64(stat.ResidentMemory()), descendants(pid)
	return u, err == nil && u.resident > 0
}

// descendants returns the running children of pid, their children, and so on.
func descendants(pid int) (out []int) {
	all, _ := procfs.AllProcs()
	for _, p := range all {
		if stat, err := p.Stat(); err == nil && stat.PPID == pid && stat.State != "Z" {
			out = append(append(out, p.PID), descendants(p.PID)...)
		}
	}
	return out
}
