package crashdisk

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Tracer records the file operations of a process below a folder.
type Tracer struct {
	Root string // absolute path of the folder, which must be empty
	// Record gets each completed operation. The process is killed when it returns false.
	Record func(Op) bool
	// Fail returns the error with which an operation fails without effect, or 0 to perform it. It may be nil.
	Fail func(Op) unix.Errno

	files map[int]*openFile // by descriptor
	calls map[int]*call     // by thread, between entry and exit
}

// openFile is an open file or folder. Its path is "" after its removal.
type openFile struct {
	path   string
	pos    int64
	synced bool
}

// call is a system call in progress.
type call struct {
	regs unix.PtraceRegs
	path string // of the file to open, if it is below the root
	ops  []Op
	fail unix.Errno
}

// ownThreads waits for all threads that this thread traces, and for no child of another thread.
const ownThreads = unix.WALL | unix.WNOTHREAD

// Run runs the command until it ends or Record returns false. The command must not start processes.
func (t *Tracer) Run(cmd *exec.Cmd) error {
	t.files, t.calls = map[int]*openFile{1: {}}, map[int]*call{}
	runtime.LockOSThread() // the kernel binds a traced process to the thread of its tracer
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { _ = cmd.Process.Kill(); t.reap() }()
	var status unix.WaitStatus
	if _, err := unix.Wait4(cmd.Process.Pid, &status, 0, nil); err != nil {
		return fmt.Errorf("wait for the start: %w", err)
	}
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	if err := unix.PtraceSetOptions(cmd.Process.Pid, options); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	if err := unix.PtraceSyscall(cmd.Process.Pid, 0); err != nil {
		return fmt.Errorf("continue: %w", err)
	}
	for {
		thread, err := unix.Wait4(-1, &status, ownThreads, nil)
		switch {
		case errors.Is(err, unix.ECHILD):
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("wait: %w", err)
		}
		if !status.Stopped() {
			continue
		}
		pass := 0
		switch signal := status.StopSignal(); signal {
		case unix.SIGTRAP | 0x80:
			if goOn, err := t.handleStop(thread); err != nil || !goOn {
				return err
			}
		case unix.SIGTRAP, unix.SIGSTOP: // of the tracing itself
		default:
			pass = int(signal)
		}
		if err := unix.PtraceSyscall(thread, pass); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("continue: %w", err)
		}
	}
}

// reap waits for the end of all threads.
func (t *Tracer) reap() {
	for {
		if _, err := unix.Wait4(-1, nil, ownThreads, nil); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// handleStop handles the entry or the exit of a system call. It returns false if the process must be killed.
func (t *Tracer) handleStop(thread int) (goOn bool, err error) {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(thread, &regs); err != nil {
		return true, nil // the thread was killed
	}
	c := t.calls[thread]
	if c == nil {
		c = &call{regs: regs}
		c.ops = t.enter(thread, c)
		t.calls[thread] = c
		if len(c.ops) > 0 && t.Fail != nil {
			c.fail = t.Fail(c.ops[0])
		}
		if c.fail != 0 {
			regs.Orig_rax = ^uint64(0) // no system call
			return true, unix.PtraceSetRegs(thread, &regs)
		}
		return true, nil
	}
	delete(t.calls, thread)
	if c.fail != 0 {
		if op := c.ops[0]; op.Kind == Sync {
			op.Kind = FailSync
			goOn = t.Record(op)
		} else {
			goOn = true
		}
		regs.Rax = uint64(-int64(c.fail))
		return goOn, unix.PtraceSetRegs(thread, &regs)
	}
	if int64(regs.Rax) < 0 {
		return true, nil
	}
	t.exit(c, int64(regs.Rax))
	for _, op := range c.ops {
		if !t.Record(op) {
			return false, nil
		}
	}
	return true, nil
}

// enter returns the operations of a system call that starts.
func (t *Tracer) enter(thread int, c *call) []Op {
	r := &c.regs
	file := t.files[int(int32(r.Rdi))]
	switch r.Orig_rax {
	case unix.SYS_OPENAT:
		path, ok := t.path(thread, r.Rdi, r.Rsi)
		if !ok {
			return nil
		}
		c.path = path
		if _, err := os.Lstat(filepath.Join(t.Root, path)); r.Rdx&unix.O_CREAT != 0 && err != nil || r.Rdx&unix.O_TRUNC != 0 {
			return []Op{{Kind: Create, Path: path}}
		}
	case unix.SYS_MKDIRAT:
		if path, ok := t.path(thread, r.Rdi, r.Rsi); ok {
			return []Op{{Kind: MakeDir, Path: path}}
		}
	case unix.SYS_UNLINKAT:
		if path, ok := t.path(thread, r.Rdi, r.Rsi); ok {
			return []Op{{Kind: Remove, Path: path}}
		}
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		from, ok := t.path(thread, r.Rdi, r.Rsi)
		if to, also := t.path(thread, r.Rdx, r.R10); ok && also {
			return []Op{{Kind: Rename, Path: from, To: to}}
		}
	case unix.SYS_WRITE, unix.SYS_PWRITE64:
		if file == nil {
			return nil
		}
		op := Op{Kind: Write, Path: file.path, Offset: file.pos, Data: readMemory(thread, r.Rsi, r.Rdx), Synced: file.synced}
		if r.Orig_rax == unix.SYS_PWRITE64 {
			op.Offset = int64(r.R10)
		}
		if r.Rdi == 1 {
			op = Op{Kind: Print, Data: op.Data}
		} else if file.path == "" {
			return nil
		}
		return []Op{op}
	case unix.SYS_FTRUNCATE:
		if file != nil && file.path != "" {
			return []Op{{Kind: Truncate, Path: file.path, Offset: int64(r.Rsi)}}
		}
	case unix.SYS_FSYNC, unix.SYS_FDATASYNC:
		if file != nil && file.path != "" {
			return []Op{{Kind: Sync, Path: file.path}}
		}
	}
	return nil
}

// exit updates the open files after a successful system call.
func (t *Tracer) exit(c *call, result int64) {
	r := &c.regs
	file := t.files[int(int32(r.Rdi))]
	switch r.Orig_rax {
	case unix.SYS_OPENAT:
		delete(t.files, int(result))
		if c.path != "" {
			t.files[int(result)] = &openFile{path: c.path, synced: r.Rdx&unix.O_DSYNC != 0}
		}
	case unix.SYS_CLOSE:
		delete(t.files, int(int32(r.Rdi)))
	case unix.SYS_WRITE, unix.SYS_READ:
		if file != nil {
			file.pos += result
		}
		if len(c.ops) > 0 { // a short write
			c.ops[0].Data = c.ops[0].Data[:min(int64(len(c.ops[0].Data)), result)]
		}
	case unix.SYS_LSEEK:
		if file != nil {
			file.pos = result
		}
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		if len(c.ops) > 0 {
			t.renameOpenFiles(c.ops[0].Path, c.ops[0].To)
		}
	case unix.SYS_UNLINKAT:
		if len(c.ops) > 0 {
			t.renameOpenFiles(c.ops[0].Path, "")
		}
	}
}

// renameOpenFiles changes the paths of open files after a rename. After a removal, to is "".
func (t *Tracer) renameOpenFiles(from, to string) {
	for _, f := range t.files {
		rest, inside := strings.CutPrefix(f.path, from+"/")
		switch {
		case to != "" && f.path == to: // the rename replaced this file
			f.path = ""
		case f.path == from:
			f.path = to
		case inside:
			f.path = to + "/" + rest
		}
	}
}

// path returns the path argument of a system call, relative to the root, and whether it is below the root.
func (t *Tracer) path(thread int, folder, address uint64) (string, bool) {
	text := readMemory(thread, address, unix.PathMax)
	text, _, _ = bytes.Cut(text, []byte{0})
	path := string(text)
	if !filepath.IsAbs(path) {
		parent := t.files[int(int32(folder))]
		if parent == nil {
			return "", false
		}
		path = filepath.Join(t.Root, parent.path, path)
	}
	relative, err := filepath.Rel(t.Root, path)
	return relative, err == nil && relative != ".." && !strings.HasPrefix(relative, "../")
}

// readMemory returns up to size bytes of a thread's memory, fewer if the end is not readable.
func readMemory(thread int, address, size uint64) []byte {
	data := make([]byte, size)
	done := uint64(0)
	for done < size {
		part := min(size-done, 4096-(address+done)%4096)
		local := []unix.Iovec{{Base: &data[done], Len: part}}
		n, err := unix.ProcessVMReadv(thread, local, []unix.RemoteIovec{{Base: uintptr(address + done), Len: int(part)}}, 0)
		if err != nil || n <= 0 {
			break
		}
		done += uint64(n)
	}
	return data[:done]
}
