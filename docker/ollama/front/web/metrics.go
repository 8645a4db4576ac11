package web

import (
	"net/http"
	"time"

	"github.com/ollama/ollama/version"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

var (
	outcomes  = []string{"ok", "refused", "full", "draining", "cancelled", "failed"}
	counted   = []string{"chat", "completions", "embeddings"}
	shortTime = []float64{0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5}
	longTime  = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160}
)

// metrics are served at /metrics in Prometheus' text form. The names are those of the kit's ONNX server with
// another prefix, and mean the same:
//
//	ollama_requests_total{endpoint,outcome}  ok, refused (4xx), full, draining, cancelled, failed
//	ollama_requests_waiting, _running        requests that wait for a slot or hold one; ollama_slots there are
//	ollama_prompt_tokens_total               of answered requests; ollama_generation_tokens_total likewise
//	ollama_queue_seconds                     arrival to slot
//	ollama_time_to_first_token_seconds       arrival to the first piece of the answer
//	ollama_inter_token_seconds               between two pieces; Ollama holds a token back that is half a letter
//	ollama_request_seconds                   arrival to the last byte
//	ollama_engine_up                         1 while Ollama lives
//	ollama_container_memory_bytes            memory that the kernel counts against the container's limit, without
//	                                         inactive page cache: of this program, Ollama and its runner together
//	ollama_container_memory_limit_bytes      that limit; no series without one
//	ollama_container_oom_kills_total         processes of the container killed at that limit: Ollama starts a killed
//	                                         runner again, and process_start_time_seconds, this program's, stays
//	ollama_build_info{version,model}         1
//
// Beside them process_* of this program. Those of the container are read from its cgroup at each scrape; there are
// none where there is no cgroup (macOS).
type metrics struct {
	handler                              http.Handler
	requests                             *prometheus.CounterVec
	promptTokens, generationTokens       prometheus.Counter
	queue, firstToken, interToken, whole prometheus.Histogram
}

func newMetrics(s *Server) *metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), containerMemory{cgroupMount})
	with := promauto.With(registry)
	counter := func(name, help string) prometheus.Counter {
		return with.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return with.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	gauge := func(name, help string, value func() float64) {
		with.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	m := &metrics{
		handler: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
		requests: with.NewCounterVec(
			prometheus.CounterOpts{Name: "ollama_requests_total", Help: "Requests"}, []string{"endpoint", "outcome"}),
		promptTokens:     counter("ollama_prompt_tokens_total", "Prompt tokens"),
		generationTokens: counter("ollama_generation_tokens_total", "Generated tokens"),
		queue:            histogram("ollama_queue_seconds", "Arrival to slot", longTime),
		firstToken:       histogram("ollama_time_to_first_token_seconds", "Arrival to first token", longTime),
		interToken:       histogram("ollama_inter_token_seconds", "Between two tokens of one answer", shortTime),
		whole:            histogram("ollama_request_seconds", "Arrival to last token", longTime),
	}
	for _, endpoint := range counted {
		for _, outcome := range outcomes { // a rate needs the series to exist before its first event
			m.requests.WithLabelValues(endpoint, outcome)
		}
	}
	gauge("ollama_requests_waiting", "Wait for a slot", func() float64 { return float64(s.limits.waiting.Load()) })
	gauge("ollama_requests_running", "Hold a slot", func() float64 { return float64(s.limits.running()) })
	gauge("ollama_slots", "Slots", func() float64 { return float64(cap(s.limits.slots)) })
	gauge("ollama_engine_up", "Ollama lives", func() float64 {
		if s.Life.failed.Load() {
			return 0
		}
		return 1
	})
	info := prometheus.GaugeOpts{Name: "ollama_build_info", Help: "Build"}
	with.NewGaugeVec(info, []string{"version", "model"}).WithLabelValues(version.Version, s.Model).Set(1)
	return m
}

func (m *metrics) ended(endpoint string, record *record) {
	m.requests.WithLabelValues(endpoint, record.outcome()).Inc()
	m.promptTokens.Add(float64(record.prompt))
	m.generationTokens.Add(float64(record.generated))
	if !record.admitted.IsZero() {
		m.whole.Observe(time.Since(record.began).Seconds())
	}
}
