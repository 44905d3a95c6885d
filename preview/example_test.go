package preview_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ostiary/ostiary"
	"github.com/ostiary/ostiary/preview"
)

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "workspace")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "hosts.allow"), []byte("sshd: 10.0.0.1\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	show, err := preview.Write(preview.WriteOptions{Path: "path", Content: "content", Root: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	c := &ostiary.Call{Args: map[string]any{"path": "hosts.allow", "content": "sshd: 10.0.0.1\nsshd: ALL\n"}}
	p, err := show(context.Background(), c)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(p.Text)
	// Output:
	// "hosts.allow": a file of 15 bytes, mode -rw-------, becomes one of 25 bytes; 1 line added, 0 removed
	// --- before
	// +++ after
	// @@ -1,1 +1,2 @@
	//  sshd: 10.0.0.1
	// +sshd: ALL
}
