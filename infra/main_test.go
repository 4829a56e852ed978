//go:build !race

package main

import (
	"os"
	"testing"

	"github.com/aws/jsii-runtime-go"
)

// TestMain ends jsii's Node process, which would leave a folder behind. Not under the race
// detector: jsii v1.139.0 reads a flag of the process that it ends in two goroutines.
func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}
