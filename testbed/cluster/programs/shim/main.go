// containerd's shim of runc, on one thread. The shim frees memory every 30 s, for which Go's runtime yields until a
// sweep has ended; on a machine of one CPU whose clock stands still while programs compute, that never comes to pass
// where containerd starts the shim with several threads, as it does.
package main

import (
	"context"
	"runtime"

	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/manager"
	_ "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/task/plugin"
	"github.com/containerd/containerd/v2/pkg/shim"
)

func main() {
	runtime.GOMAXPROCS(1)
	shim.Run(context.Background(), manager.NewShimManager("io.containerd.runc.v2"))
}
