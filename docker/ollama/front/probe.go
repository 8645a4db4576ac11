package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

const probeSeconds = 3

// probe asks a URL once: 0 where it answers 200. It is the health check of a container without curl.
func probe(arguments []string) int {
	if len(arguments) != 1 {
		fmt.Fprintln(os.Stderr, "usage: slm-ollama probe URL")
		return 2
	}
	client := http.Client{Timeout: probeSeconds * time.Second}
	answer, err := client.Get(arguments[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		fmt.Fprintln(os.Stderr, arguments[0], "answered", answer.Status)
		return 1
	}
	return 0
}
