package web

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// unlimited: cgroup v1 writes a number near 2^63 for "no limit".
const unlimited = 1 << 60

// cgroupMount is where a container sees its own cgroup.
const cgroupMount = "/sys/fs/cgroup"

var (
	memoryUsed = prometheus.NewDesc("ollama_container_memory_bytes",
		"Counted against the limit, without inactive page cache", nil, nil)
	memoryLimit = prometheus.NewDesc("ollama_container_memory_limit_bytes", "Limit of the container", nil, nil)
	oomKills    = prometheus.NewDesc("ollama_container_oom_kills_total", "Processes killed at the limit", nil, nil)
)

// cgroupFiles are the kernel's names for one version of cgroups, below the cgroup's mount.
type cgroupFiles struct{ used, limit, stat, cache, kills string }

var cgroupVersions = []cgroupFiles{
	{"memory.current", "memory.max", "memory.stat", "inactive_file", "memory.events"},
	{"memory/memory.usage_in_bytes", "memory/memory.limit_in_bytes", "memory/memory.stat", "total_inactive_file",
		"memory/memory.oom_control"},
}

// containerMemory reads, at each scrape, what the kernel says of the container's memory: of all its processes.
// What it does not say has no series: nothing outside of Linux, and no limit where there is none.
type containerMemory struct{ cgroup string }

func (c containerMemory) Describe(to chan<- *prometheus.Desc) {
	to <- memoryUsed
	to <- memoryLimit
	to <- oomKills
}

func (c containerMemory) Collect(to chan<- prometheus.Metric) {
	for _, files := range cgroupVersions {
		used, ok := c.number(files.used)
		if !ok {
			continue
		}
		// Page cache that was not used lately is dropped before anything is killed.
		cache, _ := c.field(files.stat, files.cache)
		to <- prometheus.MustNewConstMetric(memoryUsed, prometheus.GaugeValue, max(0, used-cache))
		if limit, ok := c.number(files.limit); ok && limit < unlimited {
			to <- prometheus.MustNewConstMetric(memoryLimit, prometheus.GaugeValue, limit)
		}
		if kills, ok := c.field(files.kills, "oom_kill"); ok {
			to <- prometheus.MustNewConstMetric(oomKills, prometheus.CounterValue, kills)
		}
		return
	}
}

// number is the content of a file, if that is a number.
func (c containerMemory) number(name string) (float64, bool) {
	raw, _ := os.ReadFile(filepath.Join(c.cgroup, name))
	return whole(strings.TrimSpace(string(raw)))
}

// field is a number of a file of lines `name number`.
func (c containerMemory) field(name, wanted string) (float64, bool) {
	raw, _ := os.ReadFile(filepath.Join(c.cgroup, name))
	for line := range strings.Lines(string(raw)) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == wanted {
			return whole(words[1])
		}
	}
	return 0, false
}

func whole(text string) (float64, bool) {
	value, err := strconv.ParseUint(text, 10, 64)
	return float64(value), err == nil
}
