package gateway

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"

	"github.com/ostiary/ostiary"
)

// keeper is a gate that keeps the calls it was shown, and can do something with
// each.
type keeper struct {
	mu   sync.Mutex
	saw  []ostiary.Call
	then func(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error)
}

func (*keeper) Name() string { return "keeper" }

func (k *keeper) Check(ctx context.Context, c *ostiary.Call) (ostiary.Decision, error) {
	k.mu.Lock()
	k.saw = append(k.saw, *c)
	k.mu.Unlock()
	if k.then != nil {
		return k.then(ctx, c)
	}
	return ostiary.Allowed(), nil
}

func (k *keeper) last() ostiary.Call {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.saw[len(k.saw)-1]
}

// nowhere checks that a secret is in no file of the state directory and not on
// standard error.
func (b *bench) nowhere(secret string) {
	b.t.Helper()
	files := 0
	err := filepath.WalkDir(b.state, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, []byte(secret)) {
			b.t.Errorf("%s has the secret", filepath.Base(path))
		}
		return err
	})
	if err != nil || files == 0 {
		b.t.Fatalf("%d files, %v", files, err)
	}
	if strings.Contains(b.err.String(), secret) {
		b.t.Errorf("standard error has the secret: %s", b.err.String())
	}
}

func same(a, b any) bool { return reflect.DeepEqual(a, b) }
