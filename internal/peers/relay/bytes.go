// Package relay has the two unguarded proxies that the benchmarks compare the
// door with: one that copies bytes and one that is the official SDK's server and
// client back to back. They judge and record nothing.
package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Bytes starts argv as a child and copies bytes both ways until the child ends.
// The child's stdin is closed when in ends.
func Bytes(ctx context.Context, argv []string, in io.Reader, out io.Writer) error {
	if len(argv) == 0 {
		return errors.New("relay: no command")
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(stdin, in) // either end may go first; Wait tells how the child ended
		_ = stdin.Close()
	}()
	_, copyErr := io.Copy(out, stdout)
	if copyErr != nil {
		_ = cmd.Process.Kill()
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("relay: %s: %w", argv[0], err)
	}
	return copyErr
}
