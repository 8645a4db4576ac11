package real

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// child is the process that the program started, whichever of its threads did.
func child(t *testing.T, s *server) string {
	t.Helper()
	lists, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(s.command.Process.Pid), "task", "*", "children"))
	for _, list := range lists {
		if raw, err := os.ReadFile(list); err == nil && len(strings.TrimSpace(string(raw))) > 0 {
			return strings.Fields(string(raw))[0]
		}
	}
	t.Fatal("it has no child")
	return ""
}

func kill(t *testing.T, number string) {
	t.Helper()
	process, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(process, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
