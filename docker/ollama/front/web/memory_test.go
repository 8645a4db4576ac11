package web

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// gathered are the values of the series of a cgroup folder.
func gathered(t *testing.T, folder string) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(containerMemory{folder})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, family := range families {
		metric := family.GetMetric()[0]
		found[family.GetName()] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
	}
	return found
}

func TestMemoryAndKillsAreReadFromBothVersionsOfCgroups(t *testing.T) {
	const used, limit, kills = "ollama_container_memory_bytes", "ollama_container_memory_limit_bytes",
		"ollama_container_oom_kills_total"
	second := map[string]string{
		"memory.current": "5000\n", "memory.max": "9000\n",
		"memory.stat":   "anon 3000\ninactive_file 1200\nactive_file 800\n",
		"memory.events": "low 0\nmax 4\noom 3\noom_kill 2\noom_group_kill 0\n",
	}
	first := map[string]string{
		"memory/memory.usage_in_bytes": "5000\n", "memory/memory.limit_in_bytes": "9000\n",
		"memory/memory.stat":        "inactive_file 1\ntotal_inactive_file 1200\n",
		"memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
	}
	for name, one := range map[string]struct {
		files, more map[string]string
		wanted      map[string]float64
	}{
		"v2":               {second, nil, map[string]float64{used: 3800, limit: 9000, kills: 2}},
		"v2 without limit": {second, map[string]string{"memory.max": "max\n"}, map[string]float64{used: 3800, kills: 2}},
		"v2 more cache than use": {second, map[string]string{"memory.current": "1000\n"},
			map[string]float64{used: 0, limit: 9000, kills: 2}},
		"v1": {first, nil, map[string]float64{used: 3800, limit: 9000, kills: 2}},
		"v1 without limit": {first, map[string]string{"memory/memory.limit_in_bytes": "9223372036854771712\n"},
			map[string]float64{used: 3800, kills: 2}},
		"no cgroup": {nil, nil, map[string]float64{}},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			for _, files := range []map[string]string{one.files, one.more} {
				for file, content := range files {
					path := filepath.Join(folder, file)
					_ = os.MkdirAll(filepath.Dir(path), 0o700)
					if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			found := gathered(t, folder)
			if len(found) != len(one.wanted) {
				t.Error(found)
			}
			for series, value := range one.wanted {
				if got, ok := found[series]; !ok || got != value {
					t.Error(series, found)
				}
			}
		})
	}
}

func TestTheMemoryMetricIsTheContainersAndIsReadAtEachScrape(t *testing.T) {
	if gathered(t, cgroupMount)["ollama_container_memory_bytes"] == 0 {
		t.Skip("skipped: there is no memory cgroup here")
	}
	_, _, url := served(t, 1, 1, chatModel)
	const size = 96 << 20
	before := sample(t, scrape(t, url), "ollama_container_memory_bytes")
	held := bytes.Repeat([]byte{1}, size)
	after := sample(t, scrape(t, url), "ollama_container_memory_bytes")
	runtime.KeepAlive(held)
	if grown := after - before; grown < size/2 {
		t.Errorf("%d bytes more are held, and it grew by %.0f", size, grown)
	}
	sample(t, scrape(t, url), "ollama_container_oom_kills_total")
	sample(t, scrape(t, url), "process_start_time_seconds")
}

// sample is the value of a series without labels.
func sample(t *testing.T, text, name string) float64 {
	t.Helper()
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return number
		}
	}
	t.Fatal("no series ", name)
	return 0
}
